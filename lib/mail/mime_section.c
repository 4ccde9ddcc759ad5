/*
 * lib/mail/mime_section.c - finds what BODY[section] means in a message.
 *
 * Input:  part numbers from the client, a parsed message. Opens no file.
 */
#include "lib/mail/mime_section.h"

static const struct mime_part *
nth_child(const struct mime *m, const struct mime_part *part, uint32_t n)
{
    uint32_t child = part->first_child;

    while (child != MIME_NONE && n > 1) {
        child = m->parts[child].next;
        n--;
    }
    return child == MIME_NONE || n == 0 ? NULL : &m->parts[child];
}

/* Part `n` of a message (the outer one, or one inside a message/rfc822 part). */
static const struct mime_part *
part_of_message(const struct mime *m, const struct mime_part *message, uint32_t n)
{
    if (message->kind == MIME_MULTIPART)
        return nth_child(m, message, n);
    return n == 1 ? message : NULL;
}

const struct mime_part *
mime_section_part(const struct mime *m, const uint32_t *numbers, size_t count)
{
    const struct mime_part *part = &m->parts[0];

    for (size_t i = 0; i < count && part != NULL; i++) {
        if (i == 0)
            part = part_of_message(m, part, numbers[i]);
        else if (part->kind == MIME_MULTIPART)
            part = nth_child(m, part, numbers[i]);
        else if (part->kind == MIME_MESSAGE)
            part = part_of_message(m, &m->parts[part->first_child], numbers[i]);
        else
            part = NULL;
    }
    return part;
}

static bool
is_prefix_of_message(const struct mime_part *part, size_t count)
{
    return count == 0 || part->kind == MIME_MESSAGE;
}

bool
mime_section_find(const struct mime *m, const uint32_t *numbers, size_t count,
                  enum mime_section section, struct slice *out)
{
    const struct mime_part *part = mime_section_part(m, numbers, count);

    if (part == NULL)
        return false;
    if (section == MIME_SECTION_MIME) {
        *out = slice_sub(m->message, part->header, part->body);
        return count > 0;
    }
    if (section == MIME_SECTION_BODY) {
        *out = count == 0 ? m->message : mime_body(m, part);
        return true;
    }
    if (!is_prefix_of_message(part, count))
        return false;
    if (count > 0)
        part = &m->parts[part->first_child];
    *out = section == MIME_SECTION_HEADER ? slice_sub(m->message, part->header, part->body)
                                          : mime_body(m, part);
    return true;
}

static bool
is_among(struct slice name, const struct slice *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (slice_eq_nocase(name, names[i]))
            return true;
    return false;
}

static bool
ends_with_empty_line(struct slice header)
{
    return slice_eq(header, SLICE("\r\n")) || slice_eq(header, SLICE("\n")) ||
           slice_ends(header, SLICE("\n\r\n")) || slice_ends(header, SLICE("\n\n"));
}

bool
mime_section_fields(struct slice header, const struct slice *names, size_t count, bool negate,
                    struct strbuf *out)
{
    bool has_end = ends_with_empty_line(header);
    struct header_field field;

    while (mime_field_next(&header, &field))
        if (is_among(field.name, names, count) != negate)
            (void)strbuf_append(out, field.raw); /* overflow is remembered */
    if (has_end)
        (void)strbuf_str(out, "\r\n");
    return !out->overflow;
}
