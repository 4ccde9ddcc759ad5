/*
 * lib/mail/footer_source.c - a file of the administrator's made into the two forms of a footer. No
 * I/O.
 */
#include "lib/base/parse.h"
#include "lib/mail/footer.h"
#include "lib/mail/html_text.h"
#include "lib/mail/utf8.h"

#define LINE_MAX_BYTES 900 /* below 998 with anything beside it (RFC 5322 section 2.1.1) */
#define WRAP_BYTES 76

static const char not_utf8[] = "is not UTF-8";
static const char long_line[] = "has a line of more than 900 bytes, or becomes one as HTML";
static const char nothing[] = "has no text";
static const char too_long[] = "is too long";

/* The next line without its end and the white space before it; "-- " keeps its own (RFC 3676
 * section 4.3). */
static struct slice
next_line(struct slice *rest)
{
    struct slice line = slice_split(rest, '\n');

    if (line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    if (slice_eq(line, SLICE("-- ")))
        return line;
    while (line.len > 0 && (line.ptr[line.len - 1] == ' ' || line.ptr[line.len - 1] == '\t'))
        line.len--;
    return line;
}

/* ASCII for HTML: what is beyond as numbers. `escape`: it is text, not HTML. */
static void
put_references(struct slice text, bool escape, struct strbuf *out)
{
    uint32_t c;

    while (utf8_next(&text, &c)) {
        if (c >= 0x80)
            (void)strbuf_printf(out, "&#%u;", (unsigned)c);
        else if (escape && (c == '<' || c == '>' || c == '&'))
            (void)strbuf_str(out, c == '<' ? "&lt;" : c == '>' ? "&gt;" : "&amp;");
        else
            (void)strbuf_char(out, (char)c);
    }
}

static bool
has_long_line(struct slice text)
{
    while (text.len > 0)
        if (slice_split(&text, '\n').len > LINE_MAX_BYTES)
            return true;
    return false;
}

static const char *
judge(struct slice file, const struct strbuf *text, const struct strbuf *html)
{
    if (text->overflow || html->overflow)
        return too_long;
    if (slice_trim(file).len == 0 || slice_trim(strbuf_slice(text)).len == 0)
        return nothing;
    return has_long_line(strbuf_slice(text)) || has_long_line(strbuf_slice(html)) ? long_line
                                                                                  : NULL;
}

const char *
footer_from_text(struct slice file, struct strbuf *text, struct strbuf *html)
{
    struct slice rest = file;

    if (!parse_is_utf8(file))
        return not_utf8;
    (void)strbuf_str(html, "<div>"); /* overflow is told by judge */
    while (rest.len > 0) {
        struct slice line = next_line(&rest);

        (void)strbuf_append(text, line);
        (void)strbuf_str(text, "\r\n");
        put_references(line, true, html);
        (void)strbuf_str(html, "<br>\r\n");
    }
    (void)strbuf_str(html, "</div>\r\n");
    return judge(file, text, html);
}

/* A tag that ends a line of text. */
static bool
breaks_line(struct slice tag)
{
    static const char *const tags[] = {"<br", "</p", "</div", "</tr", "</li", "</h", "<hr", "</t"};

    for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
        struct slice name = slice_of(tags[i]);

        if (slice_eq_nocase(slice_sub(tag, 0, name.len), name) && !slice_starts(tag, SLICE("</td")))
            return true;
    }
    return false;
}

/* Folded at spaces, single spaces between words, no more than one empty line. */
static void
put_wrapped(struct slice line, struct strbuf *out)
{
    size_t column = 0;

    while (line.len > 0) {
        struct slice word = slice_split(&line, ' ');

        if (word.len == 0)
            continue;
        if (column > 0 && column + 1 + word.len > WRAP_BYTES) {
            (void)strbuf_str(out, "\r\n");
            column = 0;
        }
        (void)strbuf_str(out, column > 0 ? " " : "");
        (void)strbuf_append(out, word);
        column += word.len + (column > 0);
    }
    if (column > 0 || (out->len > 0 && !strbuf_ends_with(out, "\r\n\r\n")))
        (void)strbuf_str(out, "\r\n");
}

static void
put_as_text(struct slice file, struct strbuf *text)
{
    struct strbuf line = strbuf_new(file.len + 1);
    struct html_text state = {.state = HTML_TEXT_TEXT};

    while (file.len > 0) {
        size_t open = slice_index(file, '<');
        struct slice tag = slice_sub(file, open, file.len);
        size_t end = open + (tag.len > 0 ? slice_index(tag, '>') + 1 : 0);

        (void)html_text_feed(&state, slice_sub(file, 0, end), &line);
        if (breaks_line(tag)) {
            put_wrapped(slice_trim(strbuf_slice(&line)), text);
            strbuf_clear(&line);
        }
        file = slice_sub(file, end, file.len);
    }
    if (slice_trim(strbuf_slice(&line)).len > 0)
        put_wrapped(slice_trim(strbuf_slice(&line)), text);
    while (strbuf_ends_with(text, "\r\n\r\n"))
        strbuf_truncate(text, text->len - 2);
    strbuf_free(&line);
}

const char *
footer_from_html(struct slice file, struct strbuf *text, struct strbuf *html)
{
    struct slice rest = file;
    struct strbuf one_line = strbuf_new(file.len + 1);

    if (!parse_is_utf8(file)) {
        strbuf_free(&one_line);
        return not_utf8;
    }
    while (rest.len > 0) {
        struct slice line = next_line(&rest);

        put_references(line, false, html);
        (void)strbuf_str(html, "\r\n");
        (void)strbuf_append(&one_line, line); /* a line end is a space in HTML */
        (void)strbuf_str(&one_line, rest.len > 0 ? " " : "");
    }
    put_as_text(strbuf_slice(&one_line), text);
    strbuf_free(&one_line);
    return judge(file, text, html);
}
