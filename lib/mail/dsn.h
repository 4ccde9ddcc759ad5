/*
 * lib/mail/dsn.h - writes delivery status notifications: multipart/report (RFC 6522) with a text, a
 * message/delivery-status part (RFC 3464) and the original message or its header section.
 *
 * The caller writes the envelope, the trace fields and the original's bytes: dsn_begin gives all
 * that comes before them and dsn_end what comes behind. When an address or the original needs
 * SMTPUTF8 the parts are the internationalized ones (RFC 6533). The wording is a template's.
 */
#ifndef POSTHORN_LIB_MAIL_DSN_H
#define POSTHORN_LIB_MAIL_DSN_H

#include <stdint.h>

#include "lib/mail/template.h"

enum dsn_action { DSN_FAILED, DSN_DELAYED, DSN_DELIVERED, DSN_RELAYED, DSN_EXPANDED };

#define DSN_RCPTS_MAX 1000 /* of one notification: keeps it below what mail systems take */

struct dsn_rcpt {
    enum dsn_action action;
    struct slice address;    /* as it was when we took the message */
    struct slice original;   /* ORCPT as received: "rfc822;" and xtext, or empty */
    struct slice member;     /* whom of a group it is about, or empty */
    struct slice status;     /* RFC 3463: "5.1.1" */
    struct slice diagnostic; /* the remote reply or our reason, or empty */
    struct slice remote; /* name of the remote MTA: the diagnostic is its SMTP reply; or empty */
};

/* The values that a template may name, for template_parse. */
extern const char *const dsn_value_names[];

struct dsn {
    const struct template_text *wording;
    const char *hostname;   /* of the reporting MTA */
    const char *from;       /* address of a human who can help (RFC 3464 section 2) */
    const char *message_id; /* without angle brackets */
    const char *queue_id;   /* of the original */
    struct slice to;        /* who is told */
    struct slice sender;    /* envelope sender of the original, may be empty */
    struct slice envid;     /* ENVID as received (xtext), or empty */
    struct slice words;     /* of whoever refused it: one line of UTF-8, or empty */
    int64_t now_ms, arrival_ms;
    int64_t retry_until_ms;    /* DELAYED only */
    int64_t deliver_by_ms;     /* DELIVERBY (RFC 2852); 0: none */
    struct slice hold_request; /* FUTURERELEASE, "for;3600" (RFC 4865); or empty */
    bool smtputf8;             /* the original needs it */
    bool full;                 /* what is returned is the message, not only its header section */
    bool returned_8bit;        /* what is returned holds bytes above 0x7f */
    const struct dsn_rcpt *rcpts;
    uint32_t rcpt_count; /* 1 to DSN_RCPTS_MAX */
};

/* True if the notification itself needs SMTPUTF8, or 8BITMIME. */
bool dsn_needs_utf8(const struct dsn *dsn);
bool dsn_needs_8bit(const struct dsn *dsn);
/* The header section and everything up to the original; `boundary` is left for dsn_end. */
#define DSN_BOUNDARY_SIZE 32
void dsn_begin(struct strbuf *out, const struct dsn *dsn, char boundary[DSN_BOUNDARY_SIZE]);
void dsn_end(struct strbuf *out, const char *boundary);

#endif
