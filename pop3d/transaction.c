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

#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/ipc/authd_call.h"
#include "lib/log/log.h"
#include "pop3d/message_out.h"

#define OCTETS_TEXT "+OK 18446744073709551615 octets\r\n"
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

/* As session_ok, quicker: this goes out as often as messages do. */
static void
put_octets(struct session *s, uint64_t octets)
{
    struct strbuf text = strbuf_new(sizeof(OCTETS_TEXT));

    (void)(strbuf_str(&text, "+OK ") && strbuf_u64(&text, octets) &&
           strbuf_str(&text, " octets\r\n"));           /* it fits */
    (void)stream_write(s->stream, strbuf_slice(&text)); /* an error sticks */
    strbuf_free(&text);
}

static void
write_to_stream(void *arg, struct slice bytes)
{
    (void)stream_write(arg, bytes); /* an error sticks */
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

/* Sends a message whose first part has been read. 0, or -1 with errno. */
static int
send_parts(struct session *s, uint64_t body_lines)
{
    struct message_out out = message_out_begin(write_to_stream, s->stream, body_lines);

    while (s->in.part.len > 0 && message_out_feed(&out, s->in.part))
        if (message_in_next(&s->in) < 0)
            return -1;
    message_out_end(&out);
    return 0;
}

static enum session_state
send_open_message(struct session *s, uint32_t number, uint64_t body_lines)
{
    if (needs_utf8(s, s->in.part)) {
        session_error(s, "UTF8", "the message needs UTF-8 mode");
        return s->state;
    }
    put_octets(s, maildrop_message_octets(s->maildrop, number));
    if (send_parts(s, body_lines) == 0)
        return s->state;
    /* half a message is out: only the end of the connection tells the client */
    log_event(LOG_ERROR, "message_failed", KV_U64("number", number), KV_ERRNO());
    s->end_reason = "message unreadable";
    return ST_END;
}

/* RFC 3206 sections 3 and 4 on which is which. */
static enum session_state
tell_unopened(struct session *s)
{
    switch (errno) {
    case ENOENT:
        session_error(s, NULL, "the message is gone: another session removed it");
        return s->state;
    case EBADMSG:
        session_error(s, session_permanent, "the message cannot be read");
        return s->state;
    case EREMOTE: /* a new session finds it in its new place */
        session_error(s, session_temporary, "the maildrop was moved: log in again");
        s->end_reason = "maildrop moved";
        return ST_END;
    default:
        session_error(s, session_temporary, "the message cannot be opened");
        return s->state;
    }
}

static enum session_state
send_message(struct session *s, uint32_t number, uint64_t body_lines)
{
    enum session_state next;

    if (message_in_open(&s->in, s->maildrop, number) < 0)
        return tell_unopened(s);
    next = send_open_message(s, number, body_lines);
    message_in_close(&s->in);
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
    s->in_order = one == s->last_retrieved + 1;
    s->last_retrieved = one;
    return send_message(s, one, MESSAGE_OUT_ALL);
}

void
transaction_before_wait(struct session *s)
{
    uint32_t next = s->last_retrieved + 1;

    if (!s->in_order || !maildrop_has(s->maildrop, next))
        return;
    (void)stream_flush(s->stream); /* the client reads meanwhile; an error sticks */
    message_in_ahead(&s->in, s->maildrop, next);
    s->in_order = false; /* once is enough */
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
    authd_tell_removed(s->pool->auth,
                       &(struct authd_removed){.folder = SLICE("INBOX"),
                                               .messages = (uint32_t)removed,
                                               .bytes = maildrop_removed_bytes(s->maildrop)});
    stats_add(s->server->count.removed, s->removed);
    session_ok(s, "bye (%u messages left)", maildrop_count(s->maildrop));
}
