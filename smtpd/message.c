/*
 * smtpd/message.c - writes message content into the queue with our trace lines on top.
 *
 * The header section is kept in memory until it is whole (up to smtp.max_header_size), because
 * what goes on top depends on it; the rest streams through. Content is untrusted. Touches the
 * queue's tmp/ and new/ through lib/queue alone. "250 means durable": the reply is made after
 * queue_writer_commit.
 */
#include "smtpd/message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/log/log.h"
#include "lib/mail/header.h"
#include "lib/mail/message_id.h"
#include "smtpd/accounts.h"
#include "smtpd/content.h"
#include "smtpd/filtered.h"
#include "smtpd/message_log.h"
#include "smtpd/sender.h"
#include "smtpd/session.h"
#include "smtpd/trace.h"
#include "smtpd/xclient.h"

enum { FIELDS_MAX = 10000 };    /* header fields that are looked at */
enum { FOOTER_ROOM = 4 << 20 }; /* what a signature adds in all parts, at most */

enum failure {
    FAIL_NONE,
    FAIL_BARE_NEWLINE,
    FAIL_LONG_LINE,
    FAIL_LATER,
    FAIL_NO_SPACE,
    FAIL_QUEUE,
    FAIL_FILTER, /* session's filter.refusal */
    FAIL_FILTERED_BADLY,
    FAIL_LIMIT, /* of the user, or by a setting */
};

static const struct refusal refusals[] = {
    [FAIL_BARE_NEWLINE] = {554, "5.5.2", "bare CR or LF in the message (RFC 5321 2.3.8)"},
    [FAIL_LATER] = {451, "4.3.0", "account database away, try again"},
    [FAIL_NO_SPACE] = {452, "4.3.1", "insufficient system storage, try again later"},
    [FAIL_QUEUE] = {451, "4.3.0", "queue error, try again later"},
    [FAIL_FILTERED_BADLY] = {451, "4.3.0", "a filter made the message unfit, try again later"},
};

struct message {
    struct session *session;
    struct queue_writer *writer;
    char id[QUEUE_ID_SIZE];
    int64_t received_ms;
    struct strbuf head; /* the header section until it is whole; then unused */
    size_t head_searched;
    bool head_written;
    uint64_t size;        /* octets from the client */
    const char *protocol; /* as in our Received field */
    unsigned hops;
    bool header_8bit, tls_optional;
    char *message_id; /* without angle brackets, or NULL: it has none */
    char *subject;    /* as in the header section, with `counted`; or NULL */
    struct content_scan scan;
    enum failure failure;
    const struct refusal *refusal; /* with FAIL_FILTER and FAIL_LIMIT */
    struct answer answer;          /* what that is, with FAIL_LIMIT */
    uint64_t content_start;        /* where it is in the file: behind our lines */
    bool filtered;                 /* it comes from the filters, no longer from the client */
    bool discarded;
    bool caught;                 /* thrown away or put on hold by a filter */
    const struct footer *footer; /* the signature that it may get, or NULL */
    struct strbuf kept;          /* while there is one: all of it so far */
};

/* The first reason counts. The file goes at once: a full disk has its room back. */
static void
fail(struct message *m, enum failure failure)
{
    if (m->failure == FAIL_NONE)
        m->failure = failure;
    queue_writer_abort(&m->writer);
}

/* The user may not send so much, or a setting is against it. */
static void
exceed(struct message *m, const struct refusal *why)
{
    if (m->failure == FAIL_NONE)
        m->refusal = why;
    fail(m, FAIL_LIMIT);
}

static enum failure
failure_of(int error)
{
    return error == ENOSPC || error == EDQUOT ? FAIL_NO_SPACE : FAIL_QUEUE;
}

void
message_refuse_open(struct session *s, int error, bool at_end)
{
    const struct refusal *r = &refusals[failure_of(error)];

    if (error == EMFILE || error == ENFILE)
        session_shut(s, "4.3.2", "system resources exhausted, try again later");
    else if (at_end)
        session_refuse_end(s, r);
    else
        session_reply(s, r->code, r->dsn, "%s", r->text);
}

/* Room for the header section, and for what filters may add to it. */
static size_t
head_max(const struct session *s)
{
    return s->settings->max_header_size + SESSION_READ_MAX +
           (s->filter.on ? FILTERD_PAYLOAD_MAX : 0);
}

const char *
message_id(const struct message *m)
{
    return m->id;
}

uint64_t
message_size(const struct message *m)
{
    return m->size;
}

struct message *
message_open(struct session *s)
{
    struct message *m = xcalloc(1, sizeof(*m));
    int fd = queue_slots_take(s->slots, m->id);

    if (fd < 0) {
        int error = errno;

        log_event(LOG_ERROR, "queue_error", KV_ERRNO());
        xfree(&m);
        errno = error;
        return NULL;
    }
    m->session = s;
    m->received_ms = clock_real_ms();
    m->writer = queue_writer_adopt(s->server->tmp_dirfd, s->server->new_dirfd, m->id, fd);
    m->head = strbuf_new(head_max(s));
    m->footer = footer_for(s);
    if (m->footer != NULL)
        m->kept = strbuf_new(s->settings->footers.max_size);
    return m;
}

static void
write_queue(struct message *m, struct slice content)
{
    if (m->writer != NULL && queue_writer_write(m->writer, content) < 0)
        fail(m, failure_of(errno));
}

/* An address beyond ASCII makes a header one that only SMTPUTF8 may carry (RFC 6531 section 3.1).
 */
static struct slice
user_for_header(const struct session *s)
{
    struct slice user = slice_of(s->auth_user);

    return s->transaction.smtputf8 || parse_is_ascii(user) ? user : SLICE("");
}

static void
fill_trace(const struct message *m, const struct header_summary *summary, struct slice section,
           struct trace *trace)
{
    const struct session *s = m->session;
    const struct tls *tls = stream_tls(s->stream);
    const struct queue_envelope *e = &s->transaction.envelope;
    const struct settings *settings = s->settings;
    struct slice user = user_for_header(s);
    bool submitted = session_submits(s);

    *trace = (struct trace){
        .sender = e->sender,
        .helo = s->helo,
        .client_ip = s->pool->client_ip,
        .tls_version = tls == NULL ? NULL : tls_version(tls),
        .tls_cipher = tls == NULL ? NULL : tls_cipher(tls),
        .hostname = s->settings->hostname,
        .is_extended = s->is_extended,
        .is_lmtp = s->is_lmtp,
        .is_authenticated = s->auth_user != NULL,
        .is_utf8 = s->transaction.smtputf8,
        .queue_id = m->id,
        .recipient = e->rcpt_count == 1 ? e->rcpts[0].address : SLICE(""),
        .received_ms = m->received_ms,
        .priority = e->priority,
        .add_date = submitted && !summary->has_date,
        .add_message_id = submitted && !summary->has_message_id,
        .hides_client = submitted && settings->hide_client_ip,
        .add_originating_ip = submitted && settings->add_originating_ip,
        .auth_user = settings->add_auth_user ? user : SLICE(""),
    };
    if (settings->add_sender_header && user.len > 0 && !summary->has_sender &&
        !sender_is_author(s, section))
        trace->added_sender = user;
}

/* A text that does not begin with a header field must not become part of ours. */
static bool
lacks_header(struct slice head)
{
    struct header_field field;

    return header_next(&head, &field) == HEADER_BODY;
}

static void
check_authors(struct message *m, struct slice section)
{
    struct answer a;
    const struct refusal *why = sender_check_header(m->session, section, &a);
    bool own = m->session->settings->rules.from_must_match_auth;

    if (why != NULL && why->code < 500)
        fail(m, FAIL_LATER);
    else if (why != NULL)
        exceed(m, smtp_refusal(own && why != smtp_refusal(REFUSED_NOT_LOCAL)
                                   ? REFUSED_AUTHOR_NOT_YOURS
                                   : REFUSED_AUTHOR_NOT_LOCAL));
}

/* The header section (the first `len` bytes of the head) is whole: judges it, then writes our
 * lines and all of the head. */
static void
write_head(struct message *m, size_t len)
{
    const struct settings *settings = m->session->settings;
    struct slice head = strbuf_slice(&m->head);
    struct strbuf top = strbuf_new(TRACE_MAX);
    struct header_summary summary;
    struct trace trace;

    header_summarize(slice_sub(head, 0, len), FIELDS_MAX, &summary);
    m->hops = summary.received;
    m->header_8bit = summary.has_8bit;
    m->tls_optional = summary.tls_optional;
    if (len > settings->max_header_size && !m->filtered)
        exceed(m, smtp_refusal(REFUSED_HEADER_SIZE));
    if (settings->max_hops > 0 && m->hops > settings->max_hops)
        exceed(m, smtp_refusal(REFUSED_HOPS));
    check_authors(m, slice_sub(head, 0, len));
    fill_trace(m, &summary, slice_sub(head, 0, len), &trace);
    m->protocol = trace_protocol(&trace);
    trace.add_empty_line = lacks_header(head);
    xfree(&m->message_id);
    m->message_id = trace.add_message_id
                        ? xasprintf("%s@%s", m->id, settings->hostname) /* smtpd/trace.c */
                        : message_log_id(slice_sub(head, 0, len));
    xfree(&m->subject); /* as the filters have made it */
    if (m->session->transaction.counted)
        m->subject = accounts_subject(slice_sub(head, 0, len));
    assert_always(trace_write(&trace, &top)); /* every value in it has a bound */
    m->content_start = top.len;
    write_queue(m, strbuf_slice(&top));
    write_queue(m, head);
    strbuf_free(&top);
    strbuf_free(&m->head);
    m->head_written = true;
}

static void
collect_head(struct message *m, struct slice content)
{
    size_t len;

    if (!strbuf_append(&m->head, content)) {
        exceed(m, smtp_refusal(REFUSED_HEADER_SIZE));
        return;
    }
    len = header_section_len(strbuf_slice(&m->head), m->head_searched);
    m->head_searched = m->head.len;
    if (len > 0)
        write_head(m, len);
    else if (m->head.len > m->session->settings->max_header_size && !m->filtered)
        exceed(m, smtp_refusal(REFUSED_HEADER_SIZE));
}

/* The content as it will be: judged as it comes, and written. */
static void
take(struct message *m, struct slice content)
{
    if (m->failure != FAIL_NONE)
        return;
    content_scan(&m->scan, content);
    if (m->head_written)
        write_queue(m, content);
    else
        collect_head(m, content);
}

/* What was kept for the signature goes on its way, with it where it may have it. */
static void
take_kept(struct message *m, bool is_whole)
{
    struct slice kept = strbuf_slice(&m->kept);
    struct strbuf out = strbuf_new(is_whole ? 2 * kept.len + FOOTER_ROOM : 1);
    bool done = is_whole && footer_insert(kept, m->footer, &out);

    if (is_whole)
        m->size = done ? out.len : kept.len;
    m->footer = NULL;
    take(m, done ? strbuf_slice(&out) : kept);
    strbuf_free(&out);
    strbuf_free(&m->kept);
}

void
message_write(struct message *m, struct slice content)
{
    uint64_t limit = session_size_limit(m->session);
    uint64_t outgoing = m->session->settings->rules.max_outgoing_size;

    m->size += content.len;
    if (limit > 0 && m->size > limit && !m->filtered)
        exceed(m, session_size_refusal(m->session));
    if (outgoing > 0 && m->size > outgoing && m->session->transaction.leaves)
        exceed(m, smtp_refusal(REFUSED_OUTGOING_SIZE));
    if (m->session->transaction.counted && m->size > m->session->transaction.bytes.max)
        exceed(m, accounts_too_large(&m->session->transaction.bytes, &m->answer));
    if (m->footer != NULL && m->failure == FAIL_NONE) {
        if (strbuf_append(&m->kept, content))
            return;
        take_kept(m, false); /* too large for one */
    }
    take(m, content);
}

bool
message_has_failed(const struct message *m)
{
    return m->failure != FAIL_NONE;
}

/* What can only be said of the whole. Binary content has no lines (RFC 3030 section 3). */
static void
judge(struct message *m)
{
    if (m->footer != NULL && m->failure == FAIL_NONE)
        take_kept(m, true);
    content_scan_end(&m->scan);
    if (m->failure == FAIL_NONE && !m->head_written)
        write_head(m, m->head.len);
    if (m->session->transaction.body == BODY_BINARYMIME)
        return;
    if (m->scan.has_bare_cr || m->scan.has_bare_lf)
        fail(m, FAIL_BARE_NEWLINE);
    if (m->scan.longest_line > m->session->settings->max_line)
        fail(m, FAIL_LONG_LINE);
}

static void
complete_envelope(struct message *m)
{
    struct transaction *t = &m->session->transaction;
    struct queue_envelope *e = &t->envelope;

    memcpy(e->id, m->id, sizeof(e->id));
    e->received_ms = m->received_ms;
    e->body_binary = t->body == BODY_BINARYMIME;
    e->body_8bit = m->scan.has_8bit;
    /* needed, not only declared: where addresses and header are ASCII any next hop will do, or any
     * with 8BITMIME (RFC 6531 section 3.4) */
    e->smtputf8 = t->smtputf8 && (m->header_8bit || transaction_is_utf8(t));
    e->auth_user = slice_of(m->session->auth_user);
    e->client = slice_of(m->session->pool->client_ip);
    e->helo = slice_of(m->session->helo);
    e->hops = m->hops;
    e->tls_optional = m->tls_optional && !e->requiretls; /* RFC 8689 section 4.1 */
}

static struct message_log_facts
facts_of(const struct message *m)
{
    return (struct message_log_facts){m->id, m->protocol, m->message_id, m->size};
}

static const struct refusal *
refusal_of(const struct message *m)
{
    if (m->failure == FAIL_LONG_LINE)
        return smtp_refusal(REFUSED_LINE_LENGTH);
    return m->refusal != NULL ? m->refusal : &refusals[m->failure];
}

/* Why it has failed, for the replies. */
static const struct refusal *
note_refusal(struct session *s, const struct message *m)
{
    const struct refusal *r = refusal_of(m);
    const struct message_log_facts facts = facts_of(m);

    message_log_rejected(s, &facts, r);
    s->transaction.untold = false;
    stats_add(s->server->counters.rejected_messages, 1);
    if (m->failure == FAIL_FILTER)
        stats_add(s->server->counters.ports[s->pool->port].filtered, 1);
    return r;
}

void
message_refuse(struct session *s, struct message **mp)
{
    const struct refusal *r = note_refusal(s, *mp);

    if (r->code >= 500)
        session_error(s, r->code, r->dsn, "%s", r->text);
    else
        session_refuse(s, r);
    message_abort(mp);
}

/* ---- filters ---- */

/* The next `size` bytes of the new content. */
static void
copy(struct message *m, int fd, uint64_t from, uint64_t size)
{
    char *buf = xmalloc(SESSION_READ_MAX);

    while (size > 0 && m->failure == FAIL_NONE) {
        size_t step = size < SESSION_READ_MAX ? (size_t)size : SESSION_READ_MAX;

        if (pread_exact(fd, buf, step, (off_t)from) < 0)
            fail(m, FAIL_QUEUE);
        else
            message_write(m, slice_make(buf, step));
        from += step;
        size -= step;
    }
    xfree(&buf);
}

/* Writes the file again from its first line: what stands on top may be another, too. `fd` is the
 * file as it was. */
static void
rewrite(struct message *m, const struct filterd_verdict *v, int fd)
{
    uint64_t start = m->content_start, end = m->content_start + m->size;
    int from = m->session->filter.verdict_fd;
    struct stat st;

    if (queue_writer_restart(m->writer) < 0) {
        fail(m, failure_of(errno));
        return;
    }
    m->filtered = true;
    m->head_written = false;
    m->head = strbuf_new(head_max(m->session));
    m->head_searched = 0;
    m->size = 0;
    m->scan = (struct content_scan){.has_8bit = false};
    if (!v->content_changed)
        copy(m, fd, start, end - start);
    else if (from < 0 || fstat(from, &st) < 0 || (uint64_t)st.st_size < v->header_size ||
             (!v->body_replaced && (v->body_start < start || v->body_start > end)))
        fail(m, FAIL_QUEUE);
    else {
        copy(m, from, 0, v->header_size);
        if (v->body_replaced)
            copy(m, from, v->header_size, (uint64_t)st.st_size - v->header_size);
        else
            copy(m, fd, v->body_start, end - v->body_start);
    }
    judge(m);
    if (m->failure == FAIL_BARE_NEWLINE || m->failure == FAIL_LONG_LINE)
        m->failure = FAIL_FILTERED_BADLY;
}

static void
carry_out(struct message *m, int fd)
{
    struct session *s = m->session;
    const struct filterd_verdict *v = &s->filter.verdict;

    m->discarded = v->action == FILTERD_DISCARD || !filtered_envelope(s, m->id);
    m->caught = m->discarded || v->hold.len > 0;
    if (!m->discarded && (v->content_changed || v->sender_changed))
        rewrite(m, v, fd);
}

/* What the milters and policy services say about the whole of it. */
static void
filter(struct message *m)
{
    struct session *s = m->session;
    int fd = queue_writer_reader(m->writer);

    if (fd < 0) {
        fail(m, failure_of(errno));
        log_event(LOG_ERROR, "queue_error", KV_STR("queue_id", m->id), KV_ERRNO());
        return;
    }
    m->refusal = filter_content(s, fd, m->id, m->content_start, m->size);
    if (m->refusal != NULL) {
        fail(m, FAIL_FILTER);
    } else {
        carry_out(m, fd);
        filter_content_end(s);
    }
    close_keep_errno(fd);
}

/* What a user may send is counted when all else is decided (lib/ipc/accountd.h). */
static void
spend(struct message *m)
{
    const struct refusal *why =
        accounts_spend(m->session, m->size, slice_of(m->subject), &m->answer);

    if (why != NULL)
        exceed(m, why);
}

static void
commit(struct message *m)
{
    struct session *s = m->session;

    complete_envelope(m);
    if (queue_writer_commit(&m->writer, &s->transaction.envelope) == 0)
        return;
    fail(m, failure_of(errno));
    log_event(LOG_ERROR, "queue_error", KV_STR("queue_id", m->id), KV_ERRNO());
    accounts_unspend(s, m->size, slice_of(m->subject), &m->answer);
}

/* To the client it looks like any other. */
static void
tell_accepted(struct session *s, const struct message *m)
{
    const struct port_traffic *port = &s->server->counters.ports[s->pool->port];
    const struct message_log_facts facts = facts_of(m);

    if (m->discarded)
        log_event(LOG_INFO, "discarded", KV_STR("queue_id", m->id),
                  KV_SLICE("from", s->transaction.envelope.sender), KV_U64("size", m->size));
    else
        message_log_received(s, &facts); /* before anybody else has a line about it */
    s->transaction.untold = false;
    xclient_log_forwarded(s, m->id);
    if (!m->discarded)
        queue_trigger(s->server->trigger_fd);
    for (uint64_t i = session_end_replies(s); i > 0; i--)
        session_reply(s, 250, "2.0.0", "queued as %s", m->id);
    stats_add(s->server->counters.messages, 1);
    stats_add(s->server->counters.bytes, m->size);
    stats_add(port->messages, 1);
    stats_add(port->bytes, m->size);
    stats_add(port->filtered, m->caught);
    s->messages++;
    s->errors = s->idle_commands = s->refusals = 0;
}

void
message_commit(struct session *s, struct message **mp)
{
    const struct refusal *why = NULL;
    struct message *m = *mp;

    judge(m);
    if (m->failure == FAIL_NONE && s->filter.on)
        filter(m);
    if (m->failure == FAIL_NONE && !m->discarded)
        spend(m);
    if (m->failure == FAIL_NONE && !m->discarded)
        commit(m);
    if (m->failure != FAIL_NONE) {
        why = note_refusal(s, m);
        session_refuse_end(s, why);
    } else {
        tell_accepted(s, m);
    }
    accounts_tell_sent(s, m->size, why);
    message_abort(mp);
}

void
message_abort(struct message **mp)
{
    struct message *m = *mp;

    if (m == NULL)
        return;
    queue_writer_abort(&m->writer); /* NULL after a commit */
    strbuf_free(&m->head);
    strbuf_free(&m->kept);
    xfree(&m->message_id);
    xfree(&m->subject);
    xfree(mp);
}
