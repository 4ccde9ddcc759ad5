/*
 * logd/syslog_out.h - copies of log lines to the system's own log, /dev/log.
 */
#ifndef POSTHORN_LOGD_SYSLOG_OUT_H
#define POSTHORN_LOGD_SYSLOG_OUT_H

#include "lib/base/strbuf.h"

enum syslog_format { SYSLOG_OFF, SYSLOG_RFC5424, SYSLOG_RFC3164 };

struct syslog_out;

/* `dev_dirfd` is the directory of the socket "log" (/dev), borrowed; `hostname` is copied. */
struct syslog_out *syslog_out_new(int dev_dirfd, enum syslog_format format, const char *hostname);
void syslog_out_free(struct syslog_out **outp);
/* Sends each line as a datagram of its own; never waits: what the receiver has no room for is
 * lost there (the file has it). */
void syslog_out_send(struct syslog_out *out, struct slice lines);

/* One of our lines (without LF) as a syslog message. -1: it is no line of ours. */
int syslog_encode(enum syslog_format format, const char *hostname, struct slice line,
                  struct strbuf *message);

#endif
