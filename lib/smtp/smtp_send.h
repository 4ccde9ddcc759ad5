/*
 * lib/smtp/smtp_send.h - one mail transaction over an open smtp_client.
 */
#ifndef POSTHORN_LIB_SMTP_SMTP_SEND_H
#define POSTHORN_LIB_SMTP_SMTP_SEND_H

#include <sys/types.h>

#include "lib/smtp/smtp_terms.h"

enum smtp_outcome {
    SMTP_UNTRIED,   /* not asked, or nothing was decided: try elsewhere or later */
    SMTP_DELIVERED, /* the server has taken responsibility */
    SMTP_TEMPORARY, /* 4xx */
    SMTP_PERMANENT, /* 5xx */
    SMTP_DOUBTFUL,  /* sent whole, but no answer came: asking again may deliver twice */
};

struct smtp_recipient {
    struct slice address;
    struct slice orcpt; /* "type;xtext", or empty */
    uint8_t notify;     /* QUEUE_NOTIFY_*; 0: none given */
    enum smtp_outcome outcome;
    bool accepted;     /* the server said yes to RCPT in this transaction */
    bool dsn_relayed;  /* its DSN requests went along (RFC 3461) */
    bool tell_relayed; /* the sender is to hear that it was passed on (RFC 2852) */
    bool left_out;     /* the session's limits (RFC 9422) let us ask no more: another may */
    struct smtp_verdict verdict;
    char remote[SMTP_HOST_MAX]; /* name of the server whose verdict it is */
    char remote_ip[64];         /* and its address */
    const char *tls;            /* "TLSv1.3"; "" or NULL without */
};

struct smtp_message {
    int fd; /* content: `size` bytes from `offset` */
    off_t offset;
    uint64_t size;
    struct slice prepend; /* header fields that go before the content */
    struct slice sender, envid;
    uint8_t ret; /* 0 none, 1 FULL, 2 HDRS */
    bool needs_smtputf8, needs_8bit, needs_binary;
    bool requiretls; /* goes along to servers that know it (RFC 8689) */
    struct smtp_terms terms;
};

/* MAIL, RCPT for each of `rcpts` (those with another outcome than UNTRIED or TEMPORARY are passed
 * over), then the content; in as many transactions as the server's limits demand. Each recipient's
 * outcome and verdict are set. The connection may be used again if smtp_client_is_alive and
 * smtp_client_takes_mail. */
void smtp_send(struct smtp_client *client, const struct smtp_message *message,
               struct smtp_recipient *rcpts, size_t count);

#endif
