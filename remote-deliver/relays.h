/*
 * remote-deliver/relays.h - the relay hosts of the configuration, with their passwords.
 */
#ifndef POSTHORN_REMOTE_DELIVER_RELAYS_H
#define POSTHORN_REMOTE_DELIVER_RELAYS_H

#include "lib/smtp/smtp_client.h"

#define RELAYS_FILE_MAX 65536 /* bytes of the file of passwords */

struct relay_host {
    char name[SMTP_HOST_MAX]; /* host name or address */
    uint16_t port;
    bool tls_at_once;
    char user[SMTP_LOGIN_MAX + 1];     /* "": no authentication */
    char password[SMTP_LOGIN_MAX + 1]; /* from the file */
    struct smtp_login login;           /* points at the two */
};

/* One word of remote.relay_hosts: [smtp:// or smtps://][USER@]HOST[:PORT]. The user may hold "@"
 * himself; HOST is a name, an IPv4 address, or an IPv6 address, in brackets if a port follows.
 * 0, or -1. */
int relay_parse(struct slice text, uint16_t default_port, struct relay_host *out);

/* Fills in the passwords of those that have a user, from lines "HOST USER PASSWORD" in the file
 * `path`, which nobody but its owner may read. 0, or -1 with one line in `error`. Reads nothing if
 * no host has a user. */
int relays_read_passwords(struct relay_host *hosts, size_t count, const char *path,
                          struct strbuf *error);

#endif
