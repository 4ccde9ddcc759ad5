/*
 * lib/mail/section_text.c - a section of a message that is written as a text of its own.
 *
 * Input:  text and messages from outside. Untrusted; nothing is allocated for the text.
 */
#include "lib/mail/section_text.h"

#include "lib/base/parse.h"

static bool
take(struct slice *rest, struct slice word)
{
    if (!slice_starts_nocase(*rest, word))
        return false;
    *rest = slice_sub(*rest, word.len, rest->len);
    return true;
}

static bool
at_digit(struct slice rest)
{
    return rest.len > 0 && rest.ptr[0] >= '0' && rest.ptr[0] <= '9';
}

/* section-part: nz-number *("." nz-number), and the dot before section-text. */
static bool
take_numbers(struct slice *rest, struct section_text *out)
{
    while (at_digit(*rest)) {
        size_t len = 0;
        uint64_t number;

        while (at_digit(slice_sub(*rest, len, rest->len)))
            len++;
        if (out->number_count == SECTION_TEXT_NUMBERS_MAX ||
            parse_u64(slice_sub(*rest, 0, len), UINT32_MAX, &number) < 0 || number == 0)
            return false;
        out->numbers[out->number_count++] = (uint32_t)number;
        *rest = slice_sub(*rest, len, rest->len);
        if (rest->len == 0)
            return true;
        if (!take(rest, SLICE(".")) || rest->len == 0)
            return false;
    }
    return true;
}

/* A field's name as an astring; a quoted one needs no backslash for what a name may hold. */
static bool
take_name(struct slice *rest, struct slice *out)
{
    bool quoted = take(rest, SLICE("\""));
    size_t len = 0;

    while (len < rest->len && rest->ptr[len] > 0x20 && rest->ptr[len] < 0x7f &&
           strchr("\"\\(){%*:", rest->ptr[len]) == NULL)
        len++;
    *out = slice_sub(*rest, 0, len);
    *rest = slice_sub(*rest, len, rest->len);
    return len > 0 && (!quoted || take(rest, SLICE("\"")));
}

/* header-list: "(" header-fld-name *(SP header-fld-name) ")" */
static bool
take_fields(struct slice *rest, struct section_text *out)
{
    out->has_fields = true;
    if (!take(rest, SLICE(" (")))
        return false;
    do {
        if (out->field_count == SECTION_TEXT_FIELDS_MAX ||
            !take_name(rest, &out->fields[out->field_count++]))
            return false;
    } while (take(rest, SLICE(" ")));
    return take(rest, SLICE(")"));
}

/* section-msgtext / "MIME" */
static bool
take_word(struct slice *rest, struct section_text *out)
{
    out->section = MIME_SECTION_HEADER;
    if (take(rest, SLICE("HEADER.FIELDS.NOT"))) {
        out->negate = true;
        return take_fields(rest, out);
    }
    if (take(rest, SLICE("HEADER.FIELDS")))
        return take_fields(rest, out);
    if (take(rest, SLICE("HEADER")))
        return true;
    out->section = MIME_SECTION_TEXT;
    if (take(rest, SLICE("TEXT")))
        return true;
    out->section = MIME_SECTION_MIME;
    return out->number_count > 0 && take(rest, SLICE("MIME"));
}

int
section_text_parse(struct slice text, struct section_text *out)
{
    out->number_count = 0;
    out->field_count = 0;
    out->section = MIME_SECTION_BODY;
    out->has_fields = false;
    out->negate = false;
    if (!take_numbers(&text, out) || (text.len > 0 && !take_word(&text, out)))
        return -1;
    return text.len == 0 ? 0 : -1;
}

static bool
find(const struct section_text *section, struct slice message, struct slice *out)
{
    size_t header = mime_header_len(message);
    struct mime mime;
    bool found;

    if (section->number_count == 0) { /* the message needs no parsing */
        *out = message;
        if (section->section == MIME_SECTION_HEADER)
            *out = slice_sub(message, 0, header);
        else if (section->section == MIME_SECTION_TEXT)
            *out = slice_sub(message, header, message.len);
        return true;
    }
    mime_parse(message, &mime);
    found =
        mime_section_find(&mime, section->numbers, section->number_count, section->section, out);
    mime_free(&mime);
    return found;
}

bool
section_text_find(const struct section_text *section, struct slice message, struct strbuf *fields,
                  struct slice *out)
{
    if (!find(section, message, out))
        return false;
    if (section->has_fields) {
        (void)mime_section_fields(slice_sub(*out, 0, mime_limits()->header), section->fields,
                                  section->field_count, section->negate,
                                  fields); /* fits: a part of the header */
        *out = strbuf_slice(fields);
    }
    return true;
}
