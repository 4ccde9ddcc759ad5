/*
 * imapd/status_items.h - the items of STATUS: their names and values (RFC 3501 section 6.3.10).
 */
#ifndef POSTHORN_IMAPD_STATUS_ITEMS_H
#define POSTHORN_IMAPD_STATUS_ITEMS_H

#include "imapd/parser.h"
#include "lib/store/mailbox.h"

/* Places of items that mean more than a figure, in the bits of a set of items. */
enum { STATUS_ITEM_HIGHESTMODSEQ = 5 };

/* "(" status-att ... ")": a bit for each item asked for, never 0. */
bool status_items_parse(struct parser *p, unsigned *items);
/* Appends "(MESSAGES 3 UIDNEXT 17)". */
void status_items_write(const struct mailbox_info *info, unsigned items, struct strbuf *out);

#endif
