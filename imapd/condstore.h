/*
 * imapd/condstore.h - MODSEQs (RFC 7162): what every command has to do with them.
 */
#ifndef POSTHORN_IMAPD_CONDSTORE_H
#define POSTHORN_IMAPD_CONDSTORE_H

#include "imapd/session.h"

/* A CONDSTORE enabling command was given (section 3.1): the first one makes the client aware, and
 * HIGHESTMODSEQ of a selected mailbox is told. */
void condstore_enable(struct session *s);
/* After updates: tells the MODSEQ that is safe to remember while removals are delayed, and the
 * right one when they are not any more (section 3.2). */
void condstore_tell_held(struct session *s);
/* The tagged OK of a command that removed messages, after their EXPUNGE or VANISHED responses. */
struct reply condstore_reply_removed(struct session *s, const char *text);

#endif
