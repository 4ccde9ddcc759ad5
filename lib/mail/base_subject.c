/*
 * lib/mail/base_subject.c - the subject of a conversation.
 *
 * Input:  a Subject field's decoded text. Untrusted: the sender wrote it. Exactly the steps of RFC
 *         5256 section 2.1 with the grammar of its section 5; each byte is looked at a bounded
 *         number of times.
 */
#include "lib/mail/base_subject.h"

static bool
is_space(char c)
{
    return c == ' ' || c == '\t';
}

static struct slice
without_leading_space(struct slice text)
{
    while (text.len > 0 && is_space(text.ptr[0]))
        text = slice_sub(text, 1, text.len);
    return text;
}

/* Step 1: tabs and line ends become spaces, several spaces one. */
static void
squeeze(struct strbuf *text)
{
    size_t kept = 0;

    for (size_t i = 0; i < text->len; i++) {
        char c = text->ptr[i];

        if (c == '\t' || c == '\r' || c == '\n')
            c = ' ';
        if (c == ' ' && kept > 0 && text->ptr[kept - 1] == ' ')
            continue;
        text->ptr[kept++] = c;
    }
    strbuf_truncate(text, kept);
}

/* Step 2: subj-trailer = "(fwd)" / WSP. True: there was a "(fwd)". */
static bool
cut_trailers(struct slice *text)
{
    bool found = false;

    for (;;) {
        if (text->len > 0 && is_space(text->ptr[text->len - 1])) {
            text->len--;
        } else if (slice_ends_nocase(*text, SLICE("(fwd)"))) {
            text->len -= 5;
            found = true;
        } else {
            return found;
        }
    }
}

/* subj-blob = "[" *BLOBCHAR "]" *WSP */
static bool
take_blob(struct slice *text)
{
    if (text->len == 0 || text->ptr[0] != '[')
        return false;
    for (size_t i = 1; i < text->len && text->ptr[i] != '[' && text->ptr[i] != '\0'; i++) {
        if (text->ptr[i] != ']')
            continue;
        *text = without_leading_space(slice_sub(*text, i + 1, text->len));
        return true;
    }
    return false;
}

/* subj-refwd = ("re" / ("fw" ["d"])) *WSP [subj-blob] ":" */
static bool
take_refwd(struct slice *text)
{
    struct slice rest = *text;

    if (slice_starts_nocase(rest, SLICE("fwd")))
        rest = slice_sub(rest, 3, rest.len);
    else if (slice_starts_nocase(rest, SLICE("re")) || slice_starts_nocase(rest, SLICE("fw")))
        rest = slice_sub(rest, 2, rest.len);
    else
        return false;
    rest = without_leading_space(rest);
    (void)take_blob(&rest);
    if (rest.len == 0 || rest.ptr[0] != ':')
        return false;
    *text = slice_sub(rest, 1, rest.len);
    return true;
}

/* Steps 3 to 5: subj-leader = (*subj-blob subj-refwd) / WSP, then blobs as long as something is
 * left behind them. Blobs that lead to no subj-refwd are found by step 4 one after the other, so
 * they go at once here. True: there was a subj-refwd. */
static bool
cut_leaders(struct slice *text)
{
    struct slice last, rest;
    bool found = false;

    for (;;) {
        *text = without_leading_space(*text);
        rest = last = *text;
        while (take_blob(&rest))
            if (rest.len > 0)
                last = rest;
        if (!take_refwd(&rest))
            break;
        *text = rest;
        found = true;
    }
    *text = last;
    return found;
}

/* Step 6: "[fwd:" around all that is left. */
static bool
cut_forward(struct slice *text)
{
    const struct slice head = SLICE("[fwd:");

    if (!slice_starts_nocase(*text, head) || !slice_ends(*text, SLICE("]")))
        return false;
    *text = slice_sub(*text, head.len, text->len - 1);
    return true;
}

bool
base_subject(struct strbuf *text)
{
    bool is_reply = false, again = true;
    struct slice base;

    squeeze(text);
    base = strbuf_slice(text);
    while (again) {
        is_reply |= cut_trailers(&base);
        is_reply |= cut_leaders(&base);
        again = cut_forward(&base);
        is_reply |= again;
    }
    if (base.len > 0)
        strbuf_consume(text, (size_t)(base.ptr - text->ptr));
    strbuf_truncate(text, base.len);
    return is_reply;
}
