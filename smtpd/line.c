/*
 * smtpd/line.c - takes a command line apart (RFC 5321 section 4.1.1). Untrusted input; no I/O.
 */
#include "smtpd/line.h"

int
line_parse(struct slice line, struct slice *verb, struct slice *args)
{
    size_t space;

    for (size_t i = 0; i < line.len; i++) {
        unsigned char c = (unsigned char)line.ptr[i];

        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return -1;
    }
    while (line.len > 0 && (line.ptr[line.len - 1] == ' ' || line.ptr[line.len - 1] == '\t'))
        line.len--;
    space = slice_index(line, ' ');
    *verb = slice_sub(line, 0, space);
    *args = slice_sub(line, space + 1, line.len);
    return verb->len > 0 ? 0 : -1;
}
