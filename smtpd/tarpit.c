/*
 * smtpd/tarpit.c - makes guessing addresses and commands slow.
 *
 * The wait grows with each error and ends below the five minutes that clients wait for a reply
 * (RFC 5321 section 4.5.3.2.2). It costs a sleeping process; where places are short it is left out.
 */
#include "smtpd/tarpit.h"

#include <poll.h>

enum { DELAY_MAX_MS = 10000 };

int64_t
tarpit_delay_ms(const struct settings *settings, uint64_t errors)
{
    uint64_t over = errors > settings->free_errors ? errors - settings->free_errors : 0;

    if (over > DELAY_MAX_MS || (int64_t)over * settings->error_delay_ms > DELAY_MAX_MS)
        return settings->error_delay_ms == 0 ? 0 : DELAY_MAX_MS;
    return (int64_t)over * settings->error_delay_ms;
}

void
tarpit_wait(struct session *s)
{
    struct pollfd end = {.fd = s->pool->end_fd, .events = POLLIN};
    int64_t delay_ms = tarpit_delay_ms(s->settings, s->errors);

    if (delay_ms == 0 || s->pool->is_pressed)
        return;
    (void)stream_flush(s->stream);      /* a failure sticks and ends the next read */
    (void)poll(&end, 1, (int)delay_ms); /* a signal only makes it shorter */
}
