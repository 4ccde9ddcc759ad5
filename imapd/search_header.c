/*
 * imapd/search_header.c - the header fields that SEARCH asks for, from the mailbox's cache.
 */
#include "imapd/search_header.h"

#include "lib/mail/date.h"
#include "lib/mail/header_text.h"

/* The text of that part, borrowed until the next call on `mb` or from `made`. False: the message
 * is gone. */
static bool
get_text(struct mailbox *mb, uint32_t seq, struct message_data *data, enum header_text_part part,
         struct strbuf *made, struct slice *text)
{
    enum mailbox_cache_kind kind =
        part == HEADER_TEXT_COMMON ? MAILBOX_CACHE_HEADERS : MAILBOX_CACHE_HEADERS_REST;
    uint32_t uid = mailbox_message(mb, seq)->uid;

    if (mailbox_cache_get(mb, uid, kind, text) && header_text_is_valid(*text))
        return true;
    if (message_load(data, mb, seq) < 0)
        return false;
    header_text_write(slice_sub(message_header(data), 0, mime_limits()->header), part, made);
    *text = strbuf_slice(made);
    if (text->len <= MAILBOX_CACHE_MAX && message_header(data).len <= MIME_HEADER_MIN)
        mailbox_cache_put(mb, uid, kind, *text);
    return true;
}

bool
search_header_contains(struct mailbox *mb, uint32_t seq, struct message_data *data,
                       struct slice name, struct slice needle)
{
    struct strbuf made = strbuf_new(HEADER_TEXT_MAX);
    struct slice text;
    bool found = get_text(mb, seq, data, header_text_part_of(name), &made, &text) &&
                 header_text_contains(text, name, needle);

    strbuf_free(&made);
    return found;
}

bool
search_header_sent_day(struct mailbox *mb, uint32_t seq, struct message_data *data, int64_t *days)
{
    struct strbuf made = strbuf_new(HEADER_TEXT_MAX);
    struct slice text, field;
    bool found = get_text(mb, seq, data, HEADER_TEXT_COMMON, &made, &text) &&
                 header_text_find(text, SLICE("date"), &field) && date_parse_day(field, days) == 0;

    strbuf_free(&made);
    return found;
}
