/*
 * lib/smtp/smtp_dot.c - doubles dots at line starts, and never sends a bare CR or LF: each becomes
 * CRLF, so that no server down the line can be made to see an end of data where we saw none.
 *
 * Input: content from the queue, in pieces of any size. No I/O.
 */
#include "lib/smtp/smtp_dot.h"

static struct slice
take(struct slice *input, size_t len)
{
    struct slice head = slice_sub(*input, 0, len);

    *input = slice_sub(*input, len, input->len);
    return head;
}

static bool
end_line(struct smtp_dot *dot, struct slice *piece)
{
    dot->inside_line = dot->dot_given = dot->holds_cr = false;
    *piece = SLICE("\r\n");
    return true;
}

bool
smtp_dot_next(struct smtp_dot *dot, struct slice *input, struct slice *piece)
{
    size_t lf, text_len;

    if (input->len == 0)
        return false;
    if (dot->holds_cr) {
        if (input->ptr[0] == '\n')
            (void)take(input, 1);
        return end_line(dot, piece);
    }
    if (!dot->inside_line && !dot->dot_given && input->ptr[0] == '.') {
        dot->dot_given = true;
        *piece = SLICE(".");
        return true;
    }
    lf = slice_index(*input, '\n');
    text_len = slice_index(slice_sub(*input, 0, lf), '\r');
    if (text_len > 0) { /* up to the line end, or to the end of the input */
        dot->inside_line = true;
        *piece = take(input, text_len);
        return true;
    }
    if (input->ptr[0] == '\n') {
        (void)take(input, 1);
        return end_line(dot, piece);
    }
    (void)take(input, 1); /* a CR */
    dot->holds_cr = true;
    return smtp_dot_next(dot, input, piece); /* once more at most: the CR decides at once */
}

struct slice
smtp_dot_end(const struct smtp_dot *dot)
{
    if (dot->inside_line || dot->holds_cr)
        return SLICE("\r\n.\r\n");
    return SLICE(".\r\n");
}
