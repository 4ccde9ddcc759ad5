/*
 * lib/smtp/smtp_limits.h - what a server says in LIMITS (RFC 9422). Pure parser.
 */
#ifndef POSTHORN_LIB_SMTP_SMTP_LIMITS_H
#define POSTHORN_LIB_SMTP_SMTP_LIMITS_H

#include <stdint.h>

#include "lib/base/slice.h"

struct smtp_limits {       /* 0: none is known */
    uint32_t mails;        /* MAIL commands in one session, whatever becomes of them */
    uint32_t rcpts;        /* RCPT commands in one transaction */
    uint32_t rcpt_domains; /* different domains in RCPT commands of one session */
};

/* `value` is what follows the keyword. A limit that is not known, or whose value makes no sense, is
 * passed over. 0, or -1: not in the form of a list of limits, *out has none (section 3.7). */
int smtp_limits_parse(struct slice value, struct smtp_limits *out);

#endif
