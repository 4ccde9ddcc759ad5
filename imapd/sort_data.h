/*
 * imapd/sort_data.h - what SORT and THREAD compare of a message, from the mailbox's cache.
 */
#ifndef POSTHORN_IMAPD_SORT_DATA_H
#define POSTHORN_IMAPD_SORT_DATA_H

#include "imapd/message.h"
#include "lib/mail/sort_text.h"

/* Reads messages one after the other. They are opened only when the cache does not know them. */
struct sort_reader {
    struct mailbox *mailbox;
    struct message_data *message; /* holds the one that was opened last */
    struct strbuf made;
};

struct sort_reader sort_reader_begin(struct mailbox *mb, struct message_data *message);
void sort_reader_end(struct sort_reader *reader);

/* Of message `seq`; the slices are good until the next call. A message that is gone has nothing in
 * it. */
void sort_data_text(struct sort_reader *reader, uint32_t seq, struct sort_text *out);
/* The sent date, in milliseconds: without a date in it INTERNALDATE (RFC 5256 section 2.2). */
int64_t sort_data_sent_ms(const struct sort_reader *reader, uint32_t seq,
                          const struct sort_text *text);
/* Sets *ids on the Message-ID, for sort_text_ids_next. False: the message is gone. */
bool sort_data_ids(struct sort_reader *reader, uint32_t seq, struct slice *ids);

#endif
