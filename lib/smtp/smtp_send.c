/*
 * lib/smtp/smtp_send.c - sends one message to some recipients (RFC 5321 section 3.3), pipelined
 * where the server allows it (RFC 2920).
 *
 * 2xx counts as yes, 4xx as later, 5xx as never; no answer, and one that makes no sense, counts as
 * later. The server is untrusted; content is read from one descriptor.
 */
#include "lib/smtp/smtp_send.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/parse.h"
#include "lib/ipc/queue_manager.h"
#include "lib/smtp/smtp_dot.h"
#include "lib/tls/stream.h"

enum {
    BLOCK = 65536,
    GROUP_MAX = 50, /* commands on their way without a look at the replies: a full window on both
                       sides would lock up for good (RFC 2920 section 3.1) */
};

struct transfer {
    struct smtp_client *client;
    const struct smtp_message *message;
    struct smtp_recipient *rcpts;
    size_t count;
    size_t accepted;
    bool utf8;      /* with SMTPUTF8 */
    int64_t now_ms; /* of MAIL, since 1970 */
};

/* ---- verdicts ---- */

static bool
is_open(const struct smtp_recipient *r)
{
    return r->outcome == SMTP_UNTRIED || r->outcome == SMTP_TEMPORARY;
}

static enum smtp_outcome
outcome_of(unsigned code)
{
    switch (code / 100) {
    case 4:
        return SMTP_TEMPORARY;
    case 5:
        return SMTP_PERMANENT;
    case 2:
        return SMTP_DELIVERED;
    default: /* no reply, or one that makes no sense here */
        return SMTP_UNTRIED;
    }
}

static void
conclude(const struct transfer *t, struct smtp_recipient *r, const struct smtp_verdict *verdict)
{
    r->outcome = outcome_of(verdict->code);
    r->verdict = *verdict;
    r->tls = smtp_client_tls_version(t->client);
    (void)snprintf(r->remote, sizeof(r->remote), "%s", smtp_client_peer(t->client)->host);
    (void)snprintf(r->remote_ip, sizeof(r->remote_ip), "%s", smtp_client_peer(t->client)->ip);
}

/* The same verdict for all that are still open; `accepted_only`: of those that RCPT let in. */
static void
conclude_all(struct transfer *t, const struct smtp_verdict *verdict, bool accepted_only)
{
    for (size_t i = 0; i < t->count; i++)
        if (is_open(&t->rcpts[i]) && (!accepted_only || t->rcpts[i].accepted))
            conclude(t, &t->rcpts[i], verdict);
}

/* A verdict of ours about what this server cannot do. */
static void
make_verdict(const struct smtp_client *client, unsigned code, const char *dsn, const char *text,
             struct smtp_verdict *verdict)
{
    const struct smtp_peer *peer = smtp_client_peer(client);

    verdict->code = code;
    (void)snprintf(verdict->dsn, sizeof(verdict->dsn), "%s", dsn);
    (void)snprintf(verdict->text, sizeof(verdict->text), "%s[%s]: %s", peer->host, peer->ip, text);
}

/* ---- what the message needs ---- */

/* The message may be plain and yet go to an address that is not: a forwarding or a group member of
 * somebody else's (RFC 6531 section 3.4). */
static bool
needs_smtputf8(const struct transfer *t)
{
    bool needed = t->message->needs_smtputf8 || !parse_is_ascii(t->message->sender);

    for (size_t i = 0; i < t->count && !needed; i++)
        needed = is_open(&t->rcpts[i]) && !parse_is_ascii(t->rcpts[i].address);
    return needed;
}

static uint64_t
size_of(const struct smtp_message *m)
{
    return m->size + m->prepend.len;
}

static int
check_needs(const struct transfer *t, struct smtp_verdict *verdict)
{
    const struct smtp_client *c = t->client;
    const struct smtp_message *m = t->message;
    uint64_t size_max = smtp_client_size_max(c);
    const struct smtp_terms_refusal *why = smtp_terms_refuse(c, &m->terms, t->now_ms);

    if (t->utf8 && !smtp_client_can(c, SMTP_CAN_SMTPUTF8)) /* RFC 6531 section 3.5 */
        make_verdict(c, 550, "5.6.7", "the server does not take internationalized mail", verdict);
    else if (m->needs_binary &&
             !(smtp_client_can(c, SMTP_CAN_BINARYMIME) && smtp_client_can(c, SMTP_CAN_CHUNKING)))
        make_verdict(c, 550, "5.6.3", "the server does not take binary mail (BINARYMIME)", verdict);
    else if (m->needs_8bit && !smtp_client_can(c, SMTP_CAN_8BITMIME)) /* RFC 6152 section 3 */
        make_verdict(c, 550, "5.6.3", "the server does not take 8-bit mail (8BITMIME)", verdict);
    else if (size_max > 0 && size_of(m) > size_max) /* RFC 1870 section 6.1 */
        make_verdict(c, 552, "5.3.4", "the message is bigger than the server allows", verdict);
    else if (why != NULL)
        make_verdict(c, why->code, why->dsn, why->text, verdict);
    else
        return 0;
    return -1;
}

/* ---- commands ---- */

static void
write_mail(struct transfer *t)
{
    struct stream *s = smtp_client_stream(t->client);
    const struct smtp_client *c = t->client;
    const struct smtp_message *m = t->message;
    unsigned long long size = size_of(m);

    smtp_client_count_mail(t->client);
    /* a failed write sticks in the stream and shows at the next reply */
    (void)stream_printf(s, "MAIL FROM:<%.*s>", (int)m->sender.len, m->sender.ptr);
    if (smtp_client_can(c, SMTP_CAN_SIZE))
        (void)stream_printf(s, " SIZE=%llu", size);
    if (m->needs_binary)
        (void)stream_write(s, SLICE(" BODY=BINARYMIME"));
    else if (m->needs_8bit)
        (void)stream_write(s, SLICE(" BODY=8BITMIME"));
    if (t->utf8)
        (void)stream_write(s, SLICE(" SMTPUTF8"));
    if (m->requiretls && smtp_client_can(c, SMTP_CAN_REQUIRETLS))
        (void)stream_write(s, SLICE(" REQUIRETLS"));
    smtp_terms_write(t->client, &m->terms, t->now_ms);
    if (smtp_client_can(c, SMTP_CAN_DSN) && m->ret != 0)
        (void)stream_printf(s, " RET=%s", m->ret == 1 ? "FULL" : "HDRS");
    if (smtp_client_can(c, SMTP_CAN_DSN) && m->envid.len > 0)
        (void)stream_printf(s, " ENVID=%.*s", (int)m->envid.len, m->envid.ptr);
    (void)stream_write(s, SLICE("\r\n"));
}

static void
write_notify(struct stream *s, uint8_t notify)
{
    static const struct {
        uint8_t bit;
        const char *word;
    } words[] = {{QUEUE_NOTIFY_NEVER, "NEVER"},
                 {QUEUE_NOTIFY_SUCCESS, "SUCCESS"},
                 {QUEUE_NOTIFY_FAILURE, "FAILURE"},
                 {QUEUE_NOTIFY_DELAY, "DELAY"}};
    const char *before = " NOTIFY=";

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (!(notify & words[i].bit))
            continue;
        (void)stream_printf(s, "%s%s", before, words[i].word); /* an error sticks */
        before = ",";
    }
}

static void
write_rcpt(struct transfer *t, struct smtp_recipient *r)
{
    struct stream *s = smtp_client_stream(t->client);
    const struct smtp_terms *terms = &t->message->terms;

    r->accepted = r->left_out = false;
    r->tell_relayed = smtp_terms_are_relayed(t->client, terms, t->now_ms);
    r->dsn_relayed = smtp_client_can(t->client, SMTP_CAN_DSN);
    (void)stream_printf(s, "RCPT TO:<%.*s>", (int)r->address.len, r->address.ptr);
    if (r->dsn_relayed) {
        write_notify(s, smtp_terms_notify(t->client, terms, t->now_ms, r->notify));
        if (r->orcpt.len > 0 && (t->utf8 || parse_is_ascii(r->orcpt)))
            (void)stream_printf(s, " ORCPT=%.*s", (int)r->orcpt.len, r->orcpt.ptr);
    }
    (void)stream_write(s, SLICE("\r\n")); /* an error sticks */
}

/* 552 to RCPT once meant "too many recipients" (RFC 5321 section 4.5.3.1.10): a matter of now. */
static void
take_rcpt_verdict(struct transfer *t, struct smtp_recipient *r, struct smtp_verdict *verdict)
{
    if (verdict->code == 552 && t->accepted > 0) {
        verdict->code = 452;
        (void)snprintf(verdict->dsn, sizeof(verdict->dsn), "4.5.3");
    }
    if (verdict->code / 100 == 2) {
        r->accepted = true;
        t->accepted++;
        return;
    }
    conclude(t, r, verdict);
}

/* The replies to RCPT of rcpts[from..to). 0, or -1: the connection is gone. */
static int
read_rcpt_replies(struct transfer *t, size_t from, size_t to)
{
    int64_t step_ms = smtp_client_timeouts(t->client)->command;
    struct smtp_verdict verdict;

    for (size_t i = from; i < to; i++) {
        if (!is_open(&t->rcpts[i]))
            continue;
        if (smtp_client_reply(t->client, "RCPT TO", step_ms, &verdict) < 0) {
            conclude_all(t, &verdict, false);
            return -1;
        }
        take_rcpt_verdict(t, &t->rcpts[i], &verdict);
    }
    return 0;
}

/* MAIL's reply. 0: go on; -1: no transaction, everybody has this verdict. */
static int
read_mail_reply(struct transfer *t)
{
    struct smtp_verdict verdict;
    int rc = smtp_client_reply(t->client, "MAIL FROM", smtp_client_timeouts(t->client)->command,
                               &verdict);

    if (rc == 0 && verdict.code / 100 == 2)
        return 0;
    conclude_all(t, &verdict, false);
    return -1;
}

/* MAIL and all RCPTs, one by one. */
static int
open_in_steps(struct transfer *t)
{
    write_mail(t);
    if (read_mail_reply(t) < 0)
        return -1;
    for (size_t i = 0; i < t->count; i++) {
        if (!is_open(&t->rcpts[i]))
            continue;
        write_rcpt(t, &t->rcpts[i]);
        if (read_rcpt_replies(t, i, i + 1) < 0)
            return -1;
    }
    return 0;
}

/* Reads replies that count for nothing any more. */
static void
skip_replies(struct smtp_client *client, size_t count)
{
    struct smtp_verdict ignored;

    while (count-- > 0)
        if (smtp_client_reply(client, "RCPT TO", smtp_client_timeouts(client)->command, &ignored) <
            0)
            return;
}

/* The same in groups. The replies to RCPTs behind a refused MAIL are read and count for nothing. */
static int
open_pipelined(struct transfer *t)
{
    write_mail(t);
    for (size_t from = 0; from < t->count; from += GROUP_MAX) {
        size_t to = from + GROUP_MAX < t->count ? from + GROUP_MAX : t->count;
        size_t written = 0;

        for (size_t i = from; i < to; i++) {
            if (!is_open(&t->rcpts[i]))
                continue;
            write_rcpt(t, &t->rcpts[i]);
            written++;
        }
        if (from == 0 && read_mail_reply(t) < 0) {
            if (smtp_client_is_alive(t->client))
                skip_replies(t->client, written);
            return -1;
        }
        if (read_rcpt_replies(t, from, to) < 0)
            return -1;
    }
    return 0;
}

/* ---- content ---- */

/* Lost in the middle of the content: nobody took responsibility. */
static int
lose(struct transfer *t, const char *reason)
{
    struct smtp_verdict verdict;

    make_verdict(t->client, 0, "4.4.2", reason, &verdict);
    conclude_all(t, &verdict, true);
    smtp_client_fail(t->client);
    return -1;
}

static int
write_dotted(struct transfer *t, struct smtp_dot *dot, struct slice input)
{
    struct stream *s = smtp_client_stream(t->client);
    struct slice piece;

    while (smtp_dot_next(dot, &input, &piece))
        if (stream_write(s, piece) != STREAM_OK)
            return lose(t, "connection lost while sending the message");
    return 0;
}

/* Calls out for each block of the content. 0, or -1: the transfer has failed. */
static int
for_each_block(struct transfer *t, int (*out)(struct transfer *, struct smtp_dot *, struct slice),
               struct smtp_dot *dot)
{
    static char block[BLOCK]; /* one message at a time in this process */
    const struct smtp_message *m = t->message;
    uint64_t done = 0;

    if (out(t, dot, m->prepend) < 0)
        return -1;
    while (done < m->size) {
        size_t want = m->size - done < BLOCK ? (size_t)(m->size - done) : BLOCK;
        ssize_t n = pread(m->fd, block, want, m->offset + (off_t)done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) /* a message that is shorter than its envelope says is no message */
            return lose(t, n < 0 ? strerror(errno) : "the message in the queue is too short");
        if (smtp_client_is_late(t->client))
            return lose(t, "the whole conversation took too long");
        if (out(t, dot, slice_make(block, (size_t)n)) < 0)
            return -1;
        done += (uint64_t)n;
    }
    return 0;
}

static int
write_plain(struct transfer *t, struct smtp_dot *dot, struct slice input)
{
    (void)dot;
    if (stream_write(smtp_client_stream(t->client), input) != STREAM_OK)
        return lose(t, "connection lost while sending the message");
    return 0;
}

/* Sent whole: who got no clear answer may have got the message. */
static void
doubt_unanswered(struct transfer *t)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->rcpts[i].accepted && t->rcpts[i].outcome == SMTP_UNTRIED)
            t->rcpts[i].outcome = SMTP_DOUBTFUL;
}

/* LMTP: a reply for each recipient that RCPT let in, in their order (RFC 2033 section 4.2). */
static int
read_final_replies(struct transfer *t, const char *command)
{
    int64_t step_ms = smtp_client_timeouts(t->client)->data_end;
    struct smtp_verdict verdict;
    int rc = 0;

    for (size_t i = 0; i < t->count; i++) {
        bool cut_off = rc < 0; /* by the reply before, a 421, or by the end of the connection */

        if (!t->rcpts[i].accepted || !is_open(&t->rcpts[i]))
            continue;
        if (!cut_off)
            rc = smtp_client_reply(t->client, command, step_ms, &verdict);
        conclude(t, &t->rcpts[i], &verdict);
        if (cut_off)
            t->rcpts[i].outcome = SMTP_UNTRIED;
    }
    return rc;
}

/* The reply that decides about the accepted recipients. */
static int
read_final_reply(struct transfer *t, const char *command)
{
    struct smtp_verdict verdict;
    int rc;

    if (smtp_client_peer(t->client)->is_lmtp) {
        rc = read_final_replies(t, command);
    } else {
        rc = smtp_client_reply(t->client, command, smtp_client_timeouts(t->client)->data_end,
                               &verdict);
        conclude_all(t, &verdict, true);
    }
    doubt_unanswered(t);
    return rc;
}

/* A server that answers DATA with neither 354 nor a refusal has lost count of its replies: what it
 * says from here on belongs to some other command, and above all its 2xx is no receipt. */
static void
refuse_data(struct transfer *t, struct smtp_verdict *verdict)
{
    if (verdict->code != 0 && verdict->code / 100 != 4 && verdict->code / 100 != 5) {
        verdict->code = 0;
        (void)snprintf(verdict->dsn, sizeof(verdict->dsn), "4.5.0");
        smtp_client_fail(t->client);
    }
    conclude_all(t, verdict, true);
}

static int
send_data(struct transfer *t)
{
    struct stream *s = smtp_client_stream(t->client);
    struct smtp_dot dot = {.inside_line = false};
    struct smtp_verdict verdict;

    (void)stream_write(s, SLICE("DATA\r\n")); /* an error sticks */
    if (smtp_client_reply(t->client, "DATA", smtp_client_timeouts(t->client)->data_start,
                          &verdict) < 0 ||
        verdict.code != 354) {
        refuse_data(t, &verdict);
        return -1;
    }
    if (for_each_block(t, write_dotted, &dot) < 0)
        return -1;
    (void)stream_write(s, smtp_dot_end(&dot));
    return read_final_reply(t, "end of DATA");
}

/* RFC 3030 section 2: one chunk, byte for byte. */
static int
send_chunk(struct transfer *t)
{
    unsigned long long size = size_of(t->message);

    (void)stream_printf(smtp_client_stream(t->client), "BDAT %llu LAST\r\n",
                        size); /* an error sticks */
    if (for_each_block(t, write_plain, NULL) < 0)
        return -1;
    return read_final_reply(t, "BDAT");
}

static void
reset(struct smtp_client *client)
{
    struct smtp_verdict ignored;

    (void)stream_write(smtp_client_stream(client), SLICE("RSET\r\n"));
    /* a failure marks the connection, which is all that counts here */
    (void)smtp_client_reply(client, "RSET", smtp_client_timeouts(client)->command, &ignored);
}

/* One transaction. */
static void
send_batch(struct transfer *t)
{
    struct smtp_client *client = t->client;
    struct smtp_verdict verdict;
    int rc;

    t->utf8 = needs_smtputf8(t);
    if (check_needs(t, &verdict) < 0) {
        conclude_all(t, &verdict, false);
        return;
    }
    rc = smtp_client_can(client, SMTP_CAN_PIPELINING) ? open_pipelined(t) : open_in_steps(t);
    if (rc == 0 && t->accepted > 0)
        rc = t->message->needs_binary ? send_chunk(t) : send_data(t);
    if ((rc < 0 || t->accepted == 0) && smtp_client_is_alive(client))
        reset(client);
}

/* As many from the first on as one transaction may have; *open: those of them that it is about. */
static size_t
batch_len(const struct transfer *all, size_t from, size_t *open)
{
    uint32_t limit = smtp_client_limits(all->client)->rcpts;
    size_t at = from;

    *open = 0;
    for (; at < all->count; at++) {
        if (!is_open(&all->rcpts[at]))
            continue;
        if (limit > 0 && *open == limit)
            break;
        ++*open;
    }
    return at - from;
}

/* The session is over before their turn. */
static void
leave_out(struct transfer *t)
{
    struct smtp_verdict verdict;
    bool alive = smtp_client_is_alive(t->client);

    if (alive)
        make_verdict(t->client, 452, "4.5.3", "no more transactions in this session (MAILMAX)",
                     &verdict);
    else
        make_verdict(t->client, 0, "4.4.2", "connection lost", &verdict);
    conclude_all(t, &verdict, false);
    for (size_t i = 0; i < t->count; i++)
        t->rcpts[i].left_out = alive && is_open(&t->rcpts[i]);
}

void
smtp_send(struct smtp_client *client, const struct smtp_message *message,
          struct smtp_recipient *rcpts, size_t count)
{
    const struct transfer all = {
        .client = client, .message = message, .rcpts = rcpts, .count = count};
    size_t len, open;

    for (size_t at = 0; at < count; at += len) {
        struct transfer t = all;

        len = batch_len(&all, at, &open);
        t.rcpts = rcpts + at;
        t.count = len;
        t.now_ms = clock_real_ms();
        if (open == 0)
            continue;
        if (smtp_client_is_alive(client) && smtp_client_takes_mail(client))
            send_batch(&t);
        else
            leave_out(&t);
    }
}
