/*
 * imapd/sort_data.c - what SORT and THREAD compare of a message, from the mailbox's cache.
 */
#include "imapd/sort_data.h"

#include "lib/mail/mime.h"

struct sort_reader
sort_reader_begin(struct mailbox *mb, struct message_data *message)
{
    return (struct sort_reader){mb, message, strbuf_new(SORT_TEXT_MAX)};
}

void
sort_reader_end(struct sort_reader *reader)
{
    strbuf_free(&reader->made);
}

/* Has `write` make the text of the message, and keeps it. False: the message is gone. */
static bool
make(struct sort_reader *reader, uint32_t seq, enum mailbox_cache_kind kind,
     void (*write)(struct slice header, struct strbuf *out), struct slice *text)
{
    uint32_t uid = mailbox_message(reader->mailbox, seq)->uid;

    if (message_load(reader->message, reader->mailbox, seq) < 0)
        return false;
    strbuf_clear(&reader->made);
    write(slice_sub(message_header(reader->message), 0, mime_limits()->header), &reader->made);
    *text = strbuf_slice(&reader->made);
    if (message_header(reader->message).len <= MIME_HEADER_MIN) /* then the limit decides nothing */
        mailbox_cache_put(reader->mailbox, uid, kind, *text);
    return true;
}

void
sort_data_text(struct sort_reader *reader, uint32_t seq, struct sort_text *out)
{
    uint32_t uid = mailbox_message(reader->mailbox, seq)->uid;
    struct slice text;

    if (mailbox_cache_get(reader->mailbox, uid, MAILBOX_CACHE_SORT, &text) &&
        sort_text_read(text, out))
        return;
    if (!make(reader, seq, MAILBOX_CACHE_SORT, sort_text_write, &text) ||
        !sort_text_read(text, out))
        *out = (struct sort_text){.has_sent = false};
}

int64_t
sort_data_sent_ms(const struct sort_reader *reader, uint32_t seq, const struct sort_text *text)
{
    return text->has_sent ? text->sent_s * 1000
                          : mailbox_message(reader->mailbox, seq)->internal_ms / 1000 * 1000;
}

bool
sort_data_ids(struct sort_reader *reader, uint32_t seq, struct slice *ids)
{
    uint32_t uid = mailbox_message(reader->mailbox, seq)->uid;

    if (mailbox_cache_get(reader->mailbox, uid, MAILBOX_CACHE_IDS, ids) && sort_text_ids_begin(ids))
        return true;
    return make(reader, seq, MAILBOX_CACHE_IDS, sort_text_write_ids, ids) &&
           sort_text_ids_begin(ids);
}
