/*
 * remote-deliver/remote.h - what all parts of remote-deliver share: its settings.
 */
#ifndef POSTHORN_REMOTE_DELIVER_REMOTE_H
#define POSTHORN_REMOTE_DELIVER_REMOTE_H

#include "lib/conf/conf.h"
#include "lib/smtp/smtp_client.h"

enum policy { POLICY_DNS, POLICY_DNS_THEN_RELAY, POLICY_RELAY };

struct relay_host {
    char name[SMTP_HOST_MAX]; /* host name or address */
    uint16_t port;
};

struct settings {
    const char *hostname;  /* of this machine */
    const char *helo_name; /* what it calls itself in SMTP */
    enum policy policy;
    struct relay_host *relay_hosts;
    size_t relay_count;
    uint16_t port;     /* of other servers */
    uint16_t own_port; /* of our own one, to know ourselves by */
    bool use_ipv4, use_ipv6;
    struct sockaddr_storage source; /* ss_family 0: none */
    unsigned max_addresses, workers, messages_per_connection;
    int64_t timeout_ms, dns_timeout_ms, idle_ms;
    bool use_starttls;
    struct smtp_client_options client; /* tls is filled in by main() */
};

/* From the configuration; exits with a message on what the table alone cannot check. */
void settings_load(struct settings *settings, const struct conf *conf);

/* "host", "host:port", "192.0.2.1:port", "[2001:db8::1]:port". 0, or -1. */
int settings_parse_relay(struct slice text, uint16_t default_port, struct relay_host *out);

#endif
