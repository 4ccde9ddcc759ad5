/*
 * smtpd/content.c - looks for bare CR and LF, long lines and 8-bit bytes in message content.
 *
 * Input: pieces of any size. Untrusted. No I/O.
 */
#include "smtpd/content.h"

#include "lib/base/parse.h"

static void
count_line(struct content_scan *scan, size_t more)
{
    scan->line_len += more;
    if (scan->line_len > scan->longest_line)
        scan->longest_line = scan->line_len;
}

/* Text without any LF, the end of which is the end of the piece or an LF. */
static void
scan_text(struct content_scan *scan, struct slice text)
{
    size_t cr;

    if (text.len == 0)
        return;
    if (scan->last_was_cr)
        scan->has_bare_cr = true;
    cr = slice_index(text, '\r');
    scan->last_was_cr = text.ptr[text.len - 1] == '\r';
    if (cr + 1 < text.len)
        scan->has_bare_cr = true;
    count_line(scan, text.len - (scan->last_was_cr ? 1 : 0));
}

void
content_scan(struct content_scan *scan, struct slice piece)
{
    if (!scan->has_8bit)
        scan->has_8bit = !parse_is_ascii(piece);
    while (piece.len > 0) {
        size_t lf = slice_index(piece, '\n');

        scan_text(scan, slice_sub(piece, 0, lf));
        if (lf == piece.len)
            return;
        if (!scan->last_was_cr)
            scan->has_bare_lf = true;
        scan->last_was_cr = false;
        scan->line_len = 0;
        piece = slice_sub(piece, lf + 1, piece.len);
    }
}

void
content_scan_end(struct content_scan *scan)
{
    if (scan->last_was_cr)
        scan->has_bare_cr = true;
}
