/*
 * alertd/control.h - run/alert.sock: what the command line asks.
 */
#ifndef POSTHORN_ALERTD_CONTROL_H
#define POSTHORN_ALERTD_CONTROL_H

#include "alertd/alerts.h"
#include "alertd/broadcast.h"
#include "alertd/teller.h"
#include "lib/sys/daemon.h"

struct control;

struct control_parts {
    struct alerts *alerts;
    struct teller *teller;
    struct broadcasts *broadcasts;
};

/* changed() follows what changes the table. */
struct control *control_start(struct daemon *d, const struct control_parts *parts,
                              void (*changed)(void *arg), void *arg);
void control_stop(struct control **controlp);

#endif
