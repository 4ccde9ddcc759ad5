/*
 * remote-deliver/reversed.c - the connection of a customer who fetches mail, from the greeting to
 * QUIT. The customer is a server like any other: untrusted.
 */
#include "remote-deliver/reversed.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/log/log.h"

/* It has no name that DNS knows: what is told of it is its address (RFC 5321 section 4.1.3). */
static struct smtp_peer
peer_of(struct slice ip)
{
    struct smtp_peer peer = {.is_lmtp = false};
    bool is_v6 = slice_index(ip, ':') < ip.len;

    (void)snprintf(peer.host, sizeof(peer.host), "[%s%.*s]", is_v6 ? "IPv6:" : "", (int)ip.len,
                   ip.ptr);
    (void)snprintf(peer.ip, sizeof(peer.ip), "%.*s", (int)ip.len, ip.ptr);
    return peer;
}

void
reversed_begin(struct reversed *r, const struct remote_settings *settings,
               const struct queue_connection *connection, int fd)
{
    struct smtp_peer peer = peer_of(connection->client_ip);

    reversed_end(r);
    r->number = connection->number;
    r->client = smtp_client_adopt(fd, &peer, &settings->client,
                                  clock_mono_ms() + settings->timeout_ms, &r->why);
    if (r->client == NULL)
        log_event(LOG_INFO, "customer_lost", KV_STR("ip", peer.ip), KV_STR("reason", r->why.text));
}

struct smtp_client *
reversed_client(struct reversed *r, uint64_t number, struct smtp_verdict *why)
{
    if (r->number == number && r->client != NULL && smtp_client_is_alive(r->client) &&
        smtp_client_takes_mail(r->client))
        return r->client;
    *why = r->why;
    if (r->number == number && r->client == NULL)
        return NULL;
    *why = (struct smtp_verdict){.dsn = "4.4.2"};
    (void)snprintf(why->text, sizeof(why->text), "the customer's connection is over");
    return NULL;
}

void
reversed_end(struct reversed *r)
{
    smtp_client_close(&r->client);
    r->number = 0;
}
