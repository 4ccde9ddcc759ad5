/*
 * figured/places.h - how much room there is where the mail server writes, as levels in run/stats.
 */
#ifndef POSTHORN_FIGURED_PLACES_H
#define POSTHORN_FIGURED_PLACES_H

#include "lib/sys/daemon.h"

struct places;

struct places *places_open(struct daemon *d); /* opens directories by path: before the sandbox */
void places_look(const struct places *places);
void places_close(struct places **placesp);

#endif
