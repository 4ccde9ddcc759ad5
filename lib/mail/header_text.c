/*
 * lib/mail/header_text.c - a header section made ready for searching.
 *
 * Input:  a header section, or a text that was made here and came back from a cache. Untrusted:
 *         the sender wrote the one, a damaged file may hold the other.
 */
#include "lib/mail/header_text.h"

#include "lib/mail/address_list.h"
#include "lib/mail/casemap.h"
#include "lib/mail/encoded_word.h"
#include "lib/mail/mime.h"

enum {
    FIELD_MAX = 65536 /* bytes of a field that are looked at */
};

static const struct {
    struct slice name;
    bool is_address;
} common[] = {
    {{"from", sizeof("from") - 1}, true},
    {{"to", sizeof("to") - 1}, true},
    {{"cc", sizeof("cc") - 1}, true},
    {{"bcc", sizeof("bcc") - 1}, true},
    {{"subject", sizeof("subject") - 1}, false},
    {{"date", sizeof("date") - 1}, false},
    {{"sender", sizeof("sender") - 1}, true},
    {{"reply-to", sizeof("reply-to") - 1}, true},
    {{"message-id", sizeof("message-id") - 1}, false},
    {{"in-reply-to", sizeof("in-reply-to") - 1}, false},
    {{"list-id", sizeof("list-id") - 1}, false},
};

static size_t
find_common(struct slice name)
{
    size_t i = 0;

    while (i < ARRAY_LEN(common) && !slice_eq_nocase(name, common[i].name))
        i++;
    return i;
}

enum header_text_part
header_text_part_of(struct slice name)
{
    return find_common(name) < ARRAY_LEN(common) ? HEADER_TEXT_COMMON : HEADER_TEXT_REST;
}

/* ---- writing ---- */

/* NUL stands between texts; no search string holds one. */
static void
drop_nuls(struct strbuf *text)
{
    size_t kept = 0;

    for (size_t i = 0; i < text->len; i++)
        if (text->ptr[i] != '\0')
            text->ptr[kept++] = text->ptr[i];
    if (kept < text->len)
        strbuf_truncate(text, kept);
}

static void
put(struct slice name, struct strbuf *decoded, struct strbuf *out)
{
    if (!out->overflow) { /* what does not fit is not found */
        drop_nuls(decoded);
        (void)strbuf_append(out, name);
        (void)strbuf_char(out, '\0');
        (void)casemap_text(strbuf_slice(decoded), out);
        (void)strbuf_char(out, '\0');
    }
    strbuf_clear(decoded);
}

static bool
has_quoting(struct slice body)
{
    return slice_index(body, '\\') < body.len || slice_index(body, '(') < body.len;
}

/* "name <local@domain>, ..." as ENVELOPE has the addresses, but decoded. */
static void
decode_addresses(struct slice body, struct strbuf *decoded)
{
    struct address_list list = address_list_begin(body);
    struct address_entry entry;

    while (address_list_next(&list, &entry)) {
        if (entry.kind == ADDRESS_GROUP_END)
            continue;
        if (decoded->len > 0)
            (void)strbuf_str(decoded, ", ");
        (void)encoded_word_decode(entry.name, decoded);
        if (entry.kind == ADDRESS_MAILBOX)
            (void)strbuf_printf(decoded, "%s<%.*s@%.*s>", entry.name.len > 0 ? " " : "",
                                (int)entry.local.len, entry.local.ptr, (int)entry.domain.len,
                                entry.domain.ptr);
    }
    address_list_end(&list);
}

void
header_text_write(struct slice header, enum header_text_part part, struct strbuf *out)
{
    struct strbuf decoded = strbuf_new((size_t)FIELD_MAX * 4);
    struct header_field field;

    (void)strbuf_char(out, HEADER_TEXT_VERSION);
    while (mime_field_next(&header, &field)) {
        struct slice body = slice_sub(field.body, 0, FIELD_MAX);
        size_t known = find_common(field.name);

        if ((known < ARRAY_LEN(common) ? HEADER_TEXT_COMMON : HEADER_TEXT_REST) != part)
            continue;
        (void)encoded_word_decode(slice_trim(body), &decoded);
        put(field.name, &decoded, out);
        if (known == ARRAY_LEN(common) || !common[known].is_address || !has_quoting(body))
            continue;
        decode_addresses(body, &decoded);
        put(field.name, &decoded, out);
    }
    strbuf_free(&decoded);
}

/* ---- reading ---- */

bool
header_text_is_valid(struct slice text)
{
    return text.len > 0 && text.ptr[0] == HEADER_TEXT_VERSION;
}

static bool
next(struct slice *text, struct slice *name, struct slice *field)
{
    if (text->len == 0)
        return false;
    *name = slice_split(text, '\0');
    *field = slice_split(text, '\0');
    return true;
}

bool
header_text_contains(struct slice text, struct slice name, struct slice needle)
{
    struct slice found, field;

    text = slice_sub(text, 1, text.len);
    if (needle.len > 0 && slice_find(text, needle) == text.len)
        return false; /* nowhere: the fields need not be told apart */
    while (next(&text, &found, &field))
        if (slice_eq_nocase(found, name) &&
            (needle.len == 0 || slice_find(field, needle) < field.len))
            return true;
    return false;
}

bool
header_text_find(struct slice text, struct slice name, struct slice *field)
{
    struct slice found;

    text = slice_sub(text, 1, text.len);
    while (next(&text, &found, field))
        if (slice_eq_nocase(found, name))
            return true;
    return false;
}
