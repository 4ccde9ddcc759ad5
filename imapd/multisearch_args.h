/*
 * imapd/multisearch_args.h - the mailboxes that ESEARCH searches: IN (...) (RFC 7377 section 4, RFC
 * 5465 section 6).
 */
#ifndef POSTHORN_IMAPD_MULTISEARCH_ARGS_H
#define POSTHORN_IMAPD_MULTISEARCH_ARGS_H

#include "imapd/parser.h"

enum multisearch_kind {
    MULTISEARCH_SELECTED,
    MULTISEARCH_PERSONAL,
    MULTISEARCH_SUBSCRIBED,
    MULTISEARCH_SUBTREE,     /* the mailbox and all below it */
    MULTISEARCH_SUBTREE_ONE, /* the mailbox and its children */
    MULTISEARCH_MAILBOXES
};

struct multisearch_source {
    enum multisearch_kind kind;
    struct slice name; /* SUBTREE, SUBTREE_ONE, MAILBOXES: one source for each name */
    struct multisearch_source *next;
};

/* Takes " IN (...)" if that is next; *out is NULL without it. */
bool multisearch_args_parse(struct parser *p, struct multisearch_source **out);
/* Is the folder of that name meant (SELECTED apart)? `foreign`: it is not the user's own. */
bool multisearch_args_match(const struct multisearch_source *sources, struct slice name,
                            bool subscribed, bool foreign);

#endif
