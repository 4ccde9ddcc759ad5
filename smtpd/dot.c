/*
 * smtpd/dot.c - transparency of mail data (RFC 5321 section 4.5.2).
 *
 * Only CRLF ends a line and only CRLF.CRLF ends the data (section 4.1.1.4): a bare LF or CR beside
 * a dot is content like any other, however the input is cut into reads. Untrusted input; no I/O.
 */
#include "smtpd/dot.h"

static enum dot_result
give(struct slice *input, size_t len, struct slice *piece)
{
    *piece = slice_sub(*input, 0, len);
    *input = slice_sub(*input, len, input->len);
    return DOT_PIECE;
}

/* From inside a line: all lines up to one that starts with a dot, or the rest of the input. */
static enum dot_result
give_text(struct dot_decoder *d, struct slice *input, struct slice *piece)
{
    size_t at = 0;

    for (;;) {
        size_t lf = at + slice_index(slice_sub(*input, at, input->len), '\n');

        if (lf == input->len) {
            d->state = input->ptr[lf - 1] == '\r' ? DOT_CR : DOT_TEXT;
            return give(input, lf, piece);
        }
        at = lf + 1;
        if (lf == 0 || input->ptr[lf - 1] != '\r') {
            d->state = DOT_TEXT;
            if (at == input->len)
                return give(input, at, piece);
            continue;
        }
        d->state = DOT_LINE_START;
        if (at == input->len || input->ptr[at] == '.')
            return give(input, at, piece);
    }
}

enum dot_result
dot_next(struct dot_decoder *d, struct slice *input, struct slice *piece)
{
    while (input->len > 0) {
        char c = input->ptr[0];

        switch (d->state) {
        case DOT_LINE_START:
            if (c != '.')
                return give_text(d, input, piece);
            d->state = DOT_DOT;
            *input = slice_sub(*input, 1, input->len);
            break;
        case DOT_TEXT:
            return give_text(d, input, piece);
        case DOT_CR:
            if (c != '\n')
                return give_text(d, input, piece);
            d->state = DOT_LINE_START;
            return give(input, 1, piece);
        case DOT_DOT:
            if (c != '\r')
                return give_text(d, input, piece); /* the dot was a doubled one: it is gone */
            d->state = DOT_DOT_CR;
            *input = slice_sub(*input, 1, input->len);
            break;
        case DOT_DOT_CR:
            if (c != '\n') { /* ".", CR and more: a line of text whose first dot goes */
                d->state = DOT_CR;
                *piece = SLICE("\r");
                return DOT_PIECE;
            }
            d->state = DOT_LINE_START;
            *input = slice_sub(*input, 1, input->len);
            return DOT_END;
        }
    }
    return DOT_MORE;
}
