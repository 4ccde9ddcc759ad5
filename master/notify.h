/*
 * master/notify.h - tells systemd how we are (sd_notify(3), without its library).
 */
#ifndef POSTHORN_MASTER_NOTIFY_H
#define POSTHORN_MASTER_NOTIFY_H

#include "lib/sys/loop.h"

/* Reads NOTIFY_SOCKET and WATCHDOG_USEC, and takes them out of the environment. */
void notify_init(struct loop *loop);
void notify_end(void);
/* "READY=1", "RELOADING=1", "STOPPING=1", "STATUS=..."; nothing without systemd. */
void notify_send(const char *state);
/* RELOADING=1 with the time that systemd wants along (Type=notify-reload). */
void notify_reloading(void);

#endif
