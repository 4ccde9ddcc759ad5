/*
 * queue-manager/approval_request.c - asks approvers.
 *
 * The message goes along as a message/rfc822 part, whole: who approves something has to see it.
 * What cannot be carried inside another message (BINARYMIME: RFC 3030 section 3) is shown by its
 * header section. Its header is a stranger's: values for the template become one line each.
 */
#include "queue-manager/approval_request.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
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

struct request {
    const struct message *m;
    const struct approval_approver *approver;
    unsigned number; /* of the approver in the rule */
    struct slice original_header;
    struct strbuf recipients, subject, deadline;
    char id[QUEUE_ID_SIZE], approve[LINK_SIZE], refuse[LINK_SIZE];
    char postmaster[NOTICE_ADDRESS_SIZE], boundary[32];
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

static int
make_link(const struct queue *q, const struct request *r, bool approve, char out[LINK_SIZE])
{
    struct approval_token token = {
        .approve = approve, .approver = r->number, .expires_s = r->m->asking_until_ms / 1000};
    char text[APPROVAL_TOKEN_MAX + 1];

    (void)snprintf(token.id, sizeof(token.id), "%s", r->m->id);
    if (approval_token_make(&token, q->settings.approval_key, text) < 0)
        return -1;
    (void)snprintf(out, LINK_SIZE, "mailto:%s@%s", text, q->settings.hostname);
    return 0;
}

static void
put_text(const struct queue *q, const struct request *r, struct slice text, struct strbuf *out)
{
    const struct template_value values[] = {
        {"approve_link", slice_of(r->approve)},
        {"refuse_link", slice_of(r->refuse)},
        {"sender", r->m->envelope->sender.len > 0 ? r->m->envelope->sender : SLICE("<>")},
        {"recipients", strbuf_slice(&r->recipients)},
        {"subject", strbuf_slice(&r->subject)},
        {"rule", r->m->asking->name},
        {"deadline", strbuf_slice(&r->deadline)},
        {"queue_id", slice_of(r->m->id)},
        {"hostname", slice_of(q->settings.hostname)},
        {"postmaster", slice_of(r->postmaster)},
    };

    (void)template_fill(text, values, ARRAY_LEN(values), out);
}

static void
put_header(const struct queue *q, const struct request *r, int64_t now_ms, bool needs_8bit,
           struct strbuf *out)
{
    struct strbuf subject = strbuf_new(TEXT_MAX);

    (void)strbuf_str(out, "Date: ");
    (void)clock_rfc5322(now_ms, out);
    (void)strbuf_printf(out,
                        "\r\nFrom: Mail Approval <%s>\r\nTo: <%.*s>\r\nSubject: ", r->postmaster,
                        (int)r->approver->address.len, r->approver->address.ptr);
    put_text(q, r, q->settings.wording.kinds[WORDING_APPROVAL_REQUEST].subject, &subject);
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
put_head(const struct queue *q, const struct request *r, int64_t now_ms, bool original_8bit,
         struct strbuf *out)
{
    const struct queue_envelope *e = r->m->envelope;
    struct strbuf text = strbuf_new(TEXT_MAX + TEMPLATE_MAX);
    const char *type = e->body_binary ? "text/rfc822-headers"
                       : e->smtputf8  ? "message/global"
                                      : "message/rfc822";

    put_text(q, r, q->settings.wording.kinds[WORDING_APPROVAL_REQUEST].body, &text);
    put_header(q, r, now_ms, original_8bit || !parse_is_ascii(strbuf_slice(&text)), out);
    (void)strbuf_printf(out,
                        "\r\n--%s\r\nContent-Type: text/plain; charset=utf-8\r\n"
                        "Content-Transfer-Encoding: 8bit\r\n\r\n",
                        r->boundary);
    (void)strbuf_append(out, strbuf_slice(&text));
    (void)strbuf_printf(out, "\r\n--%s\r\nContent-Type: %s\r\n%s\r\n", r->boundary, type,
                        original_8bit ? "Content-Transfer-Encoding: 8bit\r\n" : "");
    strbuf_free(&text);
}

static int
commit(struct queue *q, struct request *r, int fd)
{
    const struct queue_envelope *e = r->m->envelope;
    struct strbuf head = strbuf_new(4 * TEXT_MAX + 2 * TEMPLATE_MAX), tail = strbuf_new(64);
    bool original_8bit =
        e->body_binary ? !parse_is_ascii(r->original_header) : e->body_8bit || e->smtputf8;
    struct own_mail mail = {.id = r->id,
                            .client = OWN_MAIL_CLIENT,
                            .to = r->approver->address,
                            .now_ms = clock_real_ms(),
                            .smtputf8 = e->smtputf8 || !parse_is_ascii(r->approver->address),
                            .requiretls = e->requiretls,
                            .priority = e->priority,
                            .original_fd = fd,
                            .original_size =
                                e->body_binary ? r->original_header.len : e->content_size};
    int rc = -1;

    put_head(q, r, mail.now_ms, original_8bit, &head);
    (void)strbuf_printf(&tail, "\r\n--%s--\r\n", r->boundary);
    mail.head = strbuf_slice(&head);
    mail.tail = strbuf_slice(&tail);
    mail.body_8bit = original_8bit || !parse_is_ascii(mail.head);
    errno = EFBIG;
    if (!head.overflow)
        rc = own_mail_commit(q, &mail);
    strbuf_free(&head);
    strbuf_free(&tail);
    return rc;
}

static int
send_one(struct queue *q, const struct message *m, unsigned number, struct slice header, int fd)
{
    struct request r = {.m = m,
                        .approver = &m->asking->approvers[number],
                        .number = number,
                        .original_header = header,
                        .recipients = strbuf_new(TEXT_MAX),
                        .subject = strbuf_new(TEXT_MAX),
                        .deadline = strbuf_new(64)};
    char name[20];
    int rc;

    queue_id_make(r.id);
    random_name(name, sizeof(name) - 1);
    (void)snprintf(r.boundary, sizeof(r.boundary), "request-%s", name);
    (void)notice_sender(q, r.approver->address, r.postmaster);
    put_recipients(&r.recipients, m->envelope);
    put_subject(&r.subject, header);
    (void)clock_rfc5322(m->asking_until_ms, &r.deadline);
    rc = make_link(q, &r, true, r.approve);
    if (rc == 0)
        rc = make_link(q, &r, false, r.refuse);
    if (rc == 0)
        rc = commit(q, &r, fd);
    if (rc == 0)
        log_event(LOG_INFO, "approval_asked", KV_STR("queue_id", m->id),
                  KV_SLICE("rule", m->asking->name), KV_U64("line", m->asking->line),
                  KV_STR("setting", conf_decider(QUEUE_APPROVAL_RULES)),
                  KV_SLICE("approver", r.approver->address), KV_STR("request_id", r.id));
    strbuf_free(&r.recipients);
    strbuf_free(&r.subject);
    strbuf_free(&r.deadline);
    return rc;
}

static int
send_all(struct queue *q, struct message *m, struct slice header, int fd)
{
    uint32_t step = 0;

    for (unsigned i = 0; i < m->asking->approver_count; i++) {
        if ((m->asking->approvers[i].kinds & m->asking_kinds) == 0 || step++ < m->told)
            continue;
        if (send_one(q, m, i, header, fd) < 0)
            return -1;
        m->told = step;
    }
    intake_look(q->intake);
    return 0;
}

int
approval_request_all(struct queue *q, struct message *m)
{
    const struct queue_envelope *e = m->envelope;
    size_t want = e->content_size < HEADER_MAX ? (size_t)e->content_size : HEADER_MAX, len;
    struct strbuf head = strbuf_new(HEADER_MAX);
    char *room = strbuf_room(&head, want);
    int fd = openat(q->spool.fds[SPOOL_ACTIVE], m->id, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    int rc = -1;

    if (fd >= 0 && room != NULL && pread_exact(fd, room, want, 0) == 0) {
        strbuf_grew(&head, want);
        len = header_section_len(strbuf_slice(&head), 0);
        rc = send_all(q, m, slice_sub(strbuf_slice(&head), 0, len > 0 ? len : want), fd);
    }
    close_keep_errno(fd);
    strbuf_free(&head);
    return rc;
}
