/*
 * imapd/progress.c - tells the client that a long command goes on.
 */
#include "imapd/progress.h"

#include "lib/base/clock.h"

enum {
    INTERVAL_MS = 10000, /* RFC 9585 section 4 recommends 10 to 15 seconds */
    LOOK_EVERY = 64      /* items between two looks at the clock */
};

struct progress
progress_begin(struct session *s, uint32_t total)
{
    return (struct progress){s, total, clock_mono_ms() + INTERVAL_MS};
}

void
progress_step(struct progress *p, uint32_t done)
{
    struct slice tag = p->s->tag;
    int64_t now;

    if (done % LOOK_EVERY != 0 || done >= p->total)
        return;
    now = clock_mono_ms();
    if (now < p->next_ms)
        return;
    p->next_ms = now + INTERVAL_MS;
    if (slice_index(tag, ']') < tag.len) /* not in a response code */
        (void)stream_printf(p->s->stream, "* OK [INPROGRESS (NIL %u %u)] Still at work\r\n", done,
                            p->total);
    else
        (void)stream_printf(p->s->stream, "* OK [INPROGRESS (\"%.*s\" %u %u)] Still at work\r\n",
                            (int)tag.len, tag.ptr, done, p->total);
    (void)stream_flush(p->s->stream); /* an error shows at the next read */
}
