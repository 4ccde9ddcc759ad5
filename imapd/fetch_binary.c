/*
 * imapd/fetch_binary.c - sends parts of a message without their transfer encoding.
 *
 * A part is decoded twice, to count and to send, so that no more than a piece of it is in memory.
 */
#include "imapd/fetch_binary.h"

#include <string.h>

#include "imapd/updates.h"
#include "lib/mail/mime_content.h"

/* The part that a section means, or NULL. Without numbers that is the whole message. */
static const struct mime_part *
find_part(struct session *s, const struct fetch_section *x)
{
    return mime_section_part(message_mime(&s->message), x->numbers, x->number_count);
}

bool
fetch_binary_possible(struct session *s, const struct fetch_section *sections)
{
    for (const struct fetch_section *x = sections; x != NULL; x = x->next) {
        const struct mime_part *part;

        if (x->kind == FETCH_SECTION_BODY || x->number_count == 0)
            continue;
        part = find_part(s, x);
        if (part != NULL && part->kind == MIME_LEAF && part->encoding == TRANSFER_UNKNOWN)
            return false;
    }
    return true;
}

/* What is asked for: its bytes come one piece after the other. */
struct source {
    bool is_whole; /* the message as it is */
    struct slice whole;
    struct mime_content content;
};

/* False: there is no such part. */
static bool
source_begin(struct session *s, const struct fetch_section *x, struct source *from)
{
    const struct mime_part *part;

    from->is_whole = x->number_count == 0;
    from->whole = s->message.bytes;
    if (from->is_whole)
        return true;
    part = find_part(s, x);
    return part != NULL && mime_content_begin(&from->content, message_mime(&s->message), part);
}

static bool
source_next(struct source *from, struct slice *piece)
{
    if (!from->is_whole)
        return mime_content_next(&from->content, piece);
    *piece = from->whole;
    from->whole = SLICE("");
    return piece->len > 0;
}

static void
source_end(struct source *from)
{
    if (!from->is_whole)
        mime_content_end(&from->content);
}

/* The part of `piece`, which stands at *at, that lies in what the client asked for. */
static struct slice
wanted(const struct fetch_section *x, struct slice piece, uint64_t *at)
{
    uint64_t from = x->partial ? x->offset : 0;
    uint64_t to = x->partial ? from + x->length : UINT64_MAX;
    uint64_t start = *at;

    *at += piece.len;
    if (to <= start || from >= *at)
        return SLICE("");
    return slice_sub(piece, from > start ? (size_t)(from - start) : 0,
                     to - start < piece.len ? (size_t)(to - start) : piece.len);
}

/* Goes through what was asked for. False: there is no such part. */
static bool
walk(struct session *s, const struct fetch_section *x, bool send, uint64_t *size, bool *has_nul)
{
    struct source from;
    struct slice piece;
    uint64_t at = 0;

    *size = 0;
    *has_nul = false;
    if (!source_begin(s, x, &from))
        return false;
    while (source_next(&from, &piece)) {
        piece = wanted(x, piece, &at);
        *size += piece.len;
        *has_nul = *has_nul || (piece.len > 0 && memchr(piece.ptr, '\0', piece.len) != NULL);
        if (send)
            (void)stream_write(s->stream, piece); /* an error sticks */
    }
    source_end(&from);
    return true;
}

void
fetch_binary_send(struct session *s, const struct fetch_section *x)
{
    uint64_t size;
    bool has_nul, exists = walk(s, x, false, &size, &has_nul);

    if (x->kind == FETCH_SECTION_BINARY_SIZE) {
        (void)strbuf_u64(&s->out, size);
        return;
    }
    if (!exists) {
        (void)strbuf_str(&s->out, "NIL");
        return;
    }
    /* "~" only where it is needed (RFC 3516 section 4.3): it tells the client of the NULs */
    (void)strbuf_printf(&s->out, "%s{%llu}\r\n", has_nul ? "~" : "", (unsigned long long)size);
    updates_put_out(s);
    (void)walk(s, x, true, &size, &has_nul);
}
