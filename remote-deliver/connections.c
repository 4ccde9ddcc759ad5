/*
 * remote-deliver/connections.c - keeps a few connections open between two messages.
 */
#include "remote-deliver/connections.h"

#include <string.h>

bool
connections_take(struct connections *c, struct slice next_hop, struct connection *out)
{
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        struct kept_connection *p = &c->places[i];

        if (p->connection.client == NULL || !slice_eq_nocase(next_hop, slice_of(p->next_hop)))
            continue;
        *out = p->connection;
        p->connection.client = NULL;
        return true;
    }
    return false;
}

static struct kept_connection *
free_place(struct connections *c)
{
    struct kept_connection *oldest = &c->places[0];

    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        if (c->places[i].connection.client == NULL)
            return &c->places[i];
        if (c->places[i].until_mono_ms < oldest->until_mono_ms)
            oldest = &c->places[i];
    }
    smtp_client_close(&oldest->connection.client);
    return oldest;
}

void
connections_keep(struct connections *c, struct slice next_hop, const struct connection *connection,
                 int64_t until_mono_ms)
{
    struct smtp_client *client = connection->client;
    struct kept_connection *p;

    if (next_hop.len >= sizeof(p->next_hop)) {
        smtp_client_close(&client);
        return;
    }
    p = free_place(c);
    memcpy(p->next_hop, next_hop.ptr, next_hop.len);
    p->next_hop[next_hop.len] = '\0';
    p->connection = *connection;
    p->until_mono_ms = until_mono_ms;
}

void
connections_expire(struct connections *c, int64_t now_mono_ms)
{
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        if (c->places[i].connection.client != NULL && c->places[i].until_mono_ms <= now_mono_ms)
            smtp_client_close(&c->places[i].connection.client);
}

int64_t
connections_next(const struct connections *c)
{
    int64_t next = INT64_MAX;

    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        if (c->places[i].connection.client != NULL && c->places[i].until_mono_ms < next)
            next = c->places[i].until_mono_ms;
    return next;
}

void
connections_close(struct connections *c)
{
    connections_expire(c, INT64_MAX);
}
