/*
 * imapd/notify.h - NOTIFY: what the client is told unasked (RFC 5465).
 *
 * A session that does not use it has nothing of it but a NULL pointer. Between the commands of one
 * that does, wait.c calls notify_tell; updates.c asks what may be told of the selected mailbox.
 */
#ifndef POSTHORN_IMAPD_NOTIFY_H
#define POSTHORN_IMAPD_NOTIFY_H

#include "imapd/notify_args.h"
#include "imapd/session.h"

/* Events of the selected mailbox that the client wants to know of: all of them before its first
 * NOTIFY. */
unsigned notify_selected_events(const struct session *s);
/* What is to be sent of messages that come into it; NULL: nothing. */
const struct fetch_args *notify_fetch(const struct session *s);
/* It wants to know of changed annotations of that mailbox ("": of the server): before its first
 * NOTIFY by METADATA (RFC 5464), then as that says. */
bool notify_wants_metadata(const struct session *s, struct slice mailbox, bool subscribed);
/* This session itself brought the message of that UID into the selected mailbox, just now. */
bool notify_is_own(const struct session *s, uint32_t uid);

/* ---- after a NOTIFY ---- */
/* To be waited for; -1: nothing. */
int notify_fd(struct session *s);
/* When notify_tell has something to do without that; monotonic, INT64_MAX: never. */
int64_t notify_due_ms(const struct session *s);
/* Tells what happened, while no command is in progress, or in IDLE. */
void notify_tell(struct session *s, bool in_idle);
/* Tells what happened to other mailboxes: ahead of a tagged response. */
void notify_tell_others(struct session *s);

/* ---- what this session did itself ---- */
/* It put messages into that folder. */
void notify_arrived(struct session *s, struct slice folder, const struct mailbox_uids *uids);
/* It made, deleted or renamed that folder (NOTIFY_MAILBOX_NAME), or changed its subscription. */
void notify_changed(struct session *s, struct slice folder, enum notify_event event);
/* It is about to leave its selected mailbox. */
void notify_deselect(struct session *s);
void notify_free(struct session *s);

#endif
