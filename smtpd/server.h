/*
 * smtpd/server.h - what all sessions of smtpd share: settings, counters, TLS, queue.
 *
 * Made by the parent before it forks; read-only in the workers.
 */
#ifndef POSTHORN_SMTPD_SERVER_H
#define POSTHORN_SMTPD_SERVER_H

#include "lib/auth/mechanisms.h"
#include "lib/base/cidr.h"
#include "lib/sys/daemon.h"
#include "lib/tls/tls.h"
#include "smtpd/filter.h"

struct settings {
    const char *hostname, *banner;
    bool starttls, close_relay, from_must_match_auth, no_cleartext_auth, no_auth_on_25;
    bool plain_on_loopback, reject_early_talkers;
    uint64_t max_recipients, max_message_size, max_header_size, max_line, max_hops, max_rset;
    uint64_t max_errors, min_free_space;
    int64_t greet_delay_ms, command_timeout_ms, data_timeout_ms, transfer_timeout_ms;
    int64_t tls_timeout_ms;
    struct mechanisms *mechanisms;
    struct cidr *trusted_hosts;
    size_t trusted_count;
    struct filter_settings filters;
};

struct counters {
    _Atomic uint64_t *connections, *tls_failures, *auth_ok, *auth_failures, *messages, *bytes,
        *rejected_recipients, *rejected_messages;
};

struct server {
    struct settings settings;
    struct counters counters;
    struct tls_context *tls; /* NULL: no TLS */
    int tmp_dirfd, new_dirfd, trigger_fd;
};

/* From the configuration. */
void settings_load(struct settings *settings, const struct conf *conf);
/* Is the client one of smtp.trusted_hosts? */
bool settings_trust(const struct settings *settings, const char *client_ip);

#endif
