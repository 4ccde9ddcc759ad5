/*
 * imapd/sort_order.h - the criteria of SORT, and messages in their order (RFC 5256, RFC 5957).
 */
#ifndef POSTHORN_IMAPD_SORT_ORDER_H
#define POSTHORN_IMAPD_SORT_ORDER_H

#include "imapd/parser.h"
#include "imapd/search_args.h"
#include "imapd/search_return.h"
#include "lib/mail/sort_text.h"

enum sort_kind { SORT_ARRIVAL, SORT_SIZE, SORT_DATE, SORT_RELEVANCY, SORT_TEXT };

struct sort_key {
    enum sort_kind kind;
    enum sort_text_field field; /* SORT_TEXT */
    bool reverse;
};

/* Each criterion counts once, where it stands first: a second one decides nothing. */
#define SORT_KEYS_MAX (SORT_TEXT + SORT_TEXT_FIELDS)

struct sort_order {
    struct sort_key keys[SORT_KEYS_MAX];
    unsigned count;
};

/* sort-criteria: "(REVERSE DATE SUBJECT)". */
bool sort_order_parse(struct parser *p, struct sort_order *out);
bool sort_order_has_relevancy(const struct sort_order *order); /* RFC 6203 section 6 */
/* Puts the messages of *found in that order; those that are equal stay in mailbox order. `root` is
 * what they were found by (RELEVANCY), `message` for reading them. */
void sort_order_apply(const struct sort_order *order, const struct search_key *root,
                      struct message_data *message, struct arena *arena,
                      struct search_found *found);

#endif
