/*
 * lib/smtp/smtp_refusal.h - what our SMTP server says when a setting makes it refuse something, and
 * which setting that is: one table, for smtpd and for `posthorn explain`.
 */
#ifndef POSTHORN_LIB_SMTP_SMTP_REFUSAL_H
#define POSTHORN_LIB_SMTP_SMTP_REFUSAL_H

#include "lib/conf/conf.h"

/* Why something was refused: the reply to send. */
struct refusal {
    unsigned code;
    const char *dsn, *text;
};

enum smtp_refusal {
#define REFUSAL(id, setting, code, dsn, text) id,
#include "lib/smtp/smtp_refusal.def"
#undef REFUSAL
    SMTP_REFUSAL_COUNT
};

const struct refusal *smtp_refusal(enum smtp_refusal which);

/* The setting behind a refusal; CONF_NO_SETTING: the message, a file or another program is. */
enum conf_id smtp_refusal_setting(const struct refusal *why);

#endif
