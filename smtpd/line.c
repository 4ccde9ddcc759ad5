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

bool
line_is_http(struct slice line)
{
    static const char *const methods[] = {"GET",     "POST",    "HEAD",  "PUT",   "DELETE",
                                          "CONNECT", "OPTIONS", "TRACE", "PATCH", "PRI"};
    struct slice verb = slice_sub(line, 0, slice_index(line, ' '));

    if (verb.len == line.len) /* a method is followed by a target */
        return false;
    for (size_t i = 0; i < ARRAY_LEN(methods); i++)
        if (slice_eq(verb, slice_of(methods[i])))
            return true;
    return false;
}
