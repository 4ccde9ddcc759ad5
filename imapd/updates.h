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
/* "* n FETCH (FLAGS (...))" of the message with that number. */
void updates_send_flags(struct session *s, uint32_t seq, bool with_uid);
/* Sends what s->out holds and empties it. */
void updates_put_out(struct session *s);

#endif
