/*
 * lib/base/http_line.c - tells a line of HTTP. Untrusted input, no I/O.
 */
#include "lib/base/http_line.h"

bool
http_line_is_request(struct slice line)
{
    static const char *const methods[] = {"GET",     "POST",    "HEAD",  "PUT",   "DELETE",
                                          "CONNECT", "OPTIONS", "TRACE", "PATCH", "PRI"};
    struct slice method = slice_sub(line, 0, slice_index(line, ' '));

    if (method.len == line.len)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(methods); i++)
        if (slice_eq(method, slice_of(methods[i])))
            return true;
    return false;
}
