/*
 * imapd/updates.h - untagged responses that tell what others did to the selected mailbox.
 */
#ifndef POSTHORN_IMAPD_UPDATES_H
#define POSTHORN_IMAPD_UPDATES_H

#include "imapd/session.h"

enum updates_how {
    UPDATES_KEEP = 0,         /* no EXPUNGE (RFC 3501 section 7.4.1) */
    UPDATES_EXPUNGE = 1 << 0, /* it is allowed */
    UPDATES_UID = 1 << 1,     /* FETCH responses have the UID (section 6.4.8) */
    UPDATES_OWN = 1 << 2,     /* the command made news itself: it is told whatever NOTIFY says */
    UPDATES_ALL = 1 << 3,     /* whatever NOTIFY says */
    UPDATES_UNASKED = 1 << 4  /* no command asks: without news nothing at all is said */
};

/* Brings the view of the selected mailbox up to date and tells the client what it wants to know
 * (RFC 5465). A mailbox that is gone ends the session. */
void updates_send(struct session *s, unsigned how);
/* At the start of IDLE: EXISTS once more if messages came or went last with the answer to a FETCH
 * or the like. Thunderbird takes no notice of that, and would not until the next news. */
void updates_repeat_count(struct session *s);
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
