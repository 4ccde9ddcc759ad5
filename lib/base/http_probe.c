/*
 * lib/base/http_probe.c - tells an HTTP request from a command of a mail protocol.
 */
#include "lib/base/http_probe.h"

static const char *const methods[] = {"GET",     "HEAD",    "POST",  "PUT",   "DELETE",
                                      "CONNECT", "OPTIONS", "TRACE", "PATCH", "PRI"};

static bool
is_method(struct slice word)
{
    for (size_t i = 0; i < ARRAY_LEN(methods); i++)
        if (slice_eq(word, slice_of(methods[i])))
            return true;
    return false;
}

bool
http_probe(struct slice line)
{
    struct slice rest = slice_trim(line), target;

    if (!is_method(slice_split(&rest, ' ')))
        return false;
    target = slice_split(&rest, ' ');
    return slice_starts(rest, SLICE("HTTP/")) || slice_starts(target, SLICE("/")) ||
           slice_find(target, SLICE("://")) < target.len;
}
