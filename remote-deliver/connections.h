/*
 * remote-deliver/connections.h - open connections that wait for another message.
 */
#ifndef POSTHORN_REMOTE_DELIVER_CONNECTIONS_H
#define POSTHORN_REMOTE_DELIVER_CONNECTIONS_H

#include "lib/smtp/smtp_client.h"

#define CONNECTIONS_MAX 4

struct host;

struct connection {
    struct smtp_client *client;
    const struct host *host; /* of the configuration, whose options hold; NULL: an MX host */
    unsigned messages;       /* sent over it so far */
};
struct kept_connection {
    char next_hop[SMTP_HOST_MAX];
    struct connection connection; /* without a client the place is free */
    int64_t until_mono_ms;
};
struct connections {
    struct kept_connection places[CONNECTIONS_MAX];
};

/* Takes the connection to `next_hop` out. False: there is none. */
bool connections_take(struct connections *c, struct slice next_hop, struct connection *out);
/* Keeps a connection; the one that would have expired first goes if there is no place. */
void connections_keep(struct connections *c, struct slice next_hop,
                      const struct connection *connection, int64_t until_mono_ms);
/* Closes those whose time is over. */
void connections_expire(struct connections *c, int64_t now_mono_ms);
/* When the next one expires; INT64_MAX: none is kept. */
int64_t connections_next(const struct connections *c);
void connections_close(struct connections *c);

#endif
