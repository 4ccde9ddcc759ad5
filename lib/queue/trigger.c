/*
 * lib/queue/trigger.c - the FIFO's frames. A frame is smaller than PIPE_BUF, so that it goes in
 * whole or not at all, and none comes to lie within another.
 */
#include "lib/queue/trigger.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

_Static_assert(TRIGGER_DOMAIN_MAX + 2 <= PIPE_BUF, "a frame is one piece");

static bool
may_stand_in_a_domain(char c)
{
    return c > 0x20 && c < 0x7f && c != '<' && c != '>';
}

int
trigger_ask(int fd, struct slice domain)
{
    char frame[TRIGGER_DOMAIN_MAX + 2];
    bool fits = domain.len > 0 && domain.len <= TRIGGER_DOMAIN_MAX;

    for (size_t i = 0; i < domain.len && fits; i++)
        fits = may_stand_in_a_domain(domain.ptr[i]);
    if (!fits) {
        errno = EINVAL;
        return -1;
    }
    frame[0] = '<';
    memcpy(frame + 1, domain.ptr, domain.len);
    frame[domain.len + 1] = '>';
    return write(fd, frame, domain.len + 2) < 0 ? -1 : 0;
}

void
trigger_read(struct trigger_reader *r, struct slice bytes,
             void (*asked)(void *arg, struct slice domain), void *arg)
{
    for (size_t i = 0; i < bytes.len; i++) {
        char c = bytes.ptr[i];

        if (c == '<') {
            r->inside = true;
            r->len = 0;
        } else if (r->inside && c == '>') {
            r->inside = false;
            if (r->len > 0)
                asked(arg, slice_make(r->domain, r->len));
        } else if (r->inside && r->len < sizeof(r->domain) && may_stand_in_a_domain(c)) {
            r->domain[r->len++] = c;
        } else {
            r->inside = false; /* a byte that only wakes, or nothing that we write */
        }
    }
}
