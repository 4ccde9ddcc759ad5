/*
 * lib/mail/text_search.c - finds a string in a message, case folded and decoded.
 *
 * Input:  a stored message. Untrusted: the sender wrote it. Text comes piece by piece; what is held
 *         at a time does not grow with the message.
 */
#include "lib/mail/text_search.h"

#include "lib/mail/text_walk.h"

/* Text that arrives in pieces. What could be the beginning of a match stays for the next piece. */
struct finder {
    struct slice needle;
    struct strbuf window;
    bool found;
};

static struct finder
finder_begin(struct slice needle)
{
    return (struct finder){.needle = needle,
                           .window = strbuf_new(TEXT_WALK_PIECE_MAX + needle.len),
                           .found = needle.len == 0};
}

/* Returns false once it is found. */
static bool
finder_piece(void *arg, struct slice folded)
{
    struct finder *f = arg;
    struct slice text;

    (void)strbuf_append(&f->window, folded); /* fits: TEXT_WALK_PIECE_MAX */
    text = strbuf_slice(&f->window);
    f->found = f->found || slice_find(text, f->needle) < text.len;
    if (text.len >= f->needle.len && f->needle.len > 0)
        strbuf_consume(&f->window, text.len - (f->needle.len - 1));
    return !f->found;
}

static void
finder_gap(void *arg)
{
    struct finder *f = arg;

    strbuf_clear(&f->window);
}

bool
text_search_message(const struct mime *m, struct slice needle, bool with_header)
{
    struct finder f = finder_begin(needle);
    const struct text_sink sink = {.piece = finder_piece, .gap = finder_gap, .arg = &f};

    if (!f.found)
        text_walk_message(m, with_header, &sink);
    strbuf_free(&f.window);
    return f.found;
}
