/*
 * smtpd/filter.h - asks filterd, for the milters and policy services, at each stage of a session.
 *
 * Where none is configured for the port, or the client is exempt, every call returns at once.
 */
#ifndef POSTHORN_SMTPD_FILTER_H
#define POSTHORN_SMTPD_FILTER_H

#include "lib/conf/networks.h"
#include "lib/ipc/filterd.h"
#include "smtpd/params.h"

struct session;

/* From the configuration: made once, read by all sessions. */
struct filter_settings {
    struct {
        bool on;
        int command_ms, content_ms; /* how long filterd may take for one answer */
    } incoming, submission;
    struct networks exempt;
    int away; /* enum filter_default: what holds when filterd itself is away */
};
void filter_settings_load(struct filter_settings *settings, const struct conf *conf);
/* Is anything configured for any port? */
bool filter_settings_any(const struct filter_settings *settings);

/* A session's side of it. */
struct filter {
    bool on, away, wants_rejected;
    bool in_transaction; /* filterd has heard MAIL */
    bool shut;           /* CONNECT was refused: so is every command */
    int command_ms, content_ms;
    struct filterd_verdict verdict; /* to the content; borrows from the client's buffer */
    int verdict_fd;                 /* with it, or -1 */
    struct refusal refusal;         /* points to: */
    char dsn[16], text[400];
};

/* NULL: go on. Else the reply; 421: and no more commands. Valid until the next call. */
const struct refusal *filter_connect(struct session *s);
const struct refusal *filter_helo(struct session *s);
const struct refusal *filter_mail(struct session *s, const struct mail_args *mail);
const struct refusal *filter_rcpt(struct session *s, const struct rcpt_args *rcpt, bool is_local);
const struct refusal *filter_data(struct session *s, const char *queue_id);
const struct refusal *filter_unknown(struct session *s, struct slice line);
/* A recipient was refused by us: for milters that want to know. */
void filter_rejected(struct session *s, struct slice recipient, const struct refusal *why);
/* The transaction is over. */
void filter_reset(struct session *s);
/* The whole message, whose content from the client is `size` bytes at `start` of `fd`. With NULL
 * s->filter.verdict says what becomes of it, until filter_content_end. */
const struct refusal *filter_content(struct session *s, int fd, const char *queue_id,
                                     uint64_t start, uint64_t size);
void filter_content_end(struct session *s);

#endif
