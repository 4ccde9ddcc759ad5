/*
 * lib/store/record.h - the bytes of a mailbox journal: header, records, items. No I/O.
 *
 * doc/store.md explains every field. A journal is a header and records; a record is one atomic
 * change: its items, and a trailer with the folder's state after it, so that the last record alone
 * tells an appender all it needs. Everything is little-endian and 8-byte aligned. Whatever is read
 * here is checked as if an enemy had written it.
 */
#ifndef POSTHORN_LIB_STORE_RECORD_H
#define POSTHORN_LIB_STORE_RECORD_H

#include "lib/base/strbuf.h"
#include "lib/store/mailbox.h"

#define JOURNAL_MAGIC "PHJOURN1"
#define JOURNAL_VERSION 2
#define RECORD_MAX (64u << 20)             /* bytes of one record */
#define UID_KEPT_MAX 0x80000000u           /* an import's numbers must not use all of them up */
#define RECORD_SIZE_MAX (INT64_C(1) << 36) /* bytes of one message; of 50 million: below 2^63 */
#define RECORD_NAME_MAX 240                /* bytes of a message's file name */
#define RECORD_KEY_MAX 64                  /* bytes of a delivery key */
#define RECORD_DURABLE 0x6b726d44u /* the mark "Dmrk" of a record that is known to be on disk */

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "journals are little-endian");

struct journal_header {
    char magic[8];
    uint32_t version;
    uint32_t header_size; /* sizeof(struct journal_header) */
    uint32_t generation;  /* 1 at first, one more with each compaction */
    uint32_t uidvalidity;
    char mailbox_id[24]; /* NUL-padded */
    int64_t created_ms;
    uint64_t checkpoint_end; /* records before this offset restate the generation before */
    char zero[60];
    uint32_t crc; /* CRC-32C of all before */
};
_Static_assert(sizeof(struct journal_header) == 128, "on disk");

/* The folder after a record; the user_ fields and last_uidvalidity count in INBOX's journal only.
 */
struct record_state {
    uint32_t uidnext;
    uint32_t count;
    uint32_t unseen;
    uint32_t recent;           /* messages that no session has claimed as \Recent */
    uint32_t recent_uid;       /* the first UID that was never claimed */
    uint32_t last_uidvalidity; /* highest that was given to a folder of this user */
    uint64_t modseq;           /* highest; what this record changed has it */
    uint64_t bytes;
    uint64_t user_bytes, user_messages; /* over all folders of the user */
};

struct record_header {
    uint32_t magic;
    uint32_t length; /* of the whole record, a multiple of 8 */
    uint32_t flags;  /* enum record_flag */
    uint32_t zero;
    int64_t written_ms;
};

struct record_trailer {
    struct record_state state;
    uint64_t settled; /* all records before this offset are settled (doc/store.md, "Settling") */
    uint32_t length;  /* again: the way back from the end */
    uint32_t magic;
    uint32_t crc;  /* CRC-32C from the record's first byte to here */
    uint32_t mark; /* RECORD_DURABLE, written in place after the flush; not part of the CRC */
};
_Static_assert(sizeof(struct record_header) == 24 && sizeof(struct record_trailer) == 80,
               "on disk");

enum record_flag {
    RECORD_LASTING = 1 /* arrivals or expunges: nobody may announce them before they are settled */
};

enum item_type {
    ITEM_ARRIVE = 1, /* a message */
    ITEM_EXPUNGE,    /* UID ranges that left */
    ITEM_VOID,       /* UID ranges whose files a power cut took: they never were, nor their keys */
    ITEM_FLAGS,      /* flags off, flags on, UID ranges */
    ITEM_KEYWORD,    /* name of one keyword bit */
    ITEM_GONE,       /* checkpoint: expunged UID ranges with their modseq */
    ITEM_KEY,        /* checkpoint: delivery key of an expunged message */
    ITEM_ORIGIN      /* where a MOVE took the arrivals of this record from */
};

struct gone_range {
    uint32_t first, last;
    uint64_t modseq;
};

struct arrival {
    struct message m;      /* flags without MESSAGE_RECENT */
    int64_t saved_ms;      /* when it came into this folder */
    uint32_t crc;          /* CRC-32C of the content */
    struct slice email_id; /* RFC 8474, at most MAILBOX_EMAIL_ID_MAX bytes */
    struct slice name;     /* file below cur/ */
    struct slice key;      /* delivery key (queue id), or empty */
    struct slice unique;   /* unique name that it came with (MESSAGE_NAMED), or empty */
};
_Static_assert(sizeof(struct message) == 40, "on disk");

struct item {
    enum item_type type;
    uint64_t offset;        /* in the journal, of the item's first byte */
    struct arrival arrival; /* ARRIVE */
    struct slice ranges;    /* EXPUNGE, VOID, FLAGS, ORIGIN: item_range(); GONE: item_gone() */
    uint32_t range_count;
    uint32_t off, on; /* FLAGS: new = (old & ~off) | on */
    uint64_t keywords_off, keywords_on;
    uint32_t bit;        /* KEYWORD */
    struct slice text;   /* KEYWORD: name; KEY: key; ORIGIN: the source folder's name */
    int64_t saved_ms;    /* KEY */
    char mailbox_id[24]; /* ORIGIN */
};

struct record {
    uint64_t offset, end; /* in the journal */
    uint32_t flags;
    int64_t written_ms;
    uint64_t settled;
    bool marked;
    struct record_state state;
    struct slice items; /* record_next_item() */
};

void journal_header_seal(struct journal_header *h); /* fills in magic, version, size and CRC */
/* 0, or -1 with errno: EBADMSG no journal or a damaged one, EPROTONOSUPPORT of another version. */
int journal_header_check(const struct journal_header *h);

/* Writing: begin, items, finish; the whole record is then out's content. Overflow is remembered by
 * `out`; finish returns -1 (E2BIG) for it. */
void record_begin(struct strbuf *out, uint32_t flags, int64_t written_ms);
void record_add_arrival(struct strbuf *out, const struct arrival *a);
void record_add_ranges(struct strbuf *out, enum item_type type, const struct uid_range *ranges,
                       uint32_t count);
void record_add_flags(struct strbuf *out, uint32_t off, uint32_t on, uint64_t keywords_off,
                      uint64_t keywords_on, const struct uid_range *ranges, uint32_t count);
void record_add_keyword(struct strbuf *out, uint32_t bit, struct slice name);
void record_add_gone(struct strbuf *out, const struct gone_range *ranges, uint32_t count);
void record_add_key(struct strbuf *out, int64_t saved_ms, struct slice key);
void record_add_origin(struct strbuf *out, const char mailbox_id[24], struct slice folder,
                       const struct uid_range *ranges, uint32_t count);
int record_finish(struct strbuf *out, const struct record_state *state, uint64_t settled);
/* Sets the mark of a finished record: for a journal that is flushed before anybody sees it. */
void record_set_mark(struct strbuf *out);

enum record_status {
    RECORD_OK,
    RECORD_SHORT, /* begins well, but `bytes` end before it does: *need tells how long it is */
    RECORD_BAD
};
/* Parses the record at the start of `bytes`, which lies at `offset` of the journal. Borrows. */
enum record_status record_parse(struct slice bytes, uint64_t offset, struct record *rec,
                                uint32_t *need);
/* The last record of a journal whose last bytes are `tail`: its length, or 0: no whole trailer. */
uint32_t record_last_length(struct slice tail);
/* Iterates: *at begins as 0. 1, 0 at the end, -1 damaged. */
int record_next_item(const struct record *rec, size_t *at, struct item *item);
struct uid_range item_range(const struct item *item, uint32_t i);
struct gone_range item_gone(const struct item *item, uint32_t i);
/* An item read back from its place in the journal (bytes at `offset`). 0, or -1. */
int item_parse(struct slice bytes, uint64_t offset, struct item *item);

/* 1 to 32 characters of [A-Za-z0-9_-] (RFC 8474 section 7 allows 255). */
bool record_email_id_valid(struct slice id);
bool record_unique_valid(struct slice name);
/* A message's file name: no slash, no control character, not "." or "..". */
bool record_name_valid(struct slice name);

#endif
