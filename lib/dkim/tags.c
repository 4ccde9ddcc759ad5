/*
 * lib/dkim/tags.c - parses lists of tags. Input: written by anybody. No I/O.
 */
#include "lib/dkim/tags.h"

#include "lib/base/encode.h"

static bool
is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool
is_name(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.ptr[i], letter = c | 0x20;

        if (!(letter >= 'a' && letter <= 'z') && !(i > 0 && ((c >= '0' && c <= '9') || c == '_')))
            return false;
    }
    return name.len > 0;
}

bool
dkim_tags_parse(struct slice list, struct dkim_tags *tags)
{
    tags->count = 0;
    while (list.len > 0) {
        struct slice value = slice_split(&list, ';');
        bool has_value = slice_index(value, '=') < value.len;
        struct slice name = slice_trim(slice_split(&value, '='));

        if (name.len == 0 && !has_value && list.len == 0)
            break; /* a semicolon at the end */
        if (!has_value || !is_name(name) || tags->count == DKIM_TAGS_MAX)
            return false;
        for (size_t i = 0; i < tags->count; i++)
            if (slice_eq(tags->names[i], name))
                return false;
        tags->names[tags->count] = name;
        tags->values[tags->count++] = slice_trim(value);
    }
    return tags->count > 0;
}

struct slice
dkim_tag(const struct dkim_tags *tags, const char *name)
{
    for (size_t i = 0; i < tags->count; i++)
        if (slice_eq(tags->names[i], slice_of(name)))
            return tags->values[i];
    return (struct slice){NULL, 0};
}

bool
dkim_tag_base64(struct slice value, struct strbuf *out)
{
    struct strbuf text = strbuf_new(value.len + 1);
    bool done;

    for (size_t i = 0; i < value.len; i++)
        if (!is_space(value.ptr[i]))
            (void)strbuf_char(&text, value.ptr[i]); /* there is room */
    done = text.len > 0 && base64_decode(strbuf_slice(&text), out) == 0;
    strbuf_free(&text);
    return done;
}

bool
dkim_tags_unsigned(struct slice list, struct strbuf *out)
{
    while (list.len > 0) {
        struct slice tag = slice_cut_after(&list, ';'), rest = tag;
        struct slice name = slice_split(&rest, '=');

        if (!slice_eq(slice_trim(name), SLICE("b")) || name.len == tag.len) {
            (void)strbuf_append(out, tag); /* an overflow is remembered */
            continue;
        }
        (void)strbuf_append(out, slice_make(tag.ptr, name.len + 1));
        if (slice_ends(tag, SLICE(";")))
            (void)strbuf_char(out, ';');
    }
    return !out->overflow;
}
