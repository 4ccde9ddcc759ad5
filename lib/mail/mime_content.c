/*
 * lib/mail/mime_content.c - the content of a message part without its transfer encoding.
 *
 * Input:  a parsed message. Untrusted: the sender wrote it. What is held at a time does not grow
 *         with the part.
 */
#include "lib/mail/mime_content.h"

bool
mime_content_begin(struct mime_content *c, const struct mime *m, const struct mime_part *part)
{
    bool is_leaf = part->kind == MIME_LEAF;

    if (is_leaf && part->encoding == TRANSFER_UNKNOWN)
        return false;
    *c = (struct mime_content){
        .transfer = transfer_begin(is_leaf ? part->encoding : TRANSFER_IDENTITY),
        .rest = mime_body(m, part),
        .is_text = is_leaf && slice_eq_nocase(part->type, SLICE("text")),
        .decoded = strbuf_new(MIME_CONTENT_PIECE),
        .lines = strbuf_new((size_t)MIME_CONTENT_PIECE * 2),
    };
    return true;
}

/* Puts a CR in front of each LF that has none. */
static void
end_lines(struct mime_content *c, struct slice text)
{
    strbuf_clear(&c->lines);
    while (text.len > 0) {
        size_t len = slice_index(text, '\n');

        (void)strbuf_append(&c->lines, slice_sub(text, 0, len)); /* twice the piece: fits */
        if (len > 0)
            c->last = text.ptr[len - 1];
        if (len < text.len) {
            (void)strbuf_str(&c->lines, c->last == '\r' ? "\n" : "\r\n");
            c->last = '\n';
        }
        text = slice_sub(text, len + 1, text.len);
    }
}

bool
mime_content_next(struct mime_content *c, struct slice *piece)
{
    bool more;

    do {
        strbuf_clear(&c->decoded);
        more = transfer_next(&c->transfer, &c->rest, MIME_CONTENT_PIECE, &c->decoded);
    } while (more && c->decoded.len == 0);
    *piece = strbuf_slice(&c->decoded);
    if (more && c->is_text) {
        end_lines(c, *piece);
        *piece = strbuf_slice(&c->lines);
    }
    return more;
}

void
mime_content_end(struct mime_content *c)
{
    strbuf_free(&c->decoded);
    strbuf_free(&c->lines);
}
