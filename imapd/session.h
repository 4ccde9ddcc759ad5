/*
 * imapd/session.h - one client's connection: state, selected mailbox, what the commands share.
 */
#ifndef POSTHORN_IMAPD_SESSION_H
#define POSTHORN_IMAPD_SESSION_H

#include "imapd/message.h"
#include "imapd/reply.h"
#include "imapd/saved_result.h"
#include "imapd/server.h"
#include "imapd/work.h"
#include "lib/base/arena.h"
#include "lib/mail/imap_rights.h"
#include "lib/store/mailbox.h"
#include "lib/store/url_keys.h"
#include "lib/sys/pool.h"
#include "lib/tls/stream.h"

#define SESSION_USER_MAX 320       /* bytes of a user's canonical address */
#define SESSION_INPUT_BUFFER 16384 /* bytes read from the client in advance */

/* States of RFC 3501 section 3, as bits for the command table. */
enum session_state {
    STATE_NOT_AUTHENTICATED = 1,
    STATE_AUTHENTICATED = 2,
    STATE_SELECTED = 4,
    STATE_LOGOUT = 8,
};

/* What the client has enabled (RFC 5161 section 3.1). */
enum session_enabled {
    ENABLED_CONDSTORE = 1 << 0, /* RFC 7162 */
    ENABLED_QRESYNC = 1 << 1,   /* RFC 7162, with CONDSTORE */
    ENABLED_UTF8 = 1 << 2,      /* RFC 6855 */
    ENABLED_REV2 = 1 << 3,      /* RFC 9051 */
    ENABLED_UIDONLY = 1 << 4,   /* RFC 9586 */
    ENABLED_METADATA = 1 << 5,  /* RFC 5464, with imapd/metadata_news */
};

struct session {
    struct pool_session *pool;
    const struct server *server;
    struct stream *stream;
    enum session_state state;
    bool tls_started, past_login, id_logged;
    unsigned enabled; /* enum session_enabled */
    enum { COMPRESSION_OFF, COMPRESSION_NEXT, COMPRESSION_ON } compression; /* RFC 4978 */

    /* the command in progress; `arena` and `out` are emptied after it */
    struct strbuf command;
    struct slice tag;
    struct arena arena;
    struct strbuf out;  /* a response under construction */
    struct strbuf code; /* a response code with arguments, for the tagged reply */
    unsigned errors, commands_before_login;
    uint32_t login_failures; /* on this connection, whoever had it */
    bool has_logged_in;      /* this process serves nobody else any more */
    int successor_fd;        /* -1, or UNAUTHENTICATE has found who goes on */
    int64_t login_deadline;  /* monotonic */
    struct work work;

    /* after login */
    char user[SESSION_USER_MAX + 1];
    int mail_dirfd; /* -1: not logged in */
    struct store_options store_options;
    struct store *store;  /* NULL until the first command that needs it */
    struct place *places; /* folders of others, by name (imapd/places.h) */
    unsigned place_count;
    struct disk_gates gates;             /* of the file systems that it stores in */
    struct place *first_place;           /* these, and those that this session made */
    struct metadata_news *metadata_news; /* NULL: not enabled */

    /* selected state */
    struct mailbox *mailbox;
    char *mailbox_name;          /* as it was selected, or this session renamed it */
    struct store *mailbox_store; /* that it is in: the user's or a place's */
    uint32_t rights;             /* enum imap_right; after EXAMINE none that changes it */
    bool has_read;               /* it has opened a mailbox */
    bool read_only; /* as the client was told: none of the rights that RFC 4314 section 5.2 names */
    bool count_told_aside; /* another count came with a FETCH or the like (imapd/updates.h) */
    bool modseq_held;      /* the client knows that removals are delayed (RFC 7162 section 3.2) */
    struct saved_result saved;       /* "$" */
    struct search_context *contexts; /* searches with updates (RFC 5267) */
    struct message_data message;     /* the one that was read last */
    struct url_keys_seen url_keys;   /* imapd/url_news.h */
    uint32_t own_first, own_last;    /* UIDs that this session put there last; 0: none */

    struct notify *notify; /* NULL: the client has not used NOTIFY (imapd/notify.h) */
};

/* Mailbox names go as UTF-8 then, both ways (RFC 6855 section 3, RFC 9051 section 5.1). */
static inline bool
session_takes_utf8(const struct session *s)
{
    return (s->enabled & (ENABLED_UTF8 | ENABLED_REV2)) != 0;
}

/* \Recent is no more in IMAP4rev2 (RFC 9051 appendix E). */
static inline uint32_t
session_shown_flags(const struct session *s, uint32_t flags)
{
    return (s->enabled & ENABLED_REV2) != 0 ? flags & ~(uint32_t)MESSAGE_RECENT : flags;
}

/* Serves one connection from greeting to end. */
enum pool_next session_serve(struct pool_session *pool, void *server);
/* Its two halves: commands until the client or we have enough, and giving all back. */
void session_run(struct session *s);
void session_end(struct session *s);

/* The user's store, opened on first use. NULL with errno. */
struct store *session_store(struct session *s);
/* "TLSv1.3" while the client's connection is protected, here or before a relay. */
const char *session_tls_version(const struct session *s);
/* RFC 9266. False: there is none. */
bool session_channel_binding(const struct session *s, unsigned char out[32]);
/* Puts back everything that is of the user who is logged in. */
void session_leave_user(struct session *s);
/* Leaves the selected state: flag changes are flushed, memory goes back. */
void session_deselect(struct session *s);
/* Sends "* BYE text" and ends the session after the current command. */
void session_bye(struct session *s, const char *text);
/* The same when s->pool->end_fd says so. */
void session_bye_ended(struct session *s);
/* Gives back what is not needed while the client is silent. */
void session_release_memory(struct session *s);

#endif
