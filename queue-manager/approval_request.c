/*
 * queue-manager/approval_request.c - asks approvers.
 *
 * The message goes along as a message/rfc822 part, whole: who approves something has to see it.
 * What cannot be carried inside another message (BINARYMIME: RFC 3030 section 3) is shown by its
 * header section. Its header is a stranger's: values for the template become one line each.
 *
 * A large message for many approvers is much to write. It is done in steps, and all requests are
 * written before the first one gets a name in new/: the loop does not stand, and a crash on the way
 * has asked nobody. The names follow at once, and in the same turn the record that they were asked.
 */
#include "queue-manager/approval_request.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "lib/base/clock.h"
#include "lib/base/crc32c.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/random.h"
#include "lib/log/log.h"
#include "lib/mail/encoded_text.h"
#include "lib/mail/encoded_word.h"
#include "lib/mail/header.h"
#include "queue-manager/intake.h"
#include "queue-manager/notice.h"
#include "queue-manager/own_mail.h"

#define HEADER_MAX 65536u /* of the original's header section */
#define TEXT_MAX 65536u
#define LINE_MAX_LEN 600 /* bytes of a value: lines stay below 998 (RFC 5322 section 2.1.1) */
#define RCPTS_SHOWN 20
#define LINK_SIZE 400
#define STEP_BYTES (UINT64_C(4) << 20) /* of the original, in one turn of the loop */

/* To one approver. */
struct request {
    const struct approval_approver *approver;
    unsigned number; /* of the approver in the rule */
    uint32_t step;   /* among those who have to decide */
    char id[QUEUE_ID_SIZE], approve[LINK_SIZE], refuse[LINK_SIZE], boundary[32];
    char postmaster[NOTICE_ADDRESS_SIZE]; /* whose address it comes from */
    struct strbuf head, tail;
    struct own_mail mail;
    struct own_mail_writer *writer; /* NULL: not begun, or it is in the queue */
};

struct approval_requests {
    const struct message *m;
    int fd; /* of the message */
    struct strbuf header, recipients, subject, deadline;
    uint32_t count, ready; /* all of them; those that are written, but for their names */
    struct request list[];
};

/* One line, without control characters, at most LINE_MAX_LEN bytes of whole UTF-8 characters. */
static void
put_line(struct strbuf *out, struct slice text)
{
    size_t len = text.len < LINE_MAX_LEN ? text.len : LINE_MAX_LEN;

    while (len < text.len && len > 0 && ((unsigned char)text.ptr[len] & 0xc0) == 0x80)
        len--;
    if (!parse_is_utf8(slice_sub(text, 0, len)))
        len = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        (void)strbuf_char(out, c < 0x20 || c == 0x7f ? ' ' : (char)c);
    }
}

static void
put_subject(struct strbuf *out, struct slice header)
{
    struct strbuf decoded = strbuf_new((size_t)HEADER_MAX * 4);
    struct header_field field;

    if (header_find(header, "Subject", &field) && encoded_word_decode(field.body, &decoded))
        put_line(out, slice_trim(strbuf_slice(&decoded)));
    strbuf_free(&decoded);
}

static void
put_recipients(struct strbuf *out, const struct queue_envelope *e)
{
    for (uint32_t i = 0; i < e->rcpt_count; i++) {
        if (i == RCPTS_SHOWN) {
            (void)strbuf_str(out, " ...");
            break;
        }
        if (i > 0)
            (void)strbuf_str(out, ",\r\n             ");
        put_line(out, e->rcpts[i].address);
    }
}

/* The message's id and the approver make it, so that a request which a crash has left in the queue
 * is known as what it is. */
static void
make_id(const struct message *m, const struct approval_approver *approver, char id[QUEUE_ID_SIZE])
{
    (void)snprintf(id, QUEUE_ID_SIZE, "%.20sQ%08x", m->id, crc32c(0, approver->address));
}

static int
make_link(const struct queue *q, const struct message *m, const struct request *r, bool approve,
          char out[LINK_SIZE])
{
    struct approval_token token = {
        .approve = approve, .approver = r->number, .expires_s = m->asking_until_ms / 1000};
    char text[APPROVAL_TOKEN_MAX + 1];

    (void)snprintf(token.id, sizeof(token.id), "%s", m->id);
    if (approval_token_make(&token, q->settings.approval_key, text) < 0)
        return -1;
    (void)snprintf(out, LINK_SIZE, "mailto:%s@%s", text, q->settings.hostname);
    return 0;
}

static void
put_text(const struct queue *q, const struct approval_requests *all, const struct request *r,
         struct slice text, struct strbuf *out)
{
    const struct queue_envelope *e = all->m->envelope;
    const struct template_value values[] = {
        {"approve_link", slice_of(r->approve)},
        {"refuse_link", slice_of(r->refuse)},
        {"sender", e->sender.len > 0 ? e->sender : SLICE("<>")},
        {"recipients", strbuf_slice(&all->recipients)},
        {"subject", strbuf_slice(&all->subject)},
        {"rule", all->m->asking->name},
        {"deadline", strbuf_slice(&all->deadline)},
        {"queue_id", slice_of(all->m->id)},
        {"hostname", slice_of(q->settings.hostname)},
        {"postmaster", slice_of(r->postmaster)},
    };

    (void)template_fill(text, values, ARRAY_LEN(values), out);
}

static void
put_header(const struct queue *q, const struct approval_requests *all, struct request *r,
           bool needs_8bit)
{
    struct strbuf subject = strbuf_new(TEXT_MAX), *out = &r->head;

    (void)strbuf_str(out, "Date: ");
    (void)clock_rfc5322(r->mail.now_ms, out);
    (void)strbuf_printf(out,
                        "\r\nFrom: Mail Approval <%s>\r\nTo: <%.*s>\r\nSubject: ", r->postmaster,
                        (int)r->approver->address.len, r->approver->address.ptr);
    put_text(q, all, r, q->settings.wording.kinds[WORDING_APPROVAL_REQUEST].subject, &subject);
    (void)encoded_text_write(strbuf_slice(&subject), out);
    (void)strbuf_printf(out,
                        "\r\nMessage-ID: <%s@%s>\r\nAuto-Submitted: auto-generated\r\n"
                        "MIME-Version: 1.0\r\n"
                        "Content-Type: multipart/mixed; boundary=\"%s\"\r\n",
                        r->id, q->settings.hostname, r->boundary);
    if (needs_8bit)
        (void)strbuf_str(out, "Content-Transfer-Encoding: 8bit\r\n");
    strbuf_free(&subject);
}

/* Everything up to the bytes of the original. */
static void
put_head(const struct queue *q, const struct approval_requests *all, struct request *r,
         bool original_8bit)
{
    const struct queue_envelope *e = all->m->envelope;
    struct strbuf text = strbuf_new(TEXT_MAX + TEMPLATE_MAX), *out = &r->head;
    const char *type = e->body_binary ? "text/rfc822-headers"
                       : e->smtputf8  ? "message/global"
                                      : "message/rfc822";

    put_text(q, all, r, q->settings.wording.kinds[WORDING_APPROVAL_REQUEST].body, &text);
    put_header(q, all, r, original_8bit || !parse_is_ascii(strbuf_slice(&text)));
    (void)strbuf_printf(out,
                        "\r\n--%s\r\nContent-Type: text/plain; charset=utf-8\r\n"
                        "Content-Transfer-Encoding: 8bit\r\n\r\n",
                        r->boundary);
    (void)strbuf_append(out, strbuf_slice(&text));
    (void)strbuf_printf(out, "\r\n--%s\r\nContent-Type: %s\r\n%s\r\n", r->boundary, type,
                        original_8bit ? "Content-Transfer-Encoding: 8bit\r\n" : "");
    strbuf_free(&text);
}

/* Its head, and the file to write it to. */
static int
begin_one(struct queue *q, const struct approval_requests *all, struct request *r)
{
    const struct queue_envelope *e = all->m->envelope;
    struct slice original_header = strbuf_slice(&all->header);
    bool original_8bit =
        e->body_binary ? !parse_is_ascii(original_header) : e->body_8bit || e->smtputf8;
    char name[20];

    random_name(name, sizeof(name) - 1);
    (void)snprintf(r->boundary, sizeof(r->boundary), "request-%s", name);
    (void)notice_sender(q, r->approver->address, r->postmaster);
    if (make_link(q, all->m, r, true, r->approve) < 0 ||
        make_link(q, all->m, r, false, r->refuse) < 0)
        return -1;
    r->head = strbuf_new(4 * TEXT_MAX + 2 * TEMPLATE_MAX);
    r->tail = strbuf_new(64);
    r->mail =
        (struct own_mail){.id = r->id,
                          .client = OWN_MAIL_CLIENT,
                          .to = r->approver->address,
                          .now_ms = clock_real_ms(),
                          .smtputf8 = e->smtputf8 || !parse_is_ascii(r->approver->address),
                          .requiretls = e->requiretls,
                          .priority = e->priority,
                          .original_fd = all->fd,
                          .original_size = e->body_binary ? original_header.len : e->content_size};
    put_head(q, all, r, original_8bit);
    (void)strbuf_printf(&r->tail, "\r\n--%s--\r\n", r->boundary);
    r->mail.head = strbuf_slice(&r->head);
    r->mail.tail = strbuf_slice(&r->tail);
    r->mail.body_8bit = original_8bit || !parse_is_ascii(r->mail.head);
    errno = EFBIG;
    if (!r->head.overflow)
        r->writer = own_mail_begin(q, &r->mail);
    return r->writer == NULL ? -1 : 0;
}

/* ---- all of them ---- */

static int
read_header(struct approval_requests *all)
{
    const struct queue_envelope *e = all->m->envelope;
    size_t want = e->content_size < HEADER_MAX ? (size_t)e->content_size : HEADER_MAX, len;
    char *room = strbuf_room(&all->header, want);

    if (all->fd < 0 || room == NULL || pread_exact(all->fd, room, want, 0) < 0)
        return -1;
    strbuf_grew(&all->header, want);
    len = header_section_len(strbuf_slice(&all->header), 0);
    strbuf_truncate(&all->header, len > 0 ? len : want);
    return 0;
}

/* Those that have to be sent: not what an earlier try of this round's end has sent, nor what a
 * crash has left in the queue. */
static void
list_all(const struct queue *q, const struct message *m, struct approval_requests *all)
{
    uint32_t step = 0;

    for (unsigned i = 0; i < m->asking->approver_count; i++) {
        struct request *r = &all->list[all->count];

        if ((m->asking->approvers[i].kinds & m->asking_kinds) == 0)
            continue;
        r->approver = &m->asking->approvers[i];
        r->number = i;
        r->step = step++;
        make_id(m, r->approver, r->id);
        if (r->step >= m->told && !own_mail_is_there(q, r->id))
            all->count++;
    }
}

static int
begin_all(struct queue *q, struct message *m)
{
    struct approval_requests *all =
        xcalloc(1, sizeof(*all) + (m->asking->approver_count + 1) * sizeof(all->list[0]));

    m->requests = all;
    *all = (struct approval_requests){
        .m = m,
        .fd = openat(q->spool.fds[SPOOL_ACTIVE], m->id, O_RDONLY | O_NOFOLLOW | O_CLOEXEC),
        .header = strbuf_new(HEADER_MAX),
        .recipients = strbuf_new(TEXT_MAX),
        .subject = strbuf_new(TEXT_MAX),
        .deadline = strbuf_new(64),
    };
    if (read_header(all) < 0)
        return -1;
    put_recipients(&all->recipients, m->envelope);
    put_subject(&all->subject, strbuf_slice(&all->header));
    (void)clock_rfc5322(m->asking_until_ms, &all->deadline);
    list_all(q, m, all);
    return 0;
}

void
approval_requests_free(struct message *m)
{
    struct approval_requests *all = m->requests;

    if (all == NULL)
        return;
    for (uint32_t i = 0; i < all->count; i++) {
        own_mail_abort(&all->list[i].writer);
        strbuf_free(&all->list[i].head);
        strbuf_free(&all->list[i].tail);
    }
    close_keep_errno(all->fd);
    strbuf_free(&all->header);
    strbuf_free(&all->recipients);
    strbuf_free(&all->subject);
    strbuf_free(&all->deadline);
    xfree(&m->requests);
}

/* -1: what was written is taken back, and errno kept. */
static int
fail(struct message *m)
{
    int saved = errno;

    approval_requests_free(m);
    errno = saved;
    return -1;
}

int
approval_requests_write(struct queue *q, struct message *m)
{
    struct approval_requests *all;
    struct request *r;
    int rc;

    if (m->requests == NULL && begin_all(q, m) < 0)
        return fail(m);
    all = m->requests;
    if (all->ready == all->count)
        return 0;
    r = &all->list[all->ready];
    if (r->writer == NULL && begin_one(q, all, r) < 0)
        return fail(m);
    rc = own_mail_copy(r->writer, STEP_BYTES);
    if (rc < 0)
        return fail(m);
    if (rc == 0)
        all->ready++;
    return all->ready < all->count;
}

int
approval_requests_send(struct queue *q, struct message *m)
{
    struct approval_requests *all = m->requests;

    for (uint32_t i = 0; i < all->count; i++) {
        struct request *r = &all->list[i];

        if (own_mail_end(&r->writer) < 0)
            return fail(m);
        m->told = r->step + 1;
        log_event(LOG_INFO, "approval_asked", KV_STR("queue_id", m->id),
                  KV_SLICE("rule", m->asking->name), KV_U64("line", m->asking->line),
                  KV_STR("setting", conf_decider(QUEUE_APPROVAL_RULES)),
                  KV_SLICE("approver", r->approver->address), KV_STR("request_id", r->id));
    }
    approval_requests_free(m);
    intake_look(q->intake);
    return 0;
}
