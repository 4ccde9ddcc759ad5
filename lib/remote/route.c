/*
 * lib/remote/route.c - looks up mail exchangers and addresses (RFC 5321 section 5).
 *
 * All names go through dnsd; what it tells is untrusted. Addresses of our own, with the port of our
 * own server, are never used: mail would come straight back.
 */
#include "lib/remote/route.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/account/canonical.h"
#include "lib/base/cidr.h"
#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/mail/address.h"

enum { ADDRESSES_MAX = 16 }; /* of one host and one family */

struct lookup {
    const struct remote_settings *settings;
    struct ipc_client *dns;
    int64_t deadline;
    struct route *route;
    bool any_temporary; /* some name could not be looked up just now */
    bool met_ourselves;
};

static enum mx_status
conclude(enum mx_status status, struct smtp_verdict *why, const char *dsn, const char *text,
         struct slice name)
{
    why->code = status == MX_NEVER ? 550 : 0;
    (void)snprintf(why->dsn, sizeof(why->dsn), "%s", dsn);
    (void)snprintf(why->text, sizeof(why->text), "%s: %.*s", text, (int)name.len, name.ptr);
    return status;
}

static void
ask(struct lookup *l, enum dns_rr rr, struct slice name, struct dnsd_answer *answer)
{
    int64_t left = l->deadline - clock_mono_ms();

    dnsd_call(l->dns, (uint16_t)rr, name, left < 1 ? 1 : (int)left, answer);
}

/* ---- addresses ---- */

static void
make_peer(struct smtp_peer *peer, const char *host, const void *bytes, size_t len, uint16_t port)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)&peer->address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&peer->address;

    memset(peer, 0, sizeof(*peer));
    (void)snprintf(peer->host, sizeof(peer->host), "%s", host);
    if (len == 4) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        memcpy(&v4->sin_addr, bytes, 4);
        peer->address_len = sizeof(*v4);
    } else {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        memcpy(&v6->sin6_addr, bytes, 16);
        peer->address_len = sizeof(*v6);
    }
    /* cannot fail: the family is known and the room is enough */
    (void)inet_ntop(len == 4 ? AF_INET : AF_INET6, bytes, peer->ip, sizeof(peer->ip));
}

/* An address of this machine? The kernel tells without a packet: it would use the same address as
 * source. */
static bool
is_local_address(const struct smtp_peer *peer)
{
    struct sockaddr_storage own = {0};
    socklen_t len = sizeof(own);
    struct ip there, here;
    bool same = false;
    int fd;

    if (ip_of_sockaddr(&peer->address, &there) < 0 || ip_is_loopback(&there))
        return true;
    fd = socket(peer->address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&peer->address, peer->address_len) == 0 &&
        getsockname(fd, (struct sockaddr *)&own, &len) == 0 && ip_of_sockaddr(&own, &here) == 0)
        same = memcmp(&here, &there, sizeof(here)) == 0;
    close_keep_errno(fd);
    return same;
}

static void
add_peer(struct lookup *l, const char *host, const void *bytes, size_t len, uint16_t port)
{
    struct smtp_peer *peer = &l->route->peers[l->route->count];

    if (l->route->count == ROUTE_PEERS_MAX)
        return;
    make_peer(peer, host, bytes, len, port);
    l->route->hosts[l->route->count] = NULL;
    if (port == l->settings->own_port && is_local_address(peer))
        l->met_ourselves = true;
    else
        l->route->count++;
}

struct addresses {
    size_t len; /* bytes of one: 4 or 16 */
    size_t count;
    uint8_t bytes[ADDRESSES_MAX][16];
};

static int
by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, 16);
}

/* Copies, because an answer borrows from the client's buffer until the next question. */
static void
look_up(struct lookup *l, enum dns_rr rr, const char *host, struct addresses *found)
{
    struct dnsd_answer answer;

    ask(l, rr, slice_of(host), &answer);
    if (answer.status == DNS_TEMPORARY)
        l->any_temporary = true;
    for (uint32_t i = 0; i < answer.count && found->count < ADDRESSES_MAX; i++)
        if (answer.records[i].data.len == found->len)
            memcpy(found->bytes[found->count++], answer.records[i].data.ptr, found->len);
    if (l->settings->keep_order) /* what DNS gives goes round */
        qsort(found->bytes, found->count, sizeof(found->bytes[0]), by_bytes);
}

/* IPv6 and IPv4 in turns: where one of them leads nowhere, the other still comes before the limit
 * of addresses. */
static void
add_host(struct lookup *l, const char *host, uint16_t port)
{
    struct addresses v6 = {.len = 16}, v4 = {.len = 4};

    if (l->settings->use_ipv6)
        look_up(l, DNS_AAAA, host, &v6);
    if (l->settings->use_ipv4)
        look_up(l, DNS_A, host, &v4);
    for (size_t i = 0; i < v6.count || i < v4.count; i++) {
        if (i < v6.count)
            add_peer(l, host, v6.bytes[i], v6.len, port);
        if (i < v4.count)
            add_peer(l, host, v4.bytes[i], v4.len, port);
    }
}

/* ---- routes ---- */

static struct lookup
lookup_begin(const struct remote_settings *settings, struct ipc_client *dns, struct route *route)
{
    route->count = 0;
    return (struct lookup){.settings = settings,
                           .dns = dns,
                           .deadline = clock_mono_ms() + settings->dns_timeout_ms,
                           .route = route};
}

static enum mx_status
lookup_end(const struct lookup *l, struct slice name, struct smtp_verdict *why)
{
    if (l->route->count > 0)
        return MX_FOUND;
    if (l->any_temporary)
        return conclude(MX_LATER, why, "4.4.3", "no answer from DNS about the mail servers of",
                        name);
    if (l->met_ourselves)
        return conclude(MX_NEVER, why, "5.4.6", "mail loops back to this host", name);
    return conclude(MX_NEVER, why, "5.4.4", "no mail server with an address for", name);
}

static int
by_name(const void *a, const void *b)
{
    const struct mx_host *x = a, *y = b;

    if (x->preference != y->preference)
        return x->preference < y->preference ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* One preference after the other, until there are enough addresses. When one of our own addresses
 * turns up, its preference and all behind it go (RFC 5321 section 5.1). */
static void
resolve_groups(struct lookup *l, const struct mx_list *list)
{
    size_t at = 0;

    while (at < list->count && l->route->count < l->settings->max_addresses) {
        uint16_t preference = list->hosts[at].preference;
        size_t before = l->route->count;

        for (; at < list->count && list->hosts[at].preference == preference; at++)
            add_host(l, list->hosts[at].name, l->settings->port);
        if (l->met_ourselves) {
            l->route->count = before;
            return;
        }
    }
}

static enum mx_status
route_literal(struct lookup *l, struct slice literal, struct smtp_verdict *why)
{
    struct address_ip ip;
    char host[SMTP_HOST_MAX];

    if (address_literal_ip(literal, &ip) < 0)
        return conclude(MX_NEVER, why, "5.1.2", "address literal of an unknown kind", literal);
    (void)snprintf(host, sizeof(host), "%.*s", (int)literal.len, literal.ptr);
    add_peer(l, host, ip.bytes, ip.len, l->settings->port);
    return lookup_end(l, literal, why);
}

enum mx_status
route_by_dns(const struct remote_settings *settings, struct ipc_client *dns, struct slice next_hop,
             struct route *route, struct smtp_verdict *why)
{
    struct lookup l = lookup_begin(settings, dns, route);
    struct strbuf name = strbuf_new(CANONICAL_DOMAIN_MAX);
    enum mx_status status = MX_NEVER;
    struct dnsd_answer answer;
    struct mx_list list = {.count = 0};

    if (next_hop.len > 0 && next_hop.ptr[0] == '[')
        return route_literal(&l, next_hop, why);
    if (canonical_domain(next_hop, &name) < 0) {
        (void)conclude(MX_NEVER, why, "5.1.2", "not a domain name", next_hop);
    } else {
        ask(&l, DNS_MX, strbuf_slice(&name), &answer);
        status =
            mx_from_answer(&answer, strbuf_slice(&name), slice_of(settings->hostname), &list, why);
    }
    if (status == MX_FOUND && settings->keep_order)
        qsort(list.hosts, list.count, sizeof(list.hosts[0]), by_name);
    if (status == MX_FOUND) {
        resolve_groups(&l, &list);
        status = lookup_end(&l, next_hop, why);
    }
    strbuf_free(&name);
    return status;
}

/* ---- routes by configuration ---- */

/* Named from the current directory, the one of our own sockets: no other is in reach (main.c). */
static void
add_socket(struct lookup *l, const char *name)
{
    struct smtp_peer *peer = &l->route->peers[l->route->count];
    struct sockaddr_un *un = (struct sockaddr_un *)&peer->address;

    if (l->route->count == ROUTE_PEERS_MAX)
        return;
    memset(peer, 0, sizeof(*peer));
    un->sun_family = AF_UNIX;
    (void)snprintf(un->sun_path, sizeof(un->sun_path), "%s", name);
    peer->address_len = sizeof(*un);
    (void)snprintf(peer->host, sizeof(peer->host), "%s", name);
    (void)snprintf(peer->ip, sizeof(peer->ip), "unix");
    l->route->count++;
}

static void
add_configured(struct lookup *l, const struct host *host)
{
    const struct route_host *r = &host->route;
    size_t first = l->route->count;
    struct address_ip ip;

    if (r->is_unix)
        add_socket(l, r->name);
    else if (address_ip_parse(slice_of(r->name), &ip) == 0)
        add_peer(l, r->name, ip.bytes, ip.len, r->port);
    else
        add_host(l, r->name, r->port);
    for (size_t i = first; i < l->route->count; i++) {
        l->route->peers[i].tls_at_once = r->tls_at_once;
        l->route->peers[i].is_lmtp = r->is_lmtp;
        l->route->peers[i].login = r->user == NULL ? NULL : &host->login;
        l->route->hosts[i] = host;
    }
}

enum mx_status
route_by_hosts(const struct remote_settings *settings, struct ipc_client *dns,
               const struct host_list *hosts, struct route *route, struct smtp_verdict *why)
{
    struct lookup l = lookup_begin(settings, dns, route);

    for (size_t i = 0; i < hosts->count; i++)
        add_configured(&l, &hosts->hosts[i]);
    if (lookup_end(&l, SLICE("the servers that the configuration names"), why) == MX_FOUND)
        return MX_FOUND;
    return MX_LATER;
}
