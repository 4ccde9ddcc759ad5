/*
 * lib/tls/key_channel.c - one question to keyd, and its answer.
 *
 * The socket is connected: nobody but keyd can send to it. A question that keyd took along when it
 * ended is asked again.
 */
#include "lib/tls/key_channel.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "lib/base/clock.h"
#include "lib/base/strbuf.h"

#define ASK_AGAIN_MS 1000
#define UNKNOWN_AGAIN_MS 100

static int channel = -1;
static int64_t deadline;
static uint32_t last_id;
static const char *failure;

void
key_channel_use(int fd)
{
    channel = fd;
}

void
key_channel_begin(int64_t deadline_mono_ms)
{
    deadline = deadline_mono_ms;
    failure = NULL;
}

const char *
key_channel_failure(void)
{
    return failure;
}

/* False: the time is over. */
static bool
wait_for(short events, int64_t until_mono_ms)
{
    int64_t left = until_mono_ms - clock_mono_ms();
    struct pollfd p = {.fd = channel, .events = events};

    return left > 0 && poll(&p, 1, (int)left) != 0; /* an error shows in the call that follows */
}

/* 0, or -1: there is nobody, or no room in time. */
static int
ask_once(struct slice datagram, int64_t until_mono_ms)
{
    while (send(channel, datagram.ptr, datagram.len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
        if (errno != EAGAIN && errno != EINTR)
            return -1;
        if (!wait_for(POLLOUT, until_mono_ms))
            return -1;
    }
    return 0;
}

/* The answer to `id`; others are late ones. True: it is there. */
static bool
answer_came(uint32_t id, char *buf, struct tls_key_answer *answer, int64_t until_mono_ms)
{
    while (wait_for(POLLIN, until_mono_ms)) {
        ssize_t n = recv(channel, buf, TLS_KEY_DATAGRAM_MAX, MSG_DONTWAIT);
        uint32_t answered;

        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return false;
        if (n > 0 && tls_key_answer_decode(slice_make(buf, (size_t)n), &answered, answer) == 0 &&
            answered == id)
            return true;
    }
    return false;
}

static void
pause_before(int64_t until_mono_ms)
{
    struct timespec pause = {.tv_nsec = UNKNOWN_AGAIN_MS * 1000000L};

    if (clock_mono_ms() + UNKNOWN_AGAIN_MS < until_mono_ms)
        (void)nanosleep(&pause, NULL); /* a signal makes it shorter */
}

/* At a reload this service may be ready with a new certificate before keyd is with its key: so that
 * is asked again too. */
static int
converse(struct slice datagram, uint32_t id, char *buf, struct tls_key_answer *answer)
{
    int64_t now = clock_mono_ms(), until = now + KEY_CHANNEL_PATIENCE_MS;
    int rc = -1;

    if (until > deadline)
        until = deadline;
    for (; now < until; now = clock_mono_ms()) {
        int64_t round = now + ASK_AGAIN_MS < until ? now + ASK_AGAIN_MS : until;

        if (ask_once(datagram, until) < 0)
            return rc;
        if (!answer_came(id, buf, answer, round))
            continue;
        rc = 0;
        if (answer->result != TLS_KEY_UNKNOWN)
            break;
        pause_before(until);
    }
    return rc;
}

static const char *
reason_of(uint8_t result)
{
    return result == TLS_KEY_UNKNOWN ? "keyd does not have the key of this certificate"
                                     : "keyd has refused to sign this";
}

ssize_t
key_channel_sign(const struct tls_key_ask *ask, unsigned char *signature, size_t cap)
{
    struct strbuf datagram = strbuf_new(TLS_KEY_DATAGRAM_MAX);
    struct tls_key_answer answer;
    char buf[TLS_KEY_DATAGRAM_MAX];
    ssize_t len = -1;

    failure = "keyd does not answer";
    if (channel >= 0 && tls_key_ask_encode(&datagram, ++last_id, ask) == 0 &&
        converse(strbuf_slice(&datagram), last_id, buf, &answer) == 0) {
        failure = answer.result == TLS_KEY_SIGNED ? NULL : reason_of(answer.result);
        if (failure == NULL && answer.signature.len <= cap) {
            memcpy(signature, answer.signature.ptr, answer.signature.len);
            len = (ssize_t)answer.signature.len;
        }
    }
    strbuf_free(&datagram);
    return len;
}
