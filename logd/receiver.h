/*
 * logd/receiver.h - takes datagrams off the log socket and hands their lines on.
 */
#ifndef POSTHORN_LOGD_RECEIVER_H
#define POSTHORN_LOGD_RECEIVER_H

#include "lib/sys/daemon.h"
#include "logd/log_files.h"
#include "logd/syslog_out.h"

/* Reads the daemon's "control" socket from here on. `syslog` may be NULL. All are borrowed. */
struct receiver *receiver_new(struct daemon *d, struct log_files *files, struct syslog_out *syslog);
/* Reads what the socket still holds: at the end, when the senders have ended. */
void receiver_drain(struct receiver *r);
void receiver_free(struct receiver **rp);

#endif
