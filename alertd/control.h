/*
 * alertd/control.h - run/alert.sock: what the command line asks.
 */
#ifndef POSTHORN_ALERTD_CONTROL_H
#define POSTHORN_ALERTD_CONTROL_H

#include "alertd/alerts.h"
#include "alertd/teller.h"
#include "lib/sys/daemon.h"

struct control;

/* changed() follows what changes the table. */
struct control *control_start(struct daemon *d, struct alerts *alerts, struct teller *teller,
                              void (*changed)(void *arg), void *arg);
void control_stop(struct control **controlp);

#endif
