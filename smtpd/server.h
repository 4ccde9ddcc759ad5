/*
 * smtpd/server.h - what all sessions of smtpd share: settings, counters, TLS, queue.
 *
 * Made by the parent before it forks; read-only in the workers.
 */
#ifndef POSTHORN_SMTPD_SERVER_H
#define POSTHORN_SMTPD_SERVER_H

#include "lib/auth/mechanisms.h"
#include "lib/smtp/reception.h"
#include "lib/sys/daemon.h"
#include "lib/sys/pool.h"
#include "lib/tls/tls.h"
#include "smtpd/filter.h"
#include "smtpd/footer.h"

struct settings {
    const char *hostname;           /* in replies and trace lines */
    const char *system_hostname;    /* where decisions about approval are addressed to */
    char *greeting, *lmtp_greeting; /* the whole line, with CRLF */
    bool starttls, no_cleartext_auth, no_auth_on_25;
    bool plain_on_loopback, reject_pipelining;
    bool add_sender_header, add_originating_ip, hide_client_ip, add_auth_user;
    uint64_t max_header_size, max_line, max_hops, max_rset;
    uint64_t max_errors, free_errors, min_free_space;
    int64_t error_delay_ms, command_timeout_ms, data_timeout_ms, transfer_timeout_ms;
    int64_t tls_timeout_ms;
    struct mechanisms *mechanisms;
    struct filter_settings filters;
    struct footer_settings footers;
    unsigned extensions; /* enum extension */
    bool allow_vrfy_expn;
    int64_t max_future_release_ms;
    uint64_t max_priority;
    const char **priority_users; /* addresses and "@domain"; none: every user */
    size_t priority_user_count;
    const char **etrn_domains;
    size_t etrn_domain_count;
    struct reception_rules rules;
    struct networks xclient_hosts, xforward_hosts;
};

struct port_traffic { /* of one kind of port */
    _Atomic uint64_t *messages, *bytes, *filtered;
};

struct counters {
    _Atomic uint64_t *connections, *tls_failures, *auth_ok, *auth_failures, *messages, *bytes,
        *rejected_recipients, *rejected_messages;
    struct port_traffic ports[POOL_PORTS_MAX]; /* by pool_session.port */
};

struct server {
    struct settings settings;
    struct counters counters;
    struct tls_context *tls; /* NULL: no TLS */
    int tmp_dirfd, new_dirfd, trigger_fd;
};

/* From the configuration, all but the rules (lib/smtp/reception.h). */
void settings_load(struct settings *settings, const struct conf *conf);

#endif
