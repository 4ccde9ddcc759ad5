/*
 * imapd/mailbox_filter.h - which mailboxes a command is about: "personal", "subtree Lists" (RFC
 * 5465 section 6, RFC 7377 section 4).
 */
#ifndef POSTHORN_IMAPD_MAILBOX_FILTER_H
#define POSTHORN_IMAPD_MAILBOX_FILTER_H

#include "imapd/parser.h"

/* Bits: a command says which of them it takes. */
enum mailbox_filter_kind {
    FILTER_SELECTED = 1 << 0,
    FILTER_SELECTED_DELAYED = 1 << 1,
    FILTER_PERSONAL = 1 << 2, /* and INBOXES (RFC 5465 section 6.3: any folder may get mail) */
    FILTER_SUBSCRIBED = 1 << 3,
    FILTER_SUBTREE = 1 << 4,     /* the mailbox and all below it */
    FILTER_SUBTREE_ONE = 1 << 5, /* the mailbox and its children */
    FILTER_MAILBOXES = 1 << 6
};

struct mailbox_filter {
    enum mailbox_filter_kind kind;
    struct slice name; /* SUBTREE, SUBTREE_ONE, MAILBOXES: one filter for each name */
    struct mailbox_filter *next;
};

/* One of the `allowed` kinds with its names, in p->arena; *link gets it, then stands behind it. */
bool mailbox_filter_parse(struct parser *p, unsigned allowed, struct mailbox_filter ***link);
/* Does one of them mean the folder of that name (SELECTED and its kin mean none)? `foreign`: it is
 * not the user's own. */
bool mailbox_filter_match(const struct mailbox_filter *filters, struct slice name, bool subscribed,
                          bool foreign);

#endif
