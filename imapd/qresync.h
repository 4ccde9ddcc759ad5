/*
 * imapd/qresync.h - tells a client that comes back what it missed (RFC 7162 section 3.2).
 */
#ifndef POSTHORN_IMAPD_QRESYNC_H
#define POSTHORN_IMAPD_QRESYNC_H

#include "imapd/select_args.h"
#include "imapd/session.h"

/* "* VANISHED (EARLIER) ..." of those UIDs in `known` (resolved) and above `floor` that left since
 * the MODSEQ; nothing if there are none. 0, or -1 with errno. */
int qresync_send_vanished(struct session *s, uint64_t since, const struct seqset *known,
                          uint32_t floor);
/* What SELECT (QRESYNC ...) answers behind its other untagged responses (section 3.2.5). 0, or -1
 * with errno: nothing was sent. */
int qresync_send_missed(struct session *s, struct select_args *args);

#endif
