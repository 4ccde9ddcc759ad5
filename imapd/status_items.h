/*
 * imapd/status_items.h - the items of STATUS: their names and values (RFC 3501 section 6.3.10 and
 * its extensions).
 */
#ifndef POSTHORN_IMAPD_STATUS_ITEMS_H
#define POSTHORN_IMAPD_STATUS_ITEMS_H

#include "imapd/parser.h"
#include "lib/store/mailbox.h"

enum status_item {
    STATUS_MESSAGES = 1 << 0,
    STATUS_RECENT = 1 << 1,
    STATUS_UIDNEXT = 1 << 2,
    STATUS_UIDVALIDITY = 1 << 3,
    STATUS_UNSEEN = 1 << 4,
    STATUS_HIGHESTMODSEQ = 1 << 5,   /* RFC 7162 section 3.1.7 */
    STATUS_SIZE = 1 << 6,            /* RFC 8438 */
    STATUS_DELETED = 1 << 7,         /* RFC 9208 section 4.1.4 */
    STATUS_DELETED_STORAGE = 1 << 8, /* RFC 9208 section 4.1.4 */
    STATUS_APPENDLIMIT = 1 << 9,     /* RFC 7889 section 3 */
    STATUS_MAILBOXID = 1 << 10,      /* RFC 8474 section 4.3 */
};

/* What the values are taken from. */
struct status_values {
    struct mailbox_info info;
    uint64_t deleted, deleted_bytes; /* only if status_items_count_deleted() */
    uint64_t append_max;             /* bytes of a message that APPEND takes */
};

/* "(" status-att ... ")": a bit for each item asked for, never 0. */
bool status_items_parse(struct parser *p, unsigned *items);
/* Is one of them a figure of the messages with \Deleted? */
bool status_items_count_deleted(unsigned items);
/* Is HIGHESTMODSEQ among them? */
bool status_items_want_modseq(unsigned items);
/* Appends "(MESSAGES 3 UIDNEXT 17)". */
void status_items_write(const struct status_values *values, unsigned items, struct strbuf *out);

#endif
