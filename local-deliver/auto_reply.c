/*
 * local-deliver/auto_reply.c - answers mail for users who are away.
 *
 * Reads the header of a message that was just delivered: a stranger's. Who gets the reply is not
 * decided here but by queue-manager, which knows the sender.
 */
#include "local-deliver/auto_reply.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/crc32c.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/accountd.h"
#include "lib/ipc/client.h"
#include "lib/log/log.h"
#include "lib/mail/auto_reply.h"
#include "lib/mail/header.h"
#include "lib/mail/template_file.h"
#include "lib/store/reply_memory.h"

#define HEADER_MAX 65536u
#define TEXT_MAX 16384u
#define ASK_TIMEOUT_MS 2000

void
auto_replies_load(struct auto_replies *a, const struct daemon *d)
{
    *a = (struct auto_replies){
        .hostname = conf_str(d->conf, SYSTEM_HOSTNAME),
        .period_ms = (int64_t)conf_u64(d->conf, LOCAL_AUTO_REPLY_INTERVAL),
        .sent = stats_counter(d->stats, "auto_replies"),
    };
    template_file_load(d->inst.etc, conf_str(d->conf, SYSTEM_TEMPLATE_LANGUAGE),
                       TEMPLATE_AUTO_REPLY, &a->wording);
}

/* The header section, or nothing where it is too long to be one to answer. */
static int
read_header(const struct auto_reply_case *c, struct strbuf *header)
{
    size_t want = c->job->content_size < HEADER_MAX ? (size_t)c->job->content_size : HEADER_MAX;
    char *room = strbuf_room(header, want);
    size_t len;

    if (room == NULL || pread_exact(c->fd, room, want, 0) < 0)
        return -1;
    strbuf_grew(header, want);
    len = header_section_len(strbuf_slice(header), 0);
    strbuf_truncate(header, len);
    errno = EMSGSIZE;
    return len > 0 ? 0 : -1;
}

/* The user's own words, in which "\\n" is a line end, or the template's. */
static void
put_text(const struct auto_replies *a, const struct auto_reply_case *c,
         const struct accountd_auto_reply_reply *answer, struct strbuf *out)
{
    struct slice rest = answer->text;
    const struct template_value values[] = {
        {"address", c->rcpt->address},
        {"full_name", answer->full_name.len > 0 ? answer->full_name : c->rcpt->address},
        {"until", answer->until},
        {"hostname", slice_of(a->hostname)},
    };

    if (rest.len == 0)
        (void)template_fill(a->wording.body, values, ARRAY_LEN(values), out);
    for (size_t i = 0; i < rest.len; i++) {
        bool is_end = rest.ptr[i] == '\\' && i + 1 < rest.len && rest.ptr[i + 1] == 'n';

        (void)(is_end ? strbuf_str(out, "\r\n") : strbuf_char(out, rest.ptr[i]));
        i += is_end;
    }
}

static void
write_reply(const struct auto_replies *a, const struct auto_reply_case *c, struct slice header,
            const struct accountd_auto_reply_reply *answer, struct strbuf *frames)
{
    struct strbuf text = strbuf_new(TEXT_MAX), message = strbuf_new(QUEUE_REPLY_MAX);
    char *id = xasprintf("%.*s.%08x@%s", (int)c->job->queue_id.len, c->job->queue_id.ptr,
                         crc32c(0, c->rcpt->address), a->hostname);

    put_text(a, c, answer, &text);
    auto_reply_write(&(const struct auto_reply){.from = c->rcpt->address,
                                                .full_name = answer->full_name,
                                                .to = c->job->sender,
                                                .header = header,
                                                .no_subject = a->wording.subject,
                                                .text = strbuf_slice(&text),
                                                .message_id = id,
                                                .now_ms = clock_real_ms()},
                     &message);
    if (!message.overflow &&
        queue_reply_encode(frames, &(const struct queue_reply){c->job->job_id, c->rcpt->index,
                                                               strbuf_slice(&message)}) == 0) {
        stats_add(a->sent, 1);
        log_event(LOG_INFO, "auto_reply", KV_SLICE("queue_id", c->job->queue_id),
                  KV_SLICE("rcpt", c->rcpt->address), KV_SLICE("to", c->job->sender));
    }
    xfree(&id);
    strbuf_free(&text);
    strbuf_free(&message);
}

/* 1: a reply is wanted; 0: not; -1: no answer. The slices borrow from the client. */
static int
ask(struct ipc_client *accounts, struct slice user, struct slice header,
    struct accountd_auto_reply_reply *answer)
{
    struct strbuf named = strbuf_new(ACCOUNTD_NAMED_MAX),
                  frame = strbuf_new((size_t)ACCOUNTD_NAMED_MAX * 2);
    struct ipc_reply reply;
    int rc = -1;

    auto_reply_named(header, &named);
    if (named.len == 0)
        rc = 0;
    else if (accountd_auto_reply_encode(
                 &frame, &(const struct accountd_auto_reply){user, strbuf_slice(&named)}) == 0 &&
             ipc_client_call(accounts, &frame, -1, ASK_TIMEOUT_MS, &reply) == 0) {
        close_keep_errno(reply.fd);
        if (reply.type == ACCOUNTD_AUTO_REPLY_REPLY &&
            accountd_auto_reply_reply_decode(reply.payload, answer) == 0)
            rc = answer->wanted;
    }
    strbuf_free(&named);
    strbuf_free(&frame);
    return rc;
}

static void
withhold(const struct auto_reply_case *c, enum log_level level, const char *why)
{
    log_event(level, "auto_reply_withheld", KV_SLICE("queue_id", c->job->queue_id),
              KV_SLICE("rcpt", c->rcpt->address), KV_STR("reason", why));
}

/* What the memory says of it; NULL: go on. */
static const char *
turn_refusal(enum reply_turn turn)
{
    switch (turn) {
    case REPLY_TOLD:
        return "the sender has had one";
    case REPLY_FULL:
        return "too many have had one";
    case REPLY_FAILED:
        return "who has had one cannot be read";
    case REPLY_FIRST:
    case REPLY_AGAIN:
        break;
    }
    return NULL;
}

/* `mail_fd` and `header` are there. */
static bool
consider(const struct auto_replies *a, struct ipc_client *accounts, const struct auto_reply_case *c,
         int mail_fd, struct slice header, struct strbuf *frames)
{
    struct strbuf kept = strbuf_new(REPLY_MEMORY_BYTES);
    struct accountd_auto_reply_reply answer;
    int64_t now_ms = clock_real_ms();
    const char *why = auto_reply_refusal(header, c->job->sender, c->rcpt->address);
    enum reply_turn turn = REPLY_FIRST;
    int wanted = 0;

    if (why == NULL) {
        turn = reply_memory_look(mail_fd, c->job->sender, c->job->queue_id, now_ms, a->period_ms,
                                 &kept);
        why = turn_refusal(turn);
    }
    if (why == NULL) {
        wanted = ask(accounts, c->rcpt->address, header, &answer);
        if (wanted <= 0)
            why = wanted == 0 ? "the user is not named as a recipient" : "accountd gave no answer";
    }
    if (why == NULL && turn == REPLY_FIRST &&
        reply_memory_note(mail_fd, c->job->sender, c->job->queue_id, now_ms, &kept) < 0)
        why = "it cannot be noted";
    if (why == NULL)
        write_reply(a, c, header, &answer, frames);
    else
        withhold(c, LOG_INFO, why);
    strbuf_free(&kept);
    return wanted >= 0;
}

bool
auto_reply_consider(const struct auto_replies *a, const struct store_dirs *dirs,
                    struct ipc_client *accounts, const struct auto_reply_case *c,
                    struct strbuf *frames)
{
    struct strbuf header = strbuf_new(HEADER_MAX);
    int mail_fd = store_dirs_open_mail(dirs, c->rcpt->path, O_RDONLY);
    bool asked = true;

    if (mail_fd < 0 || read_header(c, &header) < 0)
        withhold(c, LOG_INFO, mail_fd < 0 ? "the mailbox is gone" : "its header cannot be read");
    else
        asked = consider(a, accounts, c, mail_fd, strbuf_slice(&header), frames);
    close_keep_errno(mail_fd);
    strbuf_free(&header);
    return asked;
}
