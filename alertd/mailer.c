/*
 * alertd/mailer.c - mails of alertd's, from templates into the queue. Values are single lines of
 * ours but @alerts@ and the like, which are for the text alone.
 */
#include "alertd/mailer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/ipc/queue_manager.h"
#include "lib/log/log.h"
#include "lib/mail/system_mail.h"
#include "lib/mail/template_file.h"
#include "lib/sys/daemon.h"

#define MAIL_MAX ((size_t)TEMPLATE_MAX * 2)
#define LINES_MAX (128u << 10)

enum { VALUES_MAX = 16, SUMMARY_MAX = 1000 };

void
mailer_open(struct mailer *mailer, const struct daemon *d)
{
    static const enum template_id kinds[] = {TEMPLATE_ALERT, TEMPLATE_PASSWORD_EXPIRY,
                                             TEMPLATE_REPORT};
    const char *postmaster = conf_str(d->conf, SMTP_POSTMASTER);

    mailer->hostname = conf_str(d->conf, SYSTEM_HOSTNAME);
    mailer->postmaster = strchr(postmaster, '@') != NULL
                             ? xstrdup(postmaster)
                             : xasprintf("postmaster@%s", mailer->hostname);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        template_file_load(d->inst.etc, conf_str(d->conf, SYSTEM_TEMPLATE_LANGUAGE), kinds[i],
                           &mailer->wording[kinds[i]]);
    if (outbox_open(&mailer->outbox, d->inst.queue) < 0) {
        (void)fprintf(stderr, "alertd: %s: %s\n", d->inst.queue, strerror(errno));
        exit(EX_NOINPUT);
    }
}

static void
compose(const struct mailer *mailer, const struct mailer_mail *mail, const char *id, int64_t now_ms,
        struct strbuf *out)
{
    struct template_value values[VALUES_MAX] = {{"hostname", slice_of(mailer->hostname)},
                                                {"postmaster", slice_of(mailer->postmaster)}};
    size_t count = 2;

    for (size_t i = 0; i < mail->value_count && count < VALUES_MAX; i++)
        values[count++] = mail->values[i];
    system_mail_write(&(const struct system_mail){.from_name = "Mail system",
                                                  .from = mail->from.len > 0
                                                              ? mail->from
                                                              : slice_of(mailer->postmaster),
                                                  .to = mail->to,
                                                  .queue_id = id,
                                                  .hostname = mailer->hostname,
                                                  .now_ms = now_ms,
                                                  .wording = &mailer->wording[mail->kind],
                                                  .values = values,
                                                  .value_count = count},
                      out);
}

int
mailer_send(const struct mailer *mailer, const struct mailer_mail *mail)
{
    struct queue_rcpt rcpt = {.address = mail->to, .notify = QUEUE_NOTIFY_NEVER};
    const struct queue_envelope envelope = {.received_ms = clock_real_ms(),
                                            .body_8bit = true,
                                            .client = slice_of(mail->client),
                                            .origin = QUEUE_ORIGIN_SYSTEM,
                                            .rcpt_count = 1,
                                            .rcpts = &rcpt};
    struct strbuf content = strbuf_new(MAIL_MAX);
    char id[QUEUE_ID_SIZE];
    int rc;

    queue_id_make(id);
    compose(mailer, mail, id, envelope.received_ms, &content);
    rc = outbox_put(&mailer->outbox, id, &content, &envelope);
    if (rc == 0)
        log_event(LOG_INFO, "notice", KV_STR("queue_id", id), KV_STR("kind", mail->client),
                  KV_SLICE("to", mail->to));
    strbuf_free(&content);
    return rc;
}

int
mailer_send_news(const struct mailer *mailer, const struct news *news, const struct slice *to,
                 size_t to_count, size_t *done)
{
    struct strbuf lines = strbuf_new(LINES_MAX), summary = strbuf_new(SUMMARY_MAX);
    struct template_value values[2];
    int rc = 0;

    message_lines(news, &lines);
    message_summary(news, &summary);
    values[0] = (struct template_value){"alerts", strbuf_slice(&lines)};
    values[1] = (struct template_value){"summary", strbuf_slice(&summary)};
    while (rc == 0 && *done < to_count) {
        rc = mailer_send(mailer, &(const struct mailer_mail){.kind = TEMPLATE_ALERT,
                                                             .client = "alert",
                                                             .to = to[*done],
                                                             .values = values,
                                                             .value_count = ARRAY_LEN(values)});
        *done += rc == 0;
    }
    strbuf_free(&lines);
    strbuf_free(&summary);
    return rc;
}
