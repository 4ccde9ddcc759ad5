/*
 * master/notify.h - tells systemd how we are (sd_notify(3), without its library).
 */
#ifndef POSTHORN_MASTER_NOTIFY_H
#define POSTHORN_MASTER_NOTIFY_H

#include "lib/sys/loop.h"

/* Reads NOTIFY_SOCKET and WATCHDOG_USEC, and takes them out of the environment. */
void notify_init(struct loop *loop);
void notify_end(void);
/* Each does nothing without systemd, and nothing twice. */
void notify_reloading(void);
/* Every service is at rest, after the start or a reload; `complaints` is shown by systemctl. */
void notify_settled(const char *complaints);
/* It will take `ms` at most. */
void notify_stopping(int64_t ms);

#endif
