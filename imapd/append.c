/*
 * imapd/append.c - APPEND: a message from the client straight into the store.
 *
 * Input:  arguments and message text. Untrusted. The text goes to the file as it comes, byte for
 *         byte; a NUL in it or a message over append_max costs the message, not the session.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "imapd/append_args.h"
#include "imapd/command.h"
#include "imapd/input.h"
#include "imapd/places.h"
#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/log/log.h"

struct transfer_state {
    int fd;
    int error;    /* errno of a write */
    bool has_nul; /* RFC 3501 section 9: CHAR8 */
};

static bool
write_piece(void *arg, struct slice piece)
{
    struct transfer_state *t = arg;

    t->has_nul = memchr(piece.ptr, '\0', piece.len) != NULL;
    if (!t->has_nul && write_all(t->fd, piece) < 0)
        t->error = errno;
    return !t->has_nul && t->error == 0;
}

/* What stands in the way is told before the client sends the message, if it asks. */
static struct reply
refuse(struct session *s, const struct append_args *args, struct reply reply)
{
    bool alive = true, ends;

    if (args->message.non_sync)
        alive = input_swallow(s, args->message.size) && input_finish_command(s, &ends);
    return alive ? reply : (struct reply){.kind = REPLY_SENT};
}

/* The literal, and the CRLF behind it. False: the connection is over. */
static bool
receive(struct session *s, const struct append_args *args, struct transfer_state *t, bool *ends)
{
    if (!args->message.non_sync)
        input_go_ahead(s);
    return input_stream(s, args->message.size, write_piece, t) && input_finish_command(s, ends);
}

static struct reply
reply_append_errno(void)
{
    return errno == ENOENT ? reply_no("TRYCREATE", "No such mailbox") : reply_errno();
}

static struct reply
commit(struct session *s, const struct append_args *args, struct mailbox_append **append)
{
    int64_t when = args->has_date ? args->internal_ms : clock_real_ms();
    struct mailbox_uids uids = {.uids = NULL};

    if (mailbox_append_message(*append, args->flags.flags, args->flags.keywords,
                               args->flags.keyword_count, when) < 0)
        return reply_append_errno();
    if (mailbox_append_commit(append, &uids) < 0)
        return reply_append_errno();
    stats_add(s->server->counters.messages_appended, 1);
    (void)strbuf_printf(&s->code, "APPENDUID %u %u", uids.uidvalidity, uids.uids[0]);
    log_event(LOG_INFO, "append", KV_SLICE("folder", args->mailbox), KV_U64("uid", uids.uids[0]),
              KV_U64("size", args->message.size));
    free(uids.uids);
    return (struct reply){REPLY_OK, strbuf_cstr(&s->code), "Append completed"};
}

static struct reply
transfer(struct session *s, const struct append_args *args, struct mailbox_append **append)
{
    struct transfer_state t = {.fd = mailbox_append_fd(*append)};
    bool ends;

    if (!receive(s, args, &t, &ends))
        return (struct reply){.kind = REPLY_SENT};
    if (!ends)
        return reply_bad("Unexpected text behind the message");
    if (t.has_nul)
        return reply_no("CANNOT", "NUL bytes are not allowed in a message");
    if (t.error != 0) {
        errno = t.error;
        return reply_append_errno();
    }
    return commit(s, args, append);
}

struct reply
append_append(struct session *s, struct parser *p, unsigned flags)
{
    struct mailbox_append *append;
    struct append_args args;
    struct target target;
    struct reply reply;

    (void)flags;
    if (!append_args_parse(p, &args))
        return reply_bad(p->error);
    if (args.message.size > s->server->settings.append_max)
        return refuse(s, &args, reply_no("TOOBIG", "Message is too large"));
    if (args.message.size == 0)
        return refuse(s, &args, reply_no("CANNOT", "Empty message"));
    append = place_find(s, args.mailbox, RIGHT_INSERT, &target) < 0
                 ? NULL
                 : mailbox_append_begin(target.store, target.name);
    if (append == NULL)
        return refuse(s, &args, reply_append_errno());
    args.flags.flags = place_flags_allowed(target.rights, args.flags.flags);
    if ((target.rights & RIGHT_WRITE) == 0)
        args.flags.keyword_count = 0;
    reply = transfer(s, &args, &append);
    if (append != NULL)
        mailbox_append_abort(&append);
    return reply;
}
