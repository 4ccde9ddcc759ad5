/*
 * smtpd/trace.h - the lines that we put on top of a message (RFC 5321 section 4.4).
 */
#ifndef POSTHORN_SMTPD_TRACE_H
#define POSTHORN_SMTPD_TRACE_H

#include <stdint.h>

#include "lib/base/strbuf.h"

#define TRACE_MAX 8192 /* room for everything that trace_write writes */

struct trace {
    struct slice sender; /* reverse path */
    const char *helo, *client_ip;
    const char *tls_version, *tls_cipher; /* NULL: no TLS */
    const char *hostname;
    bool is_extended, is_authenticated, is_utf8;
    bool is_lmtp; /* which knows neither AUTH nor STARTTLS here */
    const char *queue_id;
    struct slice recipient; /* empty: more than one, or not to be shown */
    int64_t received_ms;
    int priority;                  /* MT-PRIORITY, 0: not shown (RFC 6710 section 4.1) */
    bool add_date, add_message_id; /* RFC 6409 section 8 */
    bool hides_client;             /* the client's address is left out everywhere */
    bool add_originating_ip;       /* X-Originating-IP, unless hides_client */
    struct slice auth_user;        /* for X-AuthUser; empty: none */
    struct slice added_sender;     /* for Sender; empty: none */
    bool add_empty_line;           /* the message has no header section of its own */
};

/* Return-Path, Received and what else is wanted. False if `out` overflowed. */
bool trace_write(const struct trace *trace, struct strbuf *out);

/* The "with" keyword (RFC 3848, RFC 6531 section 4.3): "ESMTPSA". */
const char *trace_protocol(const struct trace *trace);

#endif
