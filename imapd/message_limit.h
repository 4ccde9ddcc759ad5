/*
 * imapd/message_limit.h - how many messages one command may be about: MESSAGELIMIT and SAVELIMIT
 * (RFC 9738).
 *
 * A command about too many is either refused whole (COPY and APPEND, which are atomic; SORT and
 * THREAD, which need all of them) or is about the highest UIDs of its set alone, from the highest
 * down, and says which was the lowest.
 */
#ifndef POSTHORN_IMAPD_MESSAGE_LIMIT_H
#define POSTHORN_IMAPD_MESSAGE_LIMIT_H

#include "imapd/selection.h"

/* Messages in one command; UINT32_MAX: no limit. */
uint32_t message_limit(const struct session *s);
uint32_t message_limit_save(const struct session *s); /* COPY, APPEND */

/* Leaves the highest of the selected messages. The UID of the lowest one left; 0: all are. */
uint32_t message_limit_cut(const struct session *s, struct selection *sel);
/* The place in a selection of the i-th message to be dealt with: from the highest down if some
 * were cut (section 3.1). */
uint32_t message_limit_place(const struct selection *sel, uint32_t lowest_uid, uint32_t i);

/* " MESSAGELIMIT=1000", where there is one. */
void message_limit_capability(const struct session *s, struct strbuf *out);
/* The reply to a command that has done what it could, the lowest UID being `lowest_uid` (0: it did
 * all): with the response code, or, where the reply has another one, behind an untagged NO. */
struct reply message_limit_reply(struct session *s, uint32_t lowest_uid, struct reply reply);
/* The reply to one that was refused; `uid` (0: none) is the lowest that would have been possible.
 */
struct reply message_limit_refuse(struct session *s, uint32_t limit, uint32_t uid);
/* The reply to a search of several mailboxes, some of which were not looked at whole. */
struct reply message_limit_reply_unknown(struct session *s, const char *text);

#endif
