/*
 * lib/mail/mime.c - the parts of a message as offsets into its bytes.
 *
 * Input:  a stored message. Untrusted: the sender wrote it, and may have written it so that a
 *         filter and a reader see different messages.
 * One pass over the lines with a stack of the open parts; the limits bound the comparisons for a
 * line and the memory.
 */
#include "lib/mail/mime.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/arena.h"
#include "lib/base/mem.h"
#include "lib/mail/content_type.h"

static struct mime_limits limits = {
    .depth = MIME_DEPTH, .parts = MIME_PARTS, .header = MIME_HEADER_MAX};

void
mime_set_limits(const struct mime_limits *wanted)
{
    limits = *wanted;
}

const struct mime_limits *
mime_limits(void)
{
    return &limits;
}

struct level {
    uint32_t part;
    bool open_boundary; /* a multipart whose last delimiter has not come yet */
    size_t boundary_len;
    char boundary[MIME_BOUNDARY_MAX];
};

struct scan {
    struct mime *m;
    struct level levels[MIME_DEPTH_MAX + 2]; /* open parts; [0] is the message */
    size_t depth;                            /* levels in use */
    size_t lines;                            /* line ends before the current position */
    bool in_header;                          /* of the innermost open part */
};

static struct mime_part *
top_part(struct scan *s)
{
    return &s->m->parts[s->levels[s->depth - 1].part];
}

static uint32_t
add_part(struct mime *m, uint32_t parent, size_t header)
{
    struct mime_part *part;

    if (m->count == m->cap) {
        m->cap = m->cap == 0 ? 4 : m->cap * 2;
        m->parts = xreallocarray(m->parts, m->cap, sizeof(*m->parts));
    }
    part = &m->parts[m->count];
    *part = (struct mime_part){.parent = parent,
                               .first_child = MIME_NONE,
                               .last_child = MIME_NONE,
                               .next = MIME_NONE,
                               .header = header,
                               .body = header,
                               .end = header,
                               .content = header,
                               .content_end = header,
                               .type = SLICE("text"),
                               .subtype = SLICE("plain")};
    if (parent == MIME_NONE)
        return m->count++;
    if (m->parts[parent].first_child == MIME_NONE)
        m->parts[parent].first_child = m->count;
    else
        m->parts[m->parts[parent].last_child].next = m->count;
    m->parts[parent].last_child = m->count;
    return m->count++;
}

static void
open_part(struct scan *s, size_t header)
{
    uint32_t parent = s->depth == 0 ? MIME_NONE : s->levels[s->depth - 1].part;
    uint32_t added = add_part(s->m, parent, header);

    s->levels[s->depth].part = added;
    s->levels[s->depth].open_boundary = false;
    s->depth++;
    s->in_header = true;
}

/* What RFC 2045 section 6.4 says about content that cannot be understood. */
static void
make_opaque(struct mime_part *part)
{
    part->kind = MIME_LEAF;
    part->type = SLICE("application");
    part->subtype = SLICE("octet-stream");
}

/* Transport padding, and white space that gateways put behind a boundary. */
static bool
is_padding(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Takes over the boundary parameter; without a usable one there is no multipart. */
static bool
take_boundary(struct level *level, const struct content_value *type)
{
    struct slice boundary;

    if (!content_param_find(type, "boundary", &boundary))
        return false;
    while (boundary.len > 0 && is_padding(boundary.ptr[boundary.len - 1]))
        boundary.len--;
    if (boundary.len == 0 || boundary.len > MIME_BOUNDARY_MAX)
        return false;
    memcpy(level->boundary, boundary.ptr, boundary.len);
    level->boundary_len = boundary.len;
    level->open_boundary = true;
    return true;
}

static bool
in_digest(const struct mime *m, const struct mime_part *part)
{
    return part->parent != MIME_NONE && m->parts[part->parent].kind == MIME_MULTIPART &&
           slice_eq_nocase(m->parts[part->parent].subtype, SLICE("digest"));
}

/* From the first line that begins with "Content-" to the end of the last field that does. */
static void
find_content_fields(const struct mime *m, struct mime_part *part)
{
    struct slice header = mime_header(m, part), rest = header;
    bool inside = false; /* of such a field */

    part->content = part->content_end = part->header;
    while (rest.len > 0) {
        size_t at = part->header + (header.len - rest.len);
        struct slice line = slice_cut_after(&rest, '\n');

        if (line.ptr[0] != ' ' && line.ptr[0] != '\t')
            inside = slice_starts_nocase(line, SLICE("Content-"));
        if (!inside)
            continue;
        if (part->content_end == part->header)
            part->content = at;
        part->content_end = at + line.len;
    }
}

static void
set_type(struct scan *s, struct mime_part *part, struct arena *scratch)
{
    struct slice header = mime_content_fields(s->m, part);
    struct content_value type;
    struct header_field field;

    if (mime_field_find(header, "Content-Transfer-Encoding", &field))
        part->encoding = transfer_find(field.body);
    if (!mime_field_find(header, "Content-Type", &field)) {
        if (in_digest(s->m, part)) { /* RFC 2046 section 5.1.5 */
            part->type = SLICE("message");
            part->subtype = SLICE("rfc822");
        }
        return;
    }
    if (!content_type_parse(field.body, scratch, &type))
        return; /* RFC 2045 section 5.2: text/plain */
    if (slice_eq_nocase(type.type, SLICE("multipart"))) {
        if (!take_boundary(&s->levels[s->depth - 1], &type))
            return;
        part->kind = MIME_MULTIPART;
    }
    part->type = type.type;
    part->subtype = type.subtype;
    part->content_type = field.body;
}

/* The header of the innermost part ends at `body`. */
static void
end_header(struct scan *s, size_t body)
{
    struct arena scratch = {NULL};
    struct mime_part *part = top_part(s);
    bool deep = s->depth > limits.depth || s->m->count >= limits.parts;

    if (s->depth > MIME_DEPTH_MIN || s->m->count >= MIME_PARTS_MIN ||
        body - part->header > MIME_HEADER_MIN)
        s->m->limits_matter = true;
    part->body = body;
    part->end = body;
    part->lines = s->lines;
    s->in_header = false;
    find_content_fields(s->m, part);
    set_type(s, part, &scratch);
    arena_free(&scratch);
    if (slice_eq_nocase(part->type, SLICE("message")) &&
        slice_eq_nocase(part->subtype, SLICE("rfc822")))
        part->kind = MIME_MESSAGE;
    if (part->kind == MIME_LEAF)
        return;
    if (deep || part->encoding != TRANSFER_IDENTITY) { /* RFC 2045 section 6.4: no encoding here */
        s->levels[s->depth - 1].open_boundary = false;
        part->content_type = (struct slice){NULL, 0};
        make_opaque(part);
    } else if (part->kind == MIME_MESSAGE) {
        open_part(s, body);
    }
}

/* Closes the innermost part, whose body ends at *end with *lines line ends before it. If that is
 * before the body begins, the line end at *end was the header's last one, for the outer parts too.
 */
static void
close_part(struct scan *s, size_t *end, size_t *lines)
{
    struct mime_part *part;

    while (s->in_header)
        end_header(s, *end); /* a message inside opens one more */
    part = top_part(s);
    if (*end < part->body) {
        *end = part->body;
        *lines = part->lines;
    }
    part->end = *end;
    part->lines = *lines - part->lines;
    if (part->kind == MIME_MULTIPART && part->first_child == MIME_NONE)
        (void)add_part(s->m, s->levels[s->depth - 1].part, *end);
    s->depth--;
}

/* Closes parts until `keep` levels are left, or more if closing opened some. */
static void
close_down_to(struct scan *s, size_t keep, size_t end, size_t lines)
{
    while (s->depth > keep)
        close_part(s, &end, &lines);
}

/* Which open multipart does this line ("--...") delimit? Outer ones count at any depth (RFC 2046
 * section 5.1.2). Returns its level, or s->depth; *last tells the closing form. */
static size_t
find_delimiter(const struct scan *s, struct slice line, bool *last)
{
    struct slice text = slice_sub(line, 2, line.len);

    while (text.len > 0 && is_padding(text.ptr[text.len - 1]))
        text.len--;
    for (size_t i = s->depth; i-- > 0;) {
        const struct level *level = &s->levels[i];
        struct slice boundary = slice_make(level->boundary, level->boundary_len);

        if (!level->open_boundary || !slice_starts(text, boundary))
            continue;
        *last = text.len == boundary.len + 2 && slice_ends(text, SLICE("--"));
        if (*last || text.len == boundary.len)
            return i;
    }
    return s->depth;
}

/* True if the line at [start, next) was a delimiter, which is then done with. */
static bool
take_delimiter(struct scan *s, size_t start, size_t next)
{
    struct slice message = s->m->message;
    size_t end = start, lines = s->lines, level;
    bool last;

    level = find_delimiter(s, slice_sub(message, start, next), &last);
    if (level == s->depth || (!last && s->m->count >= limits.parts))
        return false;
    if (end > 0) { /* the line end before it belongs to the delimiter */
        end -= end > 1 && message.ptr[end - 2] == '\r' ? 2 : 1;
        lines--;
    }
    if (s->in_header)
        end = start, lines = s->lines; /* no body: there is no such line end */
    close_down_to(s, level + 1, end, lines);
    if (last)
        s->levels[level].open_boundary = false;
    else
        open_part(s, next);
    return true;
}

static bool
is_empty_line(struct slice line)
{
    return slice_eq(line, SLICE("\r\n")) || slice_eq(line, SLICE("\n"));
}

void
mime_parse(struct slice message, struct mime *out)
{
    struct scan *s = xmalloc(sizeof(*s)); /* of its levels only those in use are filled in */
    size_t at = 0;

    *out = (struct mime){.message = message};
    s->m = out;
    s->depth = 0;
    s->lines = 0;
    open_part(s, 0);
    while (at < message.len) {
        size_t next = at + slice_index(slice_sub(message, at, message.len), '\n');
        bool has_end = next < message.len, taken;
        struct slice line;

        next += has_end ? 1 : 0;
        line = slice_sub(message, at, next);
        taken = slice_starts(line, SLICE("--")) && take_delimiter(s, at, next);
        s->lines += has_end ? 1 : 0;
        if (!taken && s->in_header && is_empty_line(line))
            end_header(s, next);
        at = next;
    }
    close_down_to(s, 0, message.len, s->lines);
    free(s);
}

void
mime_free(struct mime *m)
{
    xfree(&m->parts);
    m->count = 0;
    m->cap = 0;
}

struct slice
mime_header(const struct mime *m, const struct mime_part *part)
{
    struct slice header = slice_sub(m->message, part->header, part->body);

    return slice_sub(header, 0, limits.header);
}

struct slice
mime_content_fields(const struct mime *m, const struct mime_part *part)
{
    return slice_sub(m->message, part->content, part->content_end);
}

struct slice
mime_body(const struct mime *m, const struct mime_part *part)
{
    return slice_sub(m->message, part->body, part->end);
}

size_t
mime_header_len(struct slice message)
{
    size_t at = 0;

    while (at < message.len) {
        size_t next = at + slice_index(slice_sub(message, at, message.len), '\n') + 1;

        if (next - at <= 2 && is_empty_line(slice_sub(message, at, next)))
            return next;
        at = next;
    }
    return message.len;
}

bool
mime_field_next(struct slice *header, struct header_field *field)
{
    for (;;) {
        switch (header_next(header, field)) {
        case HEADER_FIELD:
            return true;
        case HEADER_BODY: /* RFC 7103 section 7.2: not the end of the header for us */
            (void)slice_cut_after(header, '\n');
            break;
        case HEADER_END:
        case HEADER_EMPTY:
            return false;
        }
    }
}

/* As mime_field_next would find it, but of other fields no more is looked at than how their lines
 * begin: a line that begins with white space is no field, and an empty one the end. */
bool
mime_field_find(struct slice header, const char *name, struct header_field *field)
{
    struct slice wanted = slice_of(name);

    while (header.len > 0 && !slice_starts(header, SLICE("\n")) &&
           !slice_starts(header, SLICE("\r\n"))) {
        struct slice rest = header;

        if (slice_starts_nocase(header, wanted) && header_next(&rest, field) == HEADER_FIELD &&
            slice_eq_nocase(field->name, wanted))
            return true;
        (void)slice_cut_after(&header, '\n');
    }
    return false;
}
