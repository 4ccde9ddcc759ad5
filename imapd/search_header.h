/*
 * imapd/search_header.h - the header fields that SEARCH asks for, from the mailbox's cache.
 */
#ifndef POSTHORN_IMAPD_SEARCH_HEADER_H
#define POSTHORN_IMAPD_SEARCH_HEADER_H

#include "imapd/message.h"

/* Both open the message only when its header has not been searched before; `data` then holds it.
 * False also when the message is gone. */

/* `needle`: UTF-8, case folded. */
bool search_header_contains(struct mailbox *mb, uint32_t seq, struct message_data *data,
                            struct slice name, struct slice needle);
/* The day in the Date field, as written there (RFC 3501: time and time zone are disregarded), in
 * days since 1970-01-01. */
bool search_header_sent_day(struct mailbox *mb, uint32_t seq, struct message_data *data,
                            int64_t *days);

#endif
