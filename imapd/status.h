/*
 * imapd/status.h - the items of STATUS, also as LIST's return option (RFC 5819).
 */
#ifndef POSTHORN_IMAPD_STATUS_H
#define POSTHORN_IMAPD_STATUS_H

#include "imapd/parser.h"
#include "imapd/session.h"

/* "(" status-att ... ")": a bit for each item asked for. */
bool status_parse_items(struct parser *p, unsigned *items);
/* Appends "* STATUS name (...)" and a line end. 0, or -1 with errno: nothing was appended. */
int status_write(struct session *s, struct slice name, unsigned items, struct strbuf *out);

#endif
