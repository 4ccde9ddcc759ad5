/*
 * lib/store/mailbox.h - one open folder: a view of its messages, brought up to date on request.
 *
 * A mailbox handle is a session's view: sequence numbers 1..count in UID order that change only in
 * mailbox_sync. Other sessions and deliveries append to the same journal meanwhile; their records
 * are read at the next sync. Every change made here is a journal record first. A change is durable
 * before the call returns, but flag changes only after flush_interval (0: at once).
 */
#ifndef POSTHORN_LIB_STORE_MAILBOX_H
#define POSTHORN_LIB_STORE_MAILBOX_H

#include "lib/store/store.h"

struct mailbox;

enum message_flag {
    MESSAGE_SEEN = 1 << 0,
    MESSAGE_ANSWERED = 1 << 1,
    MESSAGE_FLAGGED = 1 << 2,
    MESSAGE_DELETED = 1 << 3,
    MESSAGE_DRAFT = 1 << 4,
    MESSAGE_RECENT = 1 << 5, /* this session is the first to see it; not stored */
    MESSAGE_NAMED = 1 << 6   /* it came with a unique name; nobody can change that */
};
#define MESSAGE_KEYWORDS (1u << 31) /* in store_options.flags_frozen: all keywords */
#define MAILBOX_KEYWORDS_MAX 64     /* keywords per folder: bit i of `keywords` is name i */
#define MAILBOX_KEYWORD_LEN_MAX 100

struct message {
    uint32_t uid;
    uint32_t flags;    /* enum message_flag */
    uint64_t keywords; /* bit per keyword */
    uint64_t modseq;
    uint64_t size;       /* bytes as in the file (CRLF lines: also RFC822.SIZE) */
    int64_t internal_ms; /* INTERNALDATE, real time */
};

#define MAILBOX_ID_SIZE 24 /* with the NUL */
struct mailbox_info {
    uint32_t uidvalidity, uidnext, count, recent, unseen, first_unseen_seq /* 0: none */;
    uint64_t highest_modseq; /* at least 1; what this session has not been told of is above it */
    uint64_t bytes;
    char mailbox_id[MAILBOX_ID_SIZE]; /* stable over rename (RFC 8474) */
};

/* Opens; `claim_recent`: this is a SELECT, new messages become \Recent here. NULL with errno. */
struct mailbox *mailbox_open(struct store *store, struct slice name, bool read_only,
                             bool claim_recent);
void mailbox_close(struct mailbox **mbp); /* flushes flag changes */
/* True if the folder was removed, by this session or another. */
bool mailbox_is_removed(const struct mailbox *mb);
/* 0, or -1 with EREMOTE: this is what is left of a mailbox that lies elsewhere now (store/move.h).
 * A message whose file is missing here is not gone. */
int mailbox_check_place(const struct mailbox *mb);
void mailbox_get_info(const struct mailbox *mb, struct mailbox_info *info);
/* The same figures of a folder that is not open, from its index (STATUS). */
int mailbox_status(struct store *store, struct slice name, struct mailbox_info *info);

uint32_t mailbox_count(const struct mailbox *mb);
/* `seq` from 1 to mailbox_count(). Valid until the next sync or change. */
const struct message *mailbox_message(const struct mailbox *mb, uint32_t seq);
/* True if another session has expunged the message, and the view keeps it until the next sync. */
bool mailbox_is_expunged(const struct mailbox *mb, uint32_t seq);
uint32_t mailbox_seq_of_uid(const struct mailbox *mb, uint32_t uid);      /* 0: not there */
uint32_t mailbox_seq_at_or_above(const struct mailbox *mb, uint32_t uid); /* count+1: none */
const char *mailbox_keyword(const struct mailbox *mb, unsigned bit);      /* NULL: unused */
/* Bit of a keyword; `make`: a new one may be given out. -1: none, or the table is full. */
int mailbox_keyword_bit(struct mailbox *mb, struct slice name, bool make);
/* True once after the table of keywords has changed, whoever did it. */
bool mailbox_keywords_changed(struct mailbox *mb);

/* What a sync found. Sequence numbers of `expunged` are as EXPUNGE responses want them: each is
 * relative to the view after the ones before it were taken out. `changed` are sequence numbers in
 * the new view whose flags another session changed. Freed by mailbox_changes_free. */
struct mailbox_changes {
    uint32_t *expunged, expunged_count;
    uint32_t *expunged_uids; /* same order */
    uint32_t *changed, changed_count;
    uint32_t old_count, new_count; /* before the sync less expunged; after */
};
/* Reads the journal's tail into the view. `allow_expunge` false (FETCH, STORE, SEARCH by sequence
 * number: RFC 3501 section 5.5, RFC 9051 section 7.5.1): removed messages stay in the view until a
 * later sync. `changes` may be NULL. Cheap when nothing happened (one fstat). 0, or -1 (ESTALE: the
 * folder was removed). */
int mailbox_sync(struct mailbox *mb, bool allow_expunge, struct mailbox_changes *changes);
void mailbox_changes_free(struct mailbox_changes *changes);
/* Flag changes become durable at the latest flush_interval after they were made, if the session
 * asks before it waits for its client: milliseconds until mailbox_flush is due, -1: nothing to
 * flush. Every other call that takes `mb` flushes by itself when it is late. */
int mailbox_flush_due_ms(const struct mailbox *mb);
int mailbox_flush(struct mailbox *mb); /* 0, or -1 with errno */
/* As watch_directory. When the watch names it, mailbox_wake comes before mailbox_sync, which then
 * also looks for what another program put into new/ just now. */
struct watch;
int mailbox_watch(const struct mailbox *mb, struct watch *watch);
void mailbox_wake(struct mailbox *mb);

/* The folder's directory, borrowed: for what belongs to a folder and is no part of the store. */
int mailbox_dirfd(const struct mailbox *mb);
/* UIDs that left the folder by records above `since`, ascending, as ranges that hold no message of
 * the view (RFC 7162 section 3.2.6): some that were reported before may be among them, none is
 * missing. The caller frees *ranges. 0, or -1 with errno. */
struct uid_range {
    uint32_t first, last; /* both included */
};
int mailbox_vanished(struct mailbox *mb, uint64_t since, struct uid_range **ranges,
                     uint32_t *count);
/* True while a removal is held back from this session, or a record is not settled, that later
 * changes were told of: the highest MODSEQ in a response is then not what the client has seen. */
bool mailbox_modseq_is_held(const struct mailbox *mb);

/* The message's file, for reading; the first `size` bytes are the message. -1 with errno: ENOENT
 * after another session's expunge. */
int mailbox_open_message(struct mailbox *mb, uint32_t seq);

/* What does not change while a message is in a folder. */
#define MAILBOX_EMAIL_ID_MAX 32
struct message_facts {
    int64_t saved_ms; /* when it came into this folder (RFC 8514) */
    uint32_t crc;     /* CRC-32C of the content */
    /* RFC 8474: kept by COPY and MOVE; [A-Za-z0-9_-], at least one character */
    char email_id[MAILBOX_EMAIL_ID_MAX + 1];
};
/* One read of the journal. -1 with errno: ENOENT, expunged by another session. */
int mailbox_message_facts(struct mailbox *mb, uint32_t seq, struct message_facts *out);

enum mailbox_flag_op { MAILBOX_FLAGS_SET, MAILBOX_FLAGS_ADD, MAILBOX_FLAGS_REMOVE };
/* Changes flags of the messages seqs[0..count). Messages whose modseq is above `unchanged_since`
 * (0: no limit) are left alone and marked in skipped[i] (may be NULL); not those that another
 * session changed only just now in flags that `op` does not touch (RFC 7162 section 3.1.12). Marks
 * in changed[i] (may be NULL) those that really changed. 0, or -1 with errno. */
int mailbox_store_flags(struct mailbox *mb, const uint32_t *seqs, uint32_t count,
                        enum mailbox_flag_op op, uint32_t flags, uint64_t keywords,
                        uint64_t unchanged_since, bool *skipped, bool *changed);

/* Removes the messages with \Deleted, of these UIDs only when uids is not NULL. The view changes at
 * the next mailbox_sync(mb, true, ...), which reports them like anybody's. */
int mailbox_expunge(struct mailbox *mb, const uint32_t *uids, uint32_t count);
/* Removes messages whatever their flags (POP3's QUIT, MOVE): all or none. */
int mailbox_remove(struct mailbox *mb, const uint32_t *uids, uint32_t count);

/* What the last mailbox_expunge or mailbox_remove took away. */
struct mailbox_removed {
    uint32_t count;
    uint64_t bytes;
};
struct mailbox_removed mailbox_removed(const struct mailbox *mb);

/* After the removal of many messages their files still have their names in cur/. That is work for
 * which no client has to wait; it is done here, or by the next removal, mailbox_release_memory or
 * mailbox_close. */
bool mailbox_is_tidy(const struct mailbox *mb);
void mailbox_tidy(struct mailbox *mb);

/* APPEND: begin gives a descriptor to write the message to, commit makes all of them visible and
 * durable at once with consecutive UIDs, abort leaves nothing. */
struct mailbox_append;
struct mailbox_append *mailbox_append_begin(struct store *store, struct slice folder);
int mailbox_append_fd(struct mailbox_append *append);
/* The caller removes a message of so many bytes right after the commit: the quota allows for it. */
void mailbox_append_replaces(struct mailbox_append *append, uint64_t bytes);
/* The message written since begin or the last call is complete. EDQUOT, ENOSPC. */
int mailbox_append_message(struct mailbox_append *append, uint32_t flags,
                           const struct slice *keywords, uint32_t keyword_count,
                           int64_t internal_ms);
struct mailbox_uids {
    uint32_t uidvalidity;
    uint32_t count;
    uint32_t *uids; /* in order of the sources; free() by the caller */
};
/* For imports: the files are flushed together at commit, by one syncfs. Before the first message.
 */
void mailbox_append_bulk(struct mailbox_append *append);
/* For imports: the message completed last keeps this UID, if none as high was given out yet (0:
 * whatever comes), this email id (empty: a new one) and this unique name (empty: one of ours). No
 * other message of the folder may have had that name. */
void mailbox_append_keep(struct mailbox_append *append, uint32_t uid, struct slice email_id,
                         struct slice unique_name);
int mailbox_append_commit(struct mailbox_append **appendp, struct mailbox_uids *uids);
void mailbox_append_abort(struct mailbox_append **appendp);

/* COPY and MOVE into `folder`, flags, keywords and dates kept, all or none; the file is linked, not
 * copied. MOVE also removes from mb (reported by the next sync). ENOENT: no such folder. */
int mailbox_copy(struct mailbox *mb, const uint32_t *seqs, uint32_t count, struct slice folder,
                 bool move, struct mailbox_uids *uids);

/* The cache: opaque bytes per message and kind that the session computed from the (immutable)
 * message, e.g. ENVELOPE. May be lost at any time. At most MAILBOX_CACHE_MAX bytes each. */
#define MAILBOX_CACHE_MAX 65536
enum mailbox_cache_kind {
    MAILBOX_CACHE_ENVELOPE = 1,
    MAILBOX_CACHE_BODYSTRUCTURE,
    MAILBOX_CACHE_BODY,
    MAILBOX_CACHE_HEADERS, /* lib/mail/header_text.h: the common fields, all others */
    MAILBOX_CACHE_HEADERS_REST,
    MAILBOX_CACHE_SORT = 16, /* lib/mail/sort_text.h: what SORT compares, identifiers */
    MAILBOX_CACHE_IDS = 17,
    MAILBOX_CACHE_PREVIEW = 18,    /* RFC 8970, as a string of IMAP */
    MAILBOX_CACHE_POP3_OCTETS = 32 /* uint64_t, octets on the wire */
};
/* false: not there. `out` borrowed until the next call on mb. */
bool mailbox_cache_get(struct mailbox *mb, uint32_t uid, enum mailbox_cache_kind kind,
                       struct slice *out);
void mailbox_cache_put(struct mailbox *mb, uint32_t uid, enum mailbox_cache_kind kind,
                       struct slice value);

/* A name that is unique in the folder for ever and survives moves of the store: POP3's UIDL (RFC
 * 1939 section 7). UIDVALIDITY and UID, unless the message came with another one. */
#define MAILBOX_UNIQUE_NAME_MAX 70 /* characters 0x21..0x7e */
int mailbox_unique_name(struct mailbox *mb, uint32_t seq, struct strbuf *out);

/* Gives memory back while the session idles (unmaps, trims), and flushes flag changes; the next
 * call maps again. */
void mailbox_release_memory(struct mailbox *mb);

#endif
