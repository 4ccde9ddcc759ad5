/*
 * lib/store/arrivals.h - messages on their way into a folder: their files first, then one record.
 *
 * For APPEND and COPY. The files lie in cur/ under names that nobody knows before the record does.
 */
#ifndef POSTHORN_LIB_STORE_ARRIVALS_H
#define POSTHORN_LIB_STORE_ARRIVALS_H

#include "lib/store/folder.h"
#include "lib/store/mailbox.h"

#define ARRIVAL_KEYWORDS_MAX 64

struct incoming {
    struct arrival arrival; /* name, email_id and unique point to these at commit */
    char name[FILE_NAME_SIZE];
    char email_id[MAILBOX_EMAIL_ID_MAX + 1];
    char *unique;    /* a unique name that it came with; NULL: none */
    char **keywords; /* names; the folder's bits are found under its lock */
    uint32_t keyword_count;
    uint32_t uid_at_least;  /* 0: whatever comes */
    struct message written; /* as the record has it */
};

struct arrivals {
    struct folder *folder;
    struct incoming *list;
    uint32_t count, cap;
    uint64_t bytes;
    uint64_t replaced_bytes, replaced_messages; /* that go right after: not counted for the quota */
    /* MOVE: where they came from */
    const struct uid_range *origin_ranges;
    uint32_t origin_count;
    const char *origin_id;
    struct slice origin_folder;
};

/* Room for one more, zeroed; list may move. */
struct incoming *arrivals_add(struct arrivals *a);
void arrivals_drop_last(struct arrivals *a); /* whose file is not there */
void arrivals_free(struct arrivals *a);      /* the list; not the folder */
void arrivals_drop_keywords(struct incoming *in);
/* The quota that they are held against. */
struct store_options arrivals_quota(const struct arrivals *a);
/* Unlinks what lies in cur/: none of it has a record. */
void arrivals_take_back(struct arrivals *a);
/* Appends the record, flushes the journal and cur/; the caller marks the record that ends at
 * *record_end. Between ledger_begin and ledger_end: the user's totals are kept within the quota,
 * but those of a MOVE are left to the caller. -1 with errno: nothing is there (files included), or,
 * if a flush failed, perhaps all. */
int arrivals_commit(struct arrivals *a, uint64_t *record_end, struct mailbox_uids *uids);
/* After that, while the record is not marked: flags and keywords of the list that are others than
 * in the record are written once more, on disk before return. -1 with errno: perhaps. */
int arrivals_write_flags(struct arrivals *a);

#endif
