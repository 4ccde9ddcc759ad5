/*
 * directoryd/intake.h - the objects of one answer of accountd's, taken into the book.
 */
#ifndef POSTHORN_DIRECTORYD_INTAKE_H
#define POSTHORN_DIRECTORYD_INTAKE_H

#include "directoryd/book.h"

/* `data`: objects (lib/ipc/contacts.h). Those that cannot be taken are left out alone: those behind
 * them belong to others. The first one is logged. */
void intake(struct book *book, struct slice data);

#endif
