/*
 * pop3d/transaction.c - the commands of the TRANSACTION state (RFC 1939 sections 5 to 7).
 *
 * What the user's own files hold is untrusted as well: whoever wrote to him chose it.
 */
#include "pop3d/transaction.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/log/log.h"
#include "pop3d/message_out.h"

#define CHUNK 65536 /* bytes read from a message's file at a time */
#define UNIQUE_NAME_MAX 70

/* The one message that an argument names; 0: there is none, and the client knows. */
static uint32_t
named_message(struct session *s, uint64_t number)
{
    if (maildrop_has(s->maildrop, number))
        return (uint32_t)number;
    session_error(s, NULL, "no such message");
    return 0;
}

static enum session_state
bad_arguments(struct session *s, const char *expected)
{
    session_error(s, NULL, "expected: %s", expected);
    return s->state;
}

/* ---- listings ---- */

enum session_state
transaction_stat_run(struct session *s, struct slice args)
{
    (void)args;
    session_ok(s, "%u %llu", maildrop_count(s->maildrop),
               (unsigned long long)maildrop_octets(s->maildrop));
    return s->state;
}

static void
put_size(struct session *s, uint32_t number)
{
    char line[48];
    int len = snprintf(line, sizeof(line), "%u %llu\r\n", number,
                       (unsigned long long)maildrop_message_octets(s->maildrop, number));

    (void)stream_write(s->stream, slice_make(line, (size_t)len)); /* an error sticks */
}

static void
put_unique_name(struct session *s, uint32_t number)
{
    struct strbuf name = strbuf_new(UNIQUE_NAME_MAX);
    char line[UNIQUE_NAME_MAX + 16];
    int len;

    if (maildrop_unique_name(s->maildrop, number, &name) == 0) {
        len = snprintf(line, sizeof(line), "%u %s\r\n", number, strbuf_cstr(&name));
        (void)stream_write(s->stream, slice_make(line, (size_t)len)); /* an error sticks */
    }
    strbuf_free(&name);
}

/* LIST and UIDL: the line of one message behind +OK, or of all, one below the other. */
static enum session_state
list(struct session *s, struct slice args, void (*put_line)(struct session *s, uint32_t number))
{
    uint32_t numbers = maildrop_numbers(s->maildrop), one;
    uint64_t number;
    int count = command_numbers(args, 0, 1, &number);

    if (count < 0)
        return bad_arguments(s, "[message]");
    if (count == 1) {
        one = named_message(s, number);
        if (one != 0) {
            (void)stream_write(s->stream, SLICE("+OK "));
            put_line(s, one);
        }
        return s->state;
    }
    session_ok(s, "%u messages", maildrop_count(s->maildrop));
    for (uint32_t n = 1; n <= numbers; n++)
        if (maildrop_has(s->maildrop, n))
            put_line(s, n);
    (void)stream_write(s->stream, SLICE(".\r\n")); /* an error sticks */
    return s->state;
}

enum session_state
transaction_list_run(struct session *s, struct slice args)
{
    return list(s, args, put_size);
}

enum session_state
transaction_uidl_run(struct session *s, struct slice args)
{
    return list(s, args, put_unique_name);
}

/* ---- messages ---- */

static void
write_to_stream(void *arg, struct slice bytes)
{
    (void)stream_write(arg, bytes); /* an error sticks */
}

/* The next part of the file. 0 at its end, -1 with errno. */
static ssize_t
read_part(int fd, char *buf, uint64_t at, uint64_t size)
{
    uint64_t left = size - at;
    ssize_t n;

    if (left == 0)
        return 0;
    n = pread(fd, buf, left < CHUNK ? (size_t)left : CHUNK, (off_t)at);
    if (n == 0)
        errno = EBADMSG; /* the file is shorter than the journal says */
    return n == 0 ? -1 : n;
}

static struct slice
header_section(struct slice text)
{
    struct slice rest = text, line;

    do
        line = slice_cut_after(&rest, '\n');
    while (line.len > 0 && !slice_eq(line, SLICE("\r\n")) && !slice_eq(line, SLICE("\n")));
    return slice_sub(text, 0, text.len - rest.len);
}

/* RFC 6856 section 2.1: a header that is in UTF-8 needs the client to be in UTF-8 mode. Only by a
 * setting: most clients know no such mode, and many give up at an error. Looked for in the first
 * part of the file. */
static bool
needs_utf8(const struct session *s, struct slice first_part)
{
    struct slice header;

    if (s->utf8 || !s->server->refuse_utf8)
        return false;
    header = header_section(first_part);
    for (size_t i = 0; i < header.len; i++)
        if ((unsigned char)header.ptr[i] >= 0x80)
            return parse_is_utf8(header);
    return false;
}

/* Sends the rest of a message whose first part is in `buf`. 0, or -1 with errno. */
static int
send_parts(struct session *s, int fd, char *buf, ssize_t part, uint64_t size, uint64_t body_lines)
{
    struct message_out out = message_out_begin(write_to_stream, s->stream, body_lines);
    uint64_t at = 0;

    while (part > 0 && message_out_feed(&out, slice_make(buf, (size_t)part))) {
        at += (uint64_t)part;
        part = read_part(fd, buf, at, size);
    }
    if (part < 0)
        return -1;
    message_out_end(&out);
    return 0;
}

static enum session_state
send_open_message(struct session *s, uint32_t number, int fd, uint64_t body_lines)
{
    uint64_t size = maildrop_size(s->maildrop, number);
    char *buf = xmalloc(size < CHUNK ? (size_t)size + 1 : CHUNK);
    ssize_t part = read_part(fd, buf, 0, size);
    enum session_state next = s->state;

    if (part < 0) {
        session_error(s, session_permanent, "the message cannot be read");
    } else if (needs_utf8(s, slice_make(buf, (size_t)part))) {
        session_error(s, "UTF8", "the message needs UTF-8 mode");
    } else {
        session_ok(s, "%llu octets",
                   (unsigned long long)maildrop_message_octets(s->maildrop, number));
        if (send_parts(s, fd, buf, part, size, body_lines) < 0) {
            /* half a message is out: only the end of the connection tells the client */
            log_event(LOG_ERROR, "message_failed", KV_U64("number", number), KV_ERRNO());
            s->end_reason = "message unreadable";
            next = ST_END;
        }
    }
    free(buf);
    return next;
}

static enum session_state
send_message(struct session *s, uint32_t number, uint64_t body_lines)
{
    int fd = maildrop_open_message(s->maildrop, number);
    enum session_state next;

    if (fd < 0) {
        if (errno == ENOENT)
            session_error(s, NULL, "the message is gone: another session removed it");
        else
            session_error(s, session_temporary, "the message cannot be opened");
        return s->state;
    }
    next = send_open_message(s, number, fd, body_lines);
    (void)close(fd);
    return next;
}

static void
note_access(struct session *s, uint32_t number)
{
    if (number > s->last)
        s->last = number;
}

enum session_state
transaction_retr_run(struct session *s, struct slice args)
{
    uint64_t number;
    uint32_t one;

    if (command_numbers(args, 1, 1, &number) < 0)
        return bad_arguments(s, "message");
    one = named_message(s, number);
    if (one == 0)
        return s->state;
    note_access(s, one);
    s->retrieved++;
    stats_add(s->server->count.retrieved, 1);
    maildrop_note_fetched(s->maildrop, one);
    return send_message(s, one, MESSAGE_OUT_ALL);
}

enum session_state
transaction_top_run(struct session *s, struct slice args)
{
    uint64_t numbers[2];
    uint32_t one;

    if (command_numbers(args, 2, 2, numbers) < 0)
        return bad_arguments(s, "message lines");
    one = named_message(s, numbers[0]);
    return one == 0 ? s->state : send_message(s, one, numbers[1]);
}

/* ---- marks ---- */

enum session_state
transaction_dele_run(struct session *s, struct slice args)
{
    uint64_t number;
    uint32_t one;

    if (command_numbers(args, 1, 1, &number) < 0)
        return bad_arguments(s, "message");
    one = named_message(s, number);
    if (one == 0)
        return s->state;
    if (!maildrop_mark(s->maildrop, one)) {
        session_error(s, NULL, "nothing may be removed from this maildrop");
        return s->state;
    }
    note_access(s, one);
    session_ok(s, "message %u marked", one);
    return s->state;
}

enum session_state
transaction_rset_run(struct session *s, struct slice args)
{
    (void)args;
    maildrop_unmark_all(s->maildrop);
    s->last = 0;
    session_ok(s, "maildrop has %u messages (%llu octets)", maildrop_count(s->maildrop),
               (unsigned long long)maildrop_octets(s->maildrop));
    return s->state;
}

enum session_state
transaction_last_run(struct session *s, struct slice args)
{
    (void)args;
    session_ok(s, "%u", s->last);
    return s->state;
}

enum session_state
transaction_noop_run(struct session *s, struct slice args)
{
    (void)args;
    session_ok(s, "still here");
    return s->state;
}

void
transaction_end(struct session *s)
{
    if (s->maildrop != NULL && s->marks_seen && maildrop_mark_seen(s->maildrop) < 0)
        log_event(LOG_WARN, "marking_failed", KV_STR("user", s->user), KV_ERRNO());
}

void
transaction_update(struct session *s)
{
    int64_t removed = maildrop_update(s->maildrop);

    if (removed < 0) {
        log_event(LOG_ERROR, "removal_failed", KV_STR("user", s->user), KV_ERRNO());
        session_error(s, session_temporary, "the marked messages were not removed");
        return;
    }
    s->removed = (uint64_t)removed;
    stats_add(s->server->count.removed, s->removed);
    session_ok(s, "bye (%u messages left)", maildrop_count(s->maildrop));
}
