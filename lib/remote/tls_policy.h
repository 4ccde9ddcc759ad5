/*
 * lib/remote/tls_policy.h - what TLS the connection to one server must have, and why.
 *
 * Decided from remote.tls_table, what the domain publishes (DANE, RFC 7672; MTA-STS, RFC 8461) and
 * what the message asks for (RFC 8689), once for each server that is about to be tried.
 */
#ifndef POSTHORN_LIB_REMOTE_TLS_POLICY_H
#define POSTHORN_LIB_REMOTE_TLS_POLICY_H

#include "lib/account/canonical.h"
#include "lib/remote/dane.h"
#include "lib/remote/remote_settings.h"
#include "lib/remote/sts.h"
#include "lib/tlsrpt/outcome.h"

enum tls_level {
    TLS_LEVEL_NONE,    /* clear text */
    TLS_LEVEL_MAY,     /* opportunistic (RFC 7435) */
    TLS_LEVEL_ENCRYPT, /* TLS with anybody */
    TLS_LEVEL_VERIFY,  /* a certificate of a known authority with the right name */
    TLS_LEVEL_DANE,    /* a certificate that fits a TLSA record */
    TLS_LEVEL_REFUSED, /* nothing may be sent to this server now */
};

/* What the message asks for. */
enum tls_request {
    TLS_REQUEST_NONE,
    TLS_REQUEST_REQUIRED, /* REQUIRETLS */
    TLS_REQUEST_OPTIONAL, /* "TLS-Required: No" */
};

#define TLS_POLICY_NAMES_MAX TLS_TABLE_NAMES_MAX

struct tls_policy {
    const struct remote_settings *settings;
    struct ipc_client *dns, *stsd;
    enum tls_request request;
    /* The next hop in lower case and A-labels; "": a relay host or an address literal. */
    char domain[CANONICAL_DOMAIN_MAX + 1];
    const struct tls_rule *rule; /* of the table for the domain or the relay host, or NULL */

    /* The decision about one server. */
    char host[SMTP_HOST_MAX];
    uint16_t port;
    char policy_domain[CANONICAL_DOMAIN_MAX + 1]; /* for MTA-STS and reports; "": none */
    enum tls_level level;
    const char *source;      /* who wanted that level: "default", "table", "dane", "mta-sts",
                                "mta-sts-testing", "requiretls" */
    unsigned line;           /* of the table, or 0 */
    struct smtp_verdict why; /* if REFUSED */
    struct smtp_client_options options; /* to open the connection with; else */

    /* For reports (RFC 8460): what the domain publishes, and what is wrong with that or with the
     * server before any connection. */
    bool reported; /* a session with the server says something about the domain */
    enum outcome_policy applied;
    enum outcome_result fault;

    /* What the options point at. */
    struct tls_check check;
    struct dane dane;
    struct sts sts;
    bool sts_asked;
    char mx_target[DNSD_NAME_MAX + 1]; /* the domain after CNAMEs */
    char below[CANONICAL_DOMAIN_MAX + 2];
    const char *names[TLS_POLICY_NAMES_MAX];
};

/* For servers of `next_hop`, a domain (UTF-8 allowed) or an address literal; empty for relay hosts,
 * which the table knows by their own names. */
void tls_policy_begin(struct tls_policy *policy, const struct remote_settings *settings,
                      struct ipc_client *dns, struct ipc_client *stsd, struct slice next_hop,
                      enum tls_request request);
void tls_policy_end(struct tls_policy *policy);

/* Decides about one server, unless the last decision was about the same one. */
void tls_policy_decide(struct tls_policy *policy, const struct smtp_peer *peer);
/* The setting that led to the level; if it is remote.tls_table, `line` of its file. */
enum conf_id tls_policy_setting(const struct tls_policy *policy);
/* "dane", for the log. */
const char *tls_policy_word(enum tls_level level);

#endif
