/*
 * smtpd/extensions.h - the SMTP extensions that an administrator may switch off, and where each is
 * offered. The basic ones (PIPELINING, SIZE, DSN and the like) are always there: smtpd/hello.c.
 */
#ifndef POSTHORN_SMTPD_EXTENSIONS_H
#define POSTHORN_SMTPD_EXTENSIONS_H

#include <stdbool.h>
#include <stdint.h>

struct conf;
struct session;

/* Bits: a set of them is an `unsigned`. */
enum extension {
    EXTENSION_REQUIRETLS = 1 << 0,
    EXTENSION_FUTURERELEASE = 1 << 1,
    EXTENSION_DELIVERBY = 1 << 2,
    EXTENSION_MT_PRIORITY = 1 << 3,
    EXTENSION_LIMITS = 1 << 4,
    EXTENSION_BURL = 1 << 5,
    EXTENSION_ETRN = 1 << 6,
    EXTENSION_ALL = (1 << 7) - 1,
};

/* Those that smtp.extensions names. */
unsigned extensions_configured(const struct conf *conf);
/* Those of them that this session may use now; all others are unknown to it. */
unsigned extensions_offered(const struct session *s);
/* Their lines of the reply to EHLO, each "250-KEYWORD...". */
void extensions_announce(struct session *s);

#endif
