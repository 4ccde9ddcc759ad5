/*
 * lib/log/log.c - the log client: collects lines and sends them to logd.
 *
 * Touches its one datagram socket and stderr. The socket has a send time-out of
 * LOG_SEND_TIMEOUT_MS; after one time-out nothing is sent for LOG_REST_MS, so that a stuck logd
 * slows no event loop down. One state a process, as there is one log socket a process.
 */
#include "lib/log/log.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/log/journal.h"
#include "lib/log/line.h"

#define LOG_SEND_TIMEOUT_MS 100
#define LOG_REST_MS 1000
#define LOG_CONTEXT_MAX 1024
#define LOG_KEEP_BYTES 2048 /* a larger buffer is given back after a flush: sessions are many */

static struct {
    struct log_origin origin;
    const char *service;
    enum log_level level;
    bool also_stderr, stderr_is_journal;
    int fd;
    struct strbuf context;
    struct strbuf lines; /* the datagram that is being filled */
    uint64_t dropped;    /* lines lost since the last report of it */
    unsigned lines_in_buffer;
    int64_t rest_until_ms; /* logd was stuck: do not try before */
} state = {
    .origin = {.program = "posthorn", .pid = 0},
    .service = "system",
    .level = LOG_INFO,
    .fd = -1,
};

static void
start_datagram(void)
{
    strbuf_clear(&state.lines);
    state.lines_in_buffer = 0;
    if (state.fd >= 0) {
        (void)strbuf_str(&state.lines, state.service); /* short: always fits */
        (void)strbuf_char(&state.lines, '\n');
    }
}

void
log_open(const char *program, const char *service, int fd)
{
    struct timeval wait = {.tv_usec = LOG_SEND_TIMEOUT_MS * 1000L};

    state.origin.program = program;
    state.origin.pid = (long)getpid();
    state.service = service;
    state.fd = fd;
    if (state.lines.max == 0) {
        state.lines = strbuf_new(LOG_DATAGRAM_MAX);
        state.context = strbuf_new(LOG_CONTEXT_MAX);
    }
    if (fd >= 0) /* a pipe in a test has no such option: then a full one blocks */
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
    start_datagram();
}

void
log_set_level(enum log_level level)
{
    state.level = level;
}

void
log_set_stderr(bool also)
{
    state.also_stderr = also;
    state.stderr_is_journal = also && journal_is_stderr();
}

void
log_forked(void)
{
    state.origin.pid = (long)getpid();
    state.dropped = 0;
    start_datagram();
}

void
log_context(const struct log_kv *pairs)
{
    strbuf_clear(&state.context);
    (void)log_pairs_encode(&state.context, pairs); /* what is too long is left out */
}

/* True if the datagram left. */
static bool
write_datagram(int fd, struct slice bytes)
{
    ssize_t n;

    do /* write, not send: a system call that every sandbox allows */
        n = write(fd, bytes.ptr, bytes.len);
    while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM))
        state.rest_until_ms = clock_mono_ms() + LOG_REST_MS;
    return n >= 0;
}

void
log_flush(void)
{
    int saved = errno;

    if (state.lines_in_buffer == 0)
        return;
    if (state.fd < 0)
        (void)write_all(STDERR_FILENO, strbuf_slice(&state.lines)); /* nowhere left to tell */
    else if (clock_mono_ms() < state.rest_until_ms)
        return; /* keeps collecting; put_line() counts what no longer fits */
    else if (!write_datagram(state.fd, strbuf_slice(&state.lines)))
        state.dropped += state.lines_in_buffer;
    if (state.lines.cap > LOG_KEEP_BYTES)
        strbuf_free(&state.lines);
    start_datagram();
    errno = saved;
}

int64_t
log_wait_ms(void)
{
    int64_t left = state.rest_until_ms - clock_mono_ms();

    if (state.lines_in_buffer == 0)
        return 0;
    return left > 0 ? left : 1;
}

static void
put_line(enum log_level level, const char *event, const struct log_kv *pairs)
{
    size_t start;

    if (state.lines.max - state.lines.len < LOG_LINE_MAX)
        log_flush();
    start = state.lines.len;
    state.origin.context = strbuf_slice(&state.context);
    if (!log_line_encode(&state.lines, clock_real_ms(), &state.origin, level, event, pairs)) {
        state.dropped++;
        return;
    }
    state.lines_in_buffer++;
    if (!state.also_stderr || state.fd < 0 || level > LOG_WARN)
        return;
    if (state.stderr_is_journal)
        (void)write_all(STDERR_FILENO, level == LOG_ERROR ? SLICE("<3>") : SLICE("<4>"));
    (void)write_all(STDERR_FILENO, slice_sub(strbuf_slice(&state.lines), start, SIZE_MAX));
}

void
log_write(enum log_level level, const char *event, const struct log_kv *pairs)
{
    int saved = errno; /* a caller may log between a failure and its handling */
    uint64_t dropped = state.dropped;

    if (level > state.level)
        return;
    if (state.lines.max == 0)
        log_open(state.origin.program, state.service, state.fd);
    put_line(level, event, pairs);
    if (dropped > 0 && state.dropped == dropped && clock_mono_ms() >= state.rest_until_ms) {
        state.dropped = 0;
        put_line(LOG_WARN, "log_lines_lost",
                 (const struct log_kv[]){KV_U64("count", dropped), KV_END});
    }
    if (level == LOG_ERROR || state.fd < 0)
        log_flush();
    errno = saved;
}

bool
log_write_to(const char *service, const char *event, const struct log_kv *pairs)
{
    struct strbuf line = strbuf_new(LOG_DATAGRAM_MAX);
    int saved = errno;
    bool left;

    if (state.fd >= 0) {
        (void)strbuf_str(&line, service); /* short: always fits */
        (void)strbuf_char(&line, '\n');
    }
    state.origin.context = strbuf_slice(&state.context);
    left = log_line_encode(&line, clock_real_ms(), &state.origin, LOG_INFO, event, pairs) &&
           (state.fd < 0 || clock_mono_ms() >= state.rest_until_ms) &&
           write_datagram(state.fd < 0 ? STDERR_FILENO : state.fd, strbuf_slice(&line));
    strbuf_free(&line);
    errno = saved;
    return left;
}
