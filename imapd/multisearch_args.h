/*
 * imapd/multisearch_args.h - the mailboxes that ESEARCH searches: IN (...) (RFC 7377 section 4).
 */
#ifndef POSTHORN_IMAPD_MULTISEARCH_ARGS_H
#define POSTHORN_IMAPD_MULTISEARCH_ARGS_H

#include "imapd/mailbox_filter.h"

/* Takes " IN (...)" if that is next; *out is NULL without it. */
bool multisearch_args_parse(struct parser *p, struct mailbox_filter **out);

#endif
