/*
 * imapd/status.h - the STATUS response, also for LIST's return option (RFC 5819).
 */
#ifndef POSTHORN_IMAPD_STATUS_H
#define POSTHORN_IMAPD_STATUS_H

#include "imapd/session.h"

/* Appends "* STATUS name (...)" and a line end. 0, or -1 with errno: nothing was appended. */
int status_write(struct session *s, struct slice name, unsigned items, struct strbuf *out);

#endif
