/*
 * imapd/append_job.c - messages from the client straight into the store.
 *
 * Input:  arguments and message text. Untrusted. The text goes to the file as it comes; a NUL where
 *         none may be or a message over append_max costs the command, not the session.
 */
#include "imapd/append_job.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "imapd/append_url.h"
#include "imapd/message_limit.h"
#include "imapd/room.h"
#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/log/log.h"
#include "lib/mail/binary_encode.h"

enum { MESSAGES_MAX = 10000 /* in one command */ };

static const struct reply go_on = {.kind = REPLY_OK};
static const struct reply connection_over = {.kind = REPLY_SENT};

static struct reply
reply_append_errno(void)
{
    return errno == ENOENT ? reply_no("TRYCREATE", "No such mailbox") : reply_errno();
}

static struct reply
reply_too_big(void)
{
    return reply_no("TOOBIG", "Message is too large");
}

struct reply
append_job_begin(struct append_job *job, struct session *s, struct parser *p, struct slice folder)
{
    *job = (struct append_job){.s = s, .text = append_text_begin(s, p), .folder = folder};
    if (place_find(s, folder, RIGHT_INSERT, &job->target) == 0)
        job->append = mailbox_append_begin(job->target.store, job->target.name);
    return job->append == NULL ? reply_append_errno() : room_check(s, &job->target);
}

/* ---- one message ---- */

/* The literal that the parser stands at, and the line behind it. */
static struct reply
take_literal(struct append_job *job, bool is_8)
{
    struct append_text *text = &job->text;

    if (!append_text_announced(text, is_8))
        return reply_bad(text->p->error);
    if (text->literal.size > job->sink.max - job->sink.size)
        return reply_too_big();
    if (!append_text_receive(text, append_sink_write, &job->sink) || !append_text_next_line(text))
        return connection_over;
    return go_on;
}

/* RFC 6855: the literal8 stands in parentheses. */
static struct reply
take_utf8(struct append_job *job)
{
    struct reply reply = take_literal(job, true);

    if (reply.kind == REPLY_OK && !parser_char(job->text.p, ')'))
        return reply_bad(job->text.p->error);
    return reply;
}

/* The bytes of a message that we have, or of a part of one. */
static struct reply
take_url(struct append_job *job)
{
    struct append_text *text = &job->text;
    struct slice url;

    if (!append_url_parse(text, &url))
        return text->p->error == NULL ? connection_over : reply_bad(text->p->error);
    if (append_url_copy(job->s, url, &job->sink))
        return go_on;
    if (job->sink.too_big || job->sink.error != 0)
        return go_on; /* found out below */
    strbuf_clear(&job->s->code);
    append_url_code(url, &job->s->code);
    return reply_no(strbuf_cstr(&job->s->code), "This URL is no message that can be read");
}

static struct reply
take_parts(struct append_job *job)
{
    struct parser *p = job->text.p;
    struct reply reply;
    enum append_part part;

    do {
        if (!append_args_parse_part(p, &part))
            return reply_bad(p->error);
        if (part == APPEND_PART_URL)
            reply = take_url(job);
        else
            reply = part == APPEND_PART_UTF8 ? take_utf8(job) : take_literal(job, false);
        if (reply.kind != REPLY_OK)
            return reply;
        if (job->sink.too_big)
            return reply_too_big();
    } while (parser_optional(p, ' '));
    return parser_char(p, ')') ? go_on : reply_bad(p->error);
}

static struct reply
take_data(struct append_job *job, enum append_data data)
{
    switch (data) {
    case APPEND_UTF8:
        return take_utf8(job);
    case APPEND_CATENATE:
        return take_parts(job);
    case APPEND_LITERAL:
    case APPEND_LITERAL8:
        break;
    }
    return take_literal(job, data == APPEND_LITERAL8);
}

/* A message with binary parts is kept in a form that every client can fetch. */
static struct reply
encode_binary(struct append_job *job)
{
    struct strbuf out = strbuf_new(BINARY_ENCODE_MAX((size_t)job->sink.size));
    struct strbuf in = strbuf_new((size_t)job->sink.size);
    struct reply reply = go_on;

    strbuf_grew(&in, (size_t)(strbuf_room(&in, in.max) == NULL ? 0 : in.max));
    if (in.len == 0 || pread_exact(job->sink.fd, in.ptr, in.len, 0) < 0)
        reply = reply_errno();
    else if (!binary_encode(strbuf_slice(&in), &out))
        reply = reply_no("UNKNOWN-CTE", "NUL bytes where no encoding can hold them");
    else if (ftruncate(job->sink.fd, 0) < 0 || pwrite_all(job->sink.fd, strbuf_slice(&out), 0) < 0)
        reply = reply_append_errno();
    job->sink.size = out.len;
    strbuf_free(&in);
    strbuf_free(&out);
    return reply;
}

/* What the bytes turned out to be. */
static struct reply
check_message(struct append_job *job, enum append_data data)
{
    const struct append_sink *sink = &job->sink;

    if (sink->too_big)
        return reply_too_big();
    errno = sink->error;
    if (sink->error != 0)
        return reply_append_errno();
    if (sink->size == 0) /* RFC 3502: so a client cancels */
        return reply_no("CANNOT", "Empty message");
    if (sink->header_has_8bit && !session_takes_utf8(job->s) &&
        job->s->server->settings.utf8_accept) /* RFC 6855 section 4 */
        return reply_no("CANNOT", "Enable UTF8=ACCEPT to append an internationalized header");
    if (!sink->has_nul)
        return go_on;
    if (data != APPEND_LITERAL8)
        return reply_no("CANNOT", "NUL bytes are not allowed in a message");
    return encode_binary(job);
}

struct reply
append_job_message(struct append_job *job)
{
    struct append_args args;
    struct reply reply;
    int fd;

    if (!append_args_parse(job->text.p, &args))
        return reply_bad(job->text.p->error);
    if (job->count == message_limit_save(job->s))
        return message_limit_refuse(job->s, message_limit_save(job->s), 0);
    if (job->count == MESSAGES_MAX)
        return reply_no("LIMIT", "Too many messages in one command");
    if (args.flags.too_many)
        return reply_no("LIMIT", "Too many keywords");
    fd = mailbox_append_fd(job->append);
    if (fd < 0)
        return reply_append_errno();
    job->sink = append_sink_begin(fd, job->s->server->settings.append_max);
    reply = take_data(job, args.data);
    if (reply.kind == REPLY_OK)
        reply = check_message(job, args.data);
    if (reply.kind != REPLY_OK)
        return reply;
    /* Flags that the rights do not allow are left out (RFC 4314 section 4). */
    if (mailbox_append_message(
            job->append, place_flags_allowed(job->target.rights, args.flags.flags),
            args.flags.keywords,
            (job->target.rights & RIGHT_WRITE) != 0 ? args.flags.keyword_count : 0,
            args.has_date ? args.internal_ms : clock_real_ms()) < 0)
        return reply_append_errno();
    job->bytes += job->sink.size;
    job->count++;
    return go_on;
}

/* ---- all of them ---- */

struct reply
append_job_commit(struct append_job *job, struct mailbox_uids *uids)
{
    if (mailbox_append_commit(&job->append, uids) < 0)
        return reply_append_errno();
    stats_add(job->s->server->counters.messages_appended, job->count);
    log_event(LOG_INFO, "append", KV_SLICE("folder", job->folder), KV_U64("uid", uids->uids[0]),
              KV_U64("messages", job->count), KV_U64("size", job->bytes));
    return go_on;
}

struct reply
append_job_end(struct append_job *job, struct reply reply)
{
    if (job->append != NULL)
        mailbox_append_abort(&job->append);
    if (reply.kind == REPLY_SENT || reply.kind == REPLY_OK)
        return reply;
    if (append_text_is_overlong(&job->text)) /* whatever else is wrong (RFC 7888 section 5) */
        reply = (struct reply){REPLY_BAD, "TOOBIG", "Literal is too large here"};
    return append_text_abandon(&job->text) ? reply : connection_over;
}

struct reply
append_job_refuse(struct session *s, struct parser *p, struct reply reply)
{
    struct append_job job = {.s = s, .text = append_text_begin(s, p)};

    return append_job_end(&job, reply);
}

bool
append_job_code(const struct append_job *job, const struct mailbox_uids *uids, struct strbuf *out)
{
    if ((job->target.rights & RIGHT_READ) == 0)
        return false;
    (void)strbuf_printf(out, "APPENDUID %u ", uids->uidvalidity);
    seqset_write(uids->uids, uids->count, out);
    return true;
}
