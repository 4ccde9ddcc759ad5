/*
 * lib/store/reply_memory.c - whom a user's automatic reply has gone to lately.
 *
 * Local agents never have the same mailbox at the same time, so that nobody else writes meanwhile.
 */
#include "lib/store/reply_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/auth/digest.h"
#include "lib/base/encode.h"
#include "lib/base/io.h"
#include "lib/base/parse.h"
#include "lib/queue/envelope.h"
#include "lib/store/beneath.h"

#define FILE_NAME "posthorn.replied"
#define NEW_NAME "tmp/posthorn.replied"

enum { DIGEST_BYTES = 16, DIGEST_DIGITS = 2 * DIGEST_BYTES };

/* Domains compare without case, and so do local parts almost everywhere. */
static void
put_digest(struct strbuf *out, struct slice address)
{
    unsigned char digest[DIGEST_MAX];
    struct strbuf lower = strbuf_new(address.len);

    for (size_t i = 0; i < address.len; i++)
        (void)strbuf_char(&lower, address.ptr[i] >= 'A' && address.ptr[i] <= 'Z'
                                      ? (char)(address.ptr[i] - 'A' + 'a')
                                      : address.ptr[i]);
    digest_of(DIGEST_SHA256, strbuf_slice(&lower), SLICE(""), digest);
    (void)hex_encode(slice_make(digest, DIGEST_BYTES), out);
    strbuf_free(&lower);
}

static int
read_all(int mail_fd, struct strbuf *text)
{
    int fd = beneath_open(mail_fd, FILE_NAME, O_RDONLY | O_NONBLOCK, 0);
    char *room = strbuf_room(text, REPLY_MEMORY_BYTES);
    size_t len = 0;
    ssize_t n = fd < 0 || room == NULL ? -1 : 1;

    if (fd < 0 && errno == ENOENT)
        return 0;
    while (n > 0 && len < REPLY_MEMORY_BYTES) {
        n = read(fd, room + len, REPLY_MEMORY_BYTES - len);
        len += n > 0 ? (size_t)n : 0;
    }
    close_keep_errno(fd);
    if (n < 0)
        return -1;
    strbuf_grew(text, len);
    return 0;
}

struct line {
    struct slice digest, queue_id;
    uint64_t time_ms;
};

static bool
read_line(struct slice text, struct line *line)
{
    struct slice time;

    line->digest = slice_split(&text, ' ');
    time = slice_split(&text, ' ');
    line->queue_id = text;
    return line->digest.len == DIGEST_DIGITS && line->queue_id.len > 0 &&
           line->queue_id.len < QUEUE_ID_SIZE && parse_is_ascii_print(line->queue_id) &&
           parse_u64(time, INT64_MAX, &line->time_ms) == 0;
}

/* A time that is to come, from a clock that was wrong, is as good as none. */
static bool
is_within(uint64_t time_ms, int64_t now_ms, int64_t period_ms)
{
    return (int64_t)time_ms <= now_ms && now_ms - (int64_t)time_ms < period_ms;
}

enum reply_turn
reply_memory_look(int mail_fd, struct slice correspondent, struct slice queue_id, int64_t now_ms,
                  int64_t period_ms, struct strbuf *kept)
{
    struct strbuf text = strbuf_new(REPLY_MEMORY_BYTES), digest = strbuf_new(DIGEST_DIGITS);
    enum reply_turn turn = REPLY_FIRST;
    struct slice rest;
    unsigned count = 0;

    put_digest(&digest, correspondent);
    if (read_all(mail_fd, &text) < 0)
        turn = REPLY_FAILED;
    rest = strbuf_slice(&text);
    while (rest.len > 0 && turn == REPLY_FIRST) {
        struct slice raw = slice_split(&rest, '\n');
        struct line line;

        if (!read_line(raw, &line) || !is_within(line.time_ms, now_ms, period_ms))
            continue;
        if (slice_eq(line.digest, strbuf_slice(&digest)))
            turn = slice_eq(line.queue_id, queue_id) ? REPLY_AGAIN : REPLY_TOLD;
        else if (++count >= REPLY_MEMORY_MAX)
            turn = REPLY_FULL;
        (void)strbuf_append(kept, raw); /* no more than was read */
        (void)strbuf_char(kept, '\n');
    }
    strbuf_free(&text);
    strbuf_free(&digest);
    return turn;
}

int
reply_memory_note(int mail_fd, struct slice correspondent, struct slice queue_id, int64_t now_ms,
                  struct strbuf *kept)
{
    int fd, rc = -1;

    put_digest(kept, correspondent);
    (void)strbuf_printf(kept, " %lld %.*s\n", (long long)now_ms, (int)queue_id.len, queue_id.ptr);
    if (kept->overflow) {
        errno = EFBIG;
        return -1;
    }
    (void)unlinkat(mail_fd, NEW_NAME, 0); /* of somebody who died over it */
    fd = beneath_open(mail_fd, NEW_NAME, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (fd >= 0 && write_all(fd, strbuf_slice(kept)) == 0 && fdatasync(fd) == 0 &&
        renameat(mail_fd, NEW_NAME, mail_fd, FILE_NAME) == 0)
        rc = beneath_sync_dir(mail_fd, ".");
    close_keep_errno(fd);
    return rc;
}
