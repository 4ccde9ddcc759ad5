/*
 * imapd/updates.h - untagged responses that tell what others did to the selected mailbox.
 */
#ifndef POSTHORN_IMAPD_UPDATES_H
#define POSTHORN_IMAPD_UPDATES_H

#include "imapd/session.h"

/* Brings the view of the selected mailbox up to date and tells the client. EXPUNGE only where it is
 * allowed (RFC 3501 section 7.4.1); `with_uid` adds UIDs to FETCH responses (section 6.4.8). A
 * mailbox that is gone ends the session. */
void updates_send(struct session *s, bool allow_expunge, bool with_uid);
/* FLAGS and PERMANENTFLAGS again if the folder has new keywords: goes ahead of FETCH responses that
 * may hold them. */
void updates_send_keywords(struct session *s);
/* "* n FETCH (FLAGS (...))" of the message with that number; UID and MODSEQ with it once CONDSTORE
 * is enabled (RFC 7162 section 3.2.4), UID in IMAP4rev2 (RFC 9051 appendix E). */
void updates_send_flags(struct session *s, uint32_t seq, bool with_uid);
/* "* n FETCH (UID u MODSEQ (m))" */
void updates_send_modseq(struct session *s, uint32_t seq);
/* Appends "* n FETCH (" to s->out, or "* u UIDFETCH (" (RFC 9586 section 3.3). */
void updates_begin_fetch(struct session *s, uint32_t seq);
/* Sends what s->out holds and empties it. */
void updates_put_out(struct session *s);

#endif
