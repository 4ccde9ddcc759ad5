/*
 * imapd/input.c - reads what belongs to one command off the stream: lines and literals.
 *
 * Input:  bytes from the network. Untrusted. What a command may hold is bounded by command_max,
 * each wait by a deadline. A bare LF ends no line; the parser then finds it in the text.
 */
#include "imapd/input.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "imapd/append_args.h"
#include "imapd/metadata_args.h"
#include "imapd/metadata_place.h"
#include "imapd/wait.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"

enum {
    CHUNK = 4096,                     /* bytes of a line taken at a time */
    PIECE = 16384,                    /* bytes of a literal taken at a time */
    COMMAND_MAX_BEFORE_LOGIN = 20480, /* AUTHENTICATE with an initial response fits */
    LITERAL_MINUS_MAX = 4096          /* RFC 7888 section 5 */
};
static const uint64_t swallow_max = 16u << 20; /* of a literal that we do not want */

int64_t
input_deadline(const struct session *s)
{
    if (s->state == STATE_NOT_AUTHENTICATED)
        return s->login_deadline;
    return clock_mono_ms() + s->server->settings.autologout_ms;
}

static bool
over(struct session *s, enum stream_status status)
{
    if (status == STREAM_TIMEOUT)
        wait_end_late(s);
    return false;
}

/* Appends a line with its CRLF. `too_long` is set when it does not fit; the rest is then unread. */
static bool
append_line(struct session *s, size_t max, int64_t deadline, struct strbuf *out, bool *too_long)
{
    size_t start = out->len;

    *too_long = false;
    for (;;) {
        struct slice part;
        enum stream_status status = stream_read_line(s->stream, CHUNK, deadline, &part);

        if (status != STREAM_OK && status != STREAM_TOO_LONG)
            return over(s, status);
        if (out->len - start + part.len > max || !strbuf_append(out, part)) {
            *too_long = true;
            return true;
        }
        if (status == STREAM_OK && out->len - start >= 2 && strbuf_ends_with(out, "\r\n"))
            return true;
    }
}

bool
input_read_line(struct session *s, size_t max, int64_t deadline_mono_ms, struct strbuf *out)
{
    bool too_long;

    if (!append_line(s, max, deadline_mono_ms, out, &too_long))
        return false;
    if (too_long) {
        session_bye(s, "Line too long");
        return false;
    }
    strbuf_truncate(out, out->len - 2);
    return true;
}

bool
input_literal_is_allowed(const struct session *s, const struct parser_literal *literal)
{
    return !s->server->settings.literal_minus || !literal->non_sync ||
           literal->size <= LITERAL_MINUS_MAX;
}

void
input_go_ahead(struct session *s)
{
    (void)stream_write(s->stream, SLICE("+ OK\r\n")); /* an error shows at the next read */
}

/* Clients write a literal and the line end behind it in two steps, and their kernels hold the
 * second back until we have acknowledged the first (Nagle): without this each APPEND takes 40 ms.
 */
static void
acknowledge_now(struct session *s)
{
    const int on = 1;

    if (!stream_has_input(s->stream)) /* a failure costs time alone */
        (void)setsockopt(stream_fd(s->stream), IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
}

bool
input_stream(struct session *s, uint64_t size, bool (*take)(void *arg, struct slice piece),
             void *arg)
{
    bool wanted = true;

    while (size > 0) {
        int64_t deadline = clock_mono_ms() + s->server->settings.transfer_timeout_ms;
        struct slice piece;
        enum stream_status status =
            stream_read_some(s->stream, size < PIECE ? (size_t)size : PIECE, deadline, &piece);

        if (status != STREAM_OK)
            return over(s, status);
        size -= piece.len;
        wanted = wanted && take(arg, piece);
    }
    acknowledge_now(s);
    return true;
}

static bool
drop_piece(void *arg, struct slice piece)
{
    (void)arg;
    (void)piece;
    return true;
}

bool
input_swallow(struct session *s, uint64_t size)
{
    if (size > swallow_max) { /* RFC 7888 section 4: the other choice */
        session_bye(s, "[TOOBIG] Literal is too large");
        return false;
    }
    return input_stream(s, size, drop_piece, NULL);
}

bool
input_finish_command(struct session *s, bool *empty)
{
    struct strbuf line = strbuf_new(CHUNK);
    struct parser_literal literal;
    bool alive, more = true;

    *empty = true;
    do {
        strbuf_clear(&line);
        alive = input_read_line(s, CHUNK, input_deadline(s), &line);
        *empty = *empty && line.len == 0;
        more = alive && parser_literal_at_end(strbuf_slice(&line), &literal) && literal.non_sync;
        if (more)
            alive = input_swallow(s, literal.size);
    } while (more && alive);
    strbuf_free(&line);
    return alive;
}

static bool
append_piece(void *arg, struct slice piece)
{
    return strbuf_append(arg, piece);
}

/* Answers a command that is too large to be held; the tag is known if the beginning was sane. */
static enum input_status
refuse(struct session *s, const char *text)
{
    struct parser p = parser_begin(strbuf_slice(&s->command), &s->arena);
    struct slice tag;

    if (parser_tag(&p, &tag))
        (void)stream_printf(s->stream, "%.*s BAD [TOOBIG] %s\r\n", (int)tag.len, tag.ptr, text);
    else
        (void)stream_printf(s->stream, "* BAD %s\r\n", text);
    s->errors++;
    return INPUT_REFUSED;
}

/* RFC 5464 section 4.3: a value that is too long is refused, it is no mistake. */
static enum input_status
refuse_value(struct session *s)
{
    struct parser p = parser_begin(strbuf_slice(&s->command), &s->arena);
    struct slice tag;

    if (parser_tag(&p, &tag)) /* it was parsed before */
        (void)stream_printf(s->stream, "%.*s NO [METADATA MAXSIZE %zu] Value is too long\r\n",
                            (int)tag.len, tag.ptr, metadata_place_value_max(s)); /* sticks */
    return INPUT_REFUSED;
}

/* A literal of `size` bytes does not fit. */
static enum input_status
refuse_literal(struct session *s, const struct parser_literal *literal)
{
    bool alive = true, empty;

    if (literal->non_sync)
        alive = input_swallow(s, literal->size) && input_finish_command(s, &empty);
    if (alive && metadata_args_is_set(strbuf_slice(&s->command), &s->arena))
        return refuse_value(s);
    return alive ? refuse(s, "Literal is too large here") : INPUT_END;
}

static size_t
command_max(const struct session *s)
{
    size_t max = s->server->settings.command_max;

    if (s->state != STATE_NOT_AUTHENTICATED || max < COMMAND_MAX_BEFORE_LOGIN)
        return max;
    return COMMAND_MAX_BEFORE_LOGIN;
}

/* One line of the command, and the literal behind it. *more: the command goes on. */
static enum input_status
read_part(struct session *s, int64_t deadline, bool *more)
{
    size_t max = command_max(s);
    struct parser_literal literal;
    bool too_long;

    *more = false;
    if (!append_line(s, max - s->command.len, deadline, &s->command, &too_long))
        return INPUT_END;
    if (too_long) {
        (void)refuse(s, "Command line is too long");
        session_bye(s, "Command line is too long");
        return INPUT_END;
    }
    strbuf_truncate(&s->command, s->command.len - 2);
    if (!parser_literal_at_end(strbuf_slice(&s->command), &literal))
        return INPUT_COMMAND;
    if (s->state != STATE_NOT_AUTHENTICATED &&
        append_args_end_in_message(strbuf_slice(&s->command), s->state == STATE_SELECTED,
                                   session_takes_utf8(s), &s->arena))
        return INPUT_COMMAND;
    (void)strbuf_str(&s->command, "\r\n"); /* fits: it was there before */
    if (literal.size > max - s->command.len || !input_literal_is_allowed(s, &literal))
        return refuse_literal(s, &literal);
    if (!literal.non_sync)
        input_go_ahead(s);
    *more = true;
    return input_stream(s, literal.size, append_piece, &s->command) ? INPUT_COMMAND : INPUT_END;
}

enum input_status
input_read_command(struct session *s)
{
    int64_t deadline = input_deadline(s);
    enum input_status status;
    bool more;

    s->command.max = command_max(s);
    if (!wait_for_client(s, deadline, false))
        return INPUT_END;
    do {
        status = read_part(s, deadline, &more);
        deadline = s->state == STATE_NOT_AUTHENTICATED
                       ? s->login_deadline
                       : clock_mono_ms() + s->server->settings.transfer_timeout_ms;
    } while (status == INPUT_COMMAND && more);
    return status;
}
