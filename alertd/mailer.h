/*
 * alertd/mailer.h - mails of alertd's, from templates into the queue.
 */
#ifndef POSTHORN_ALERTD_MAILER_H
#define POSTHORN_ALERTD_MAILER_H

#include "alertd/message.h"
#include "lib/mail/template_set.h"
#include "lib/queue/outbox.h"

struct mailer {
    struct outbox outbox;
    const char *hostname;
    char *postmaster; /* an address: who the mails are from */
    struct template_text wording[TEMPLATE_COUNT];
};

struct daemon;
/* Before the sandbox; exits with a message. */
void mailer_open(struct mailer *mailer, const struct daemon *d);

struct mailer_mail {
    enum template_id kind;
    const char *client;                  /* for the log: "alert" */
    struct slice from;                   /* an address; empty: the postmaster's */
    struct slice to;                     /* an address */
    const struct template_value *values; /* besides hostname and postmaster */
    size_t value_count;
};
/* On disk before it returns. 0, or -1 with errno. */
int mailer_send(const struct mailer *mailer, const struct mailer_mail *mail);

/* News of alerts to `to`, but for the first *done, who have them: it grows with each that is on
 * disk. One message each: nobody sees who else was told. 0, or -1 with errno. */
int mailer_send_news(const struct mailer *mailer, const struct news *news, const struct slice *to,
                     size_t to_count, size_t *done);

#endif
