/*
 * imapd/search_return.h - what a SEARCH or SORT gives back: RETURN (...) and the ESEARCH response
 * (RFC 4731, RFC 5182, RFC 9394, RFC 9051 sections 6.4.4 and 7.3.4).
 */
#ifndef POSTHORN_IMAPD_SEARCH_RETURN_H
#define POSTHORN_IMAPD_SEARCH_RETURN_H

#include "imapd/partial_range.h"
#include "imapd/session.h"

enum search_return_option {
    SEARCH_RETURN_MIN = 1 << 0,
    SEARCH_RETURN_MAX = 1 << 1,
    SEARCH_RETURN_ALL = 1 << 2,
    SEARCH_RETURN_COUNT = 1 << 3,
    SEARCH_RETURN_SAVE = 1 << 4,
    SEARCH_RETURN_PARTIAL = 1 << 5,
    SEARCH_RETURN_UPDATE = 1 << 6,    /* RFC 5267 section 4.3 */
    SEARCH_RETURN_RELEVANCY = 1 << 8, /* RFC 6203 section 4 */
    SEARCH_RETURN_CONTEXT = 1 << 7,   /* RFC 5267 section 4.2: a hint, and nothing depends on it */
};

struct search_return {
    bool extended; /* RETURN was there: the answer is an ESEARCH response */
    unsigned options;
    struct partial_range partial;
    struct slice
        update_fetch; /* text of UPDATE's list of items (RFC 5465 section 7); empty: none */
};

/* Takes " RETURN (...)" if that is next; without it all options are off. An empty list means ALL
 * (RFC 4731 section 3.1). */
bool search_return_parse(struct parser *p, struct search_return *out);
/* Makes it what IMAP4rev2 wants of a command without RETURN (RFC 9051 section 6.4.4). */
void search_return_extend(struct search_return *r);

/* What was found, in the order of the answer. */
struct search_found {
    struct mailbox *mailbox;
    const uint32_t *seqs; /* numbers of its view */
    uint32_t count;
    bool in_mailbox_order; /* they ascend */
    uint32_t lowest_uid;   /* that was looked at, for there were more than imapd/message_limit
                              allows; 0: none was left out */
};

/* The messages that the answer names, in the order of `found`: those that SAVE keeps (RFC 5182
 * section 2.4, RFC 9394 section 3.2) and whose highest MODSEQ counts (RFC 4731 section 3.2). Lives
 * in `arena` or is found->seqs. */
const uint32_t *search_return_chosen(const struct search_return *r,
                                     const struct search_found *found, struct arena *arena,
                                     uint32_t *count);

/* The highest MODSEQ of the messages that the answer names; 0: it names none. */
uint64_t search_return_modseq(const struct search_return *r, const struct search_found *found,
                              struct arena *arena);

/* Appends the ESEARCH response: with UIDs, with MODSEQ (there was such a search key). `origin` goes
 * into the correlator behind the tag (RFC 7377); "" for the selected mailbox. Nothing if SAVE was
 * all that was asked for. */
struct search_answer {
    struct slice tag;
    const char *origin;
    bool is_uid, with_modseq;
    const unsigned char *scores; /* RELEVANCY: of found->seqs */
};
void search_return_write(const struct search_return *r, const struct search_found *found,
                         const struct search_answer *answer, struct arena *arena,
                         struct strbuf *out);
/* SAVE, if it was asked for: "$" becomes what was chosen. */
void search_return_save(struct session *s, const struct search_return *r,
                        const struct search_found *found);

#endif
