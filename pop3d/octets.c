/*
 * pop3d/octets.c - counts a message's octets as message_out sends them. Untrusted input: the
 * message may hold anything.
 */
#include "pop3d/octets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/mem.h"

#define STEP ((size_t)65536)

struct count {
    uint64_t bare; /* LFs without CR */
    char last;
};

static void
count_part(struct count *c, const char *part, size_t len)
{
    const char *at = part, *end = part + len, *lf;

    while (at < end && (lf = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        c->bare += (lf > part ? lf[-1] : c->last) != '\r';
        at = lf + 1;
    }
    c->last = end[-1];
}

int
octets_count(int fd, uint64_t size, uint64_t *octets)
{
    char *buf = xmalloc(size < STEP ? (size_t)size + 1 : STEP);
    struct count c = {.last = '\n'};
    uint64_t at = 0;
    ssize_t n = 0;

    while (at < size) {
        n = pread(fd, buf, size - at < STEP ? (size_t)(size - at) : STEP, (off_t)at);
        if (n <= 0)
            break;
        count_part(&c, buf, (size_t)n);
        at += (uint64_t)n;
    }
    free(buf);
    if (at < size) {
        if (n == 0)
            errno = EBADMSG; /* the file is shorter than the journal says */
        return -1;
    }
    /* the end of the last line: CRLF, or what is missing of it */
    *octets = size + c.bare + (c.last == '\n' ? 0 : c.last == '\r' ? 1 : 2);
    return 0;
}
