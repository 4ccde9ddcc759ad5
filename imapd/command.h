/*
 * imapd/command.h - the table of commands, and what runs one.
 */
#ifndef POSTHORN_IMAPD_COMMAND_H
#define POSTHORN_IMAPD_COMMAND_H

#include "imapd/parser.h"
#include "imapd/session.h"

/* What a command may be told about in untagged responses, and how its numbers are meant. */
enum command_flag {
    COMMAND_NO_EXPUNGE = 1, /* FETCH, STORE, SEARCH: RFC 3501 section 7.4.1 */
    COMMAND_UID = 2,        /* behind "UID": numbers are UIDs, FETCH responses hold the UID */
    COMMAND_NUMBERS = 4,    /* it is about messages by their numbers (RFC 9586 section 3.2) */
    COMMAND_OWN_NEWS = 8,   /* it may bring or take messages of the selected mailbox */
    COMMAND_WAITS = 16,     /* for the client: how long it takes says nothing about us */
};

struct command {
    const char *name;
    unsigned states; /* bits of enum session_state */
    unsigned flags;  /* bits of enum command_flag */
    /* The parser stands behind the name. Untagged responses are written to s->stream; the result is
     * the tagged one, which leaves after the untagged updates of the mailbox. */
    struct reply (*run)(struct session *s, struct parser *p, unsigned flags);
};

/* Runs the command in s->command. */
void command_run(struct session *s);

/* The commands, by the file that they are in. */
struct reply any_capability(struct session *s, struct parser *p, unsigned flags);
struct reply any_noop(struct session *s, struct parser *p, unsigned flags);
struct reply any_check(struct session *s, struct parser *p, unsigned flags);
struct reply any_logout(struct session *s, struct parser *p, unsigned flags);
struct reply any_id(struct session *s, struct parser *p, unsigned flags);
struct reply compress_compress(struct session *s, struct parser *p, unsigned flags);
struct reply any_enable(struct session *s, struct parser *p, unsigned flags);
struct reply language_language(struct session *s, struct parser *p, unsigned flags);
struct reply login_starttls(struct session *s, struct parser *p, unsigned flags);
struct reply login_login(struct session *s, struct parser *p, unsigned flags);
struct reply login_authenticate(struct session *s, struct parser *p, unsigned flags);
struct reply unauthenticate_unauthenticate(struct session *s, struct parser *p, unsigned flags);
struct reply select_select(struct session *s, struct parser *p, unsigned flags);
struct reply select_examine(struct session *s, struct parser *p, unsigned flags);
struct reply select_close(struct session *s, struct parser *p, unsigned flags);
struct reply select_unselect(struct session *s, struct parser *p, unsigned flags);
struct reply folder_create(struct session *s, struct parser *p, unsigned flags);
struct reply folder_delete(struct session *s, struct parser *p, unsigned flags);
struct reply folder_rename(struct session *s, struct parser *p, unsigned flags);
struct reply folder_subscribe(struct session *s, struct parser *p, unsigned flags);
struct reply folder_unsubscribe(struct session *s, struct parser *p, unsigned flags);
struct reply list_list(struct session *s, struct parser *p, unsigned flags);
struct reply list_lsub(struct session *s, struct parser *p, unsigned flags);
struct reply list_namespace(struct session *s, struct parser *p, unsigned flags);
struct reply status_status(struct session *s, struct parser *p, unsigned flags);
struct reply append_append(struct session *s, struct parser *p, unsigned flags);
struct reply replace_replace(struct session *s, struct parser *p, unsigned flags);
struct reply notify_notify(struct session *s, struct parser *p, unsigned flags);
struct reply idle_idle(struct session *s, struct parser *p, unsigned flags);
struct reply fetch_fetch(struct session *s, struct parser *p, unsigned flags);
struct reply store_store(struct session *s, struct parser *p, unsigned flags);
struct reply copy_copy(struct session *s, struct parser *p, unsigned flags);
struct reply copy_move(struct session *s, struct parser *p, unsigned flags);
struct reply expunge_expunge(struct session *s, struct parser *p, unsigned flags);
/* An expunge of the selected mailbox has succeeded: it goes into the list of what the user deleted.
 */
void expunge_tell(const struct session *s);
struct reply uid_batches_uidbatches(struct session *s, struct parser *p, unsigned flags);
struct reply search_search(struct session *s, struct parser *p, unsigned flags);
struct reply acl_setacl(struct session *s, struct parser *p, unsigned flags);
struct reply acl_deleteacl(struct session *s, struct parser *p, unsigned flags);
struct reply acl_getacl(struct session *s, struct parser *p, unsigned flags);
struct reply acl_listrights(struct session *s, struct parser *p, unsigned flags);
struct reply acl_myrights(struct session *s, struct parser *p, unsigned flags);
struct reply search_context_cancelupdate(struct session *s, struct parser *p, unsigned flags);
struct reply metadata_getmetadata(struct session *s, struct parser *p, unsigned flags);
struct reply metadata_setmetadata(struct session *s, struct parser *p, unsigned flags);
struct reply quota_getquota(struct session *s, struct parser *p, unsigned flags);
struct reply quota_getquotaroot(struct session *s, struct parser *p, unsigned flags);
struct reply quota_setquota(struct session *s, struct parser *p, unsigned flags);
struct reply multisearch_esearch(struct session *s, struct parser *p, unsigned flags);
struct reply sort_sort(struct session *s, struct parser *p, unsigned flags);
struct reply thread_thread(struct session *s, struct parser *p, unsigned flags);
struct reply urlfetch_urlfetch(struct session *s, struct parser *p, unsigned flags);
struct reply urlauth_genurlauth(struct session *s, struct parser *p, unsigned flags);
struct reply urlauth_resetkey(struct session *s, struct parser *p, unsigned flags);

#endif
