/*
 * posthorn/zone_records.c - the DNS records that a domain of ours should have.
 */
#include "posthorn/zone_records.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/encode.h"
#include "lib/base/mem.h"
#include "lib/tls/tlsa_data.h"
#include "posthorn/output.h"

static void __attribute__((format(printf, 4, 5)))
add(struct zone_records *zone, char *name, const char *type, const char *format, ...)
{
    struct strbuf value = strbuf_new(4096);
    va_list args;

    va_start(args, format);
    (void)strbuf_vprintf(&value, format, args); /* the longest is a TLSA record */
    va_end(args);
    zone->records = xrealloc(zone->records, (zone->count + 1) * sizeof(*zone->records));
    zone->records[zone->count++] =
        (struct zone_record){.name = name, .type = type, .value = strbuf_steal(&value)};
}

/* ---- the host's addresses ---- */

static bool
is_public_v4(const struct in_addr *in)
{
    uint32_t ip = ntohl(in->s_addr);

    return ip >> 24 != 127 && ip >> 24 != 10 && ip >> 20 != 0xac1 && ip >> 16 != 0xc0a8 &&
           ip >> 16 != 0xa9fe && ip >> 22 != 0x191; /* RFC 1918, 3927, 6598 */
}

static bool
is_public_v6(const struct in6_addr *in)
{
    return (in->s6_addr[0] & 0xe0) == 0x20; /* global unicast: 2000::/3 */
}

/* What lies behind a translator has its address there: then none is found, and the administrator
 * knows it. */
static bool
add_addresses(struct zone_records *zone, const char *host)
{
    struct ifaddrs *list = NULL;
    size_t before = zone->count;

    if (getifaddrs(&list) < 0)
        return false;
    for (const struct ifaddrs *i = list; i != NULL; i = i->ifa_next) {
        char text[INET6_ADDRSTRLEN];

        if (i->ifa_addr == NULL || (i->ifa_flags & IFF_UP) == 0)
            continue;
        if (i->ifa_addr->sa_family == AF_INET) {
            const struct sockaddr_in *v4 = (const struct sockaddr_in *)i->ifa_addr;

            if (is_public_v4(&v4->sin_addr) &&
                inet_ntop(AF_INET, &v4->sin_addr, text, sizeof(text)) != NULL)
                add(zone, xstrdup(host), "A", "%s", text);
        } else if (i->ifa_addr->sa_family == AF_INET6) {
            const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)i->ifa_addr;

            if (is_public_v6(&v6->sin6_addr) &&
                inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof(text)) != NULL)
                add(zone, xstrdup(host), "AAAA", "%s", text);
        }
    }
    freeifaddrs(list);
    return zone->count > before;
}

/* ---- the certificate ---- */

char *
zone_certificate_path(const struct conf *conf, const struct instance *inst)
{
    const char *name = conf_str(conf, TLS_CERTIFICATE);

    return instance_etc_path(inst, name);
}

/* "3 1 1": the key itself, so that the record outlives a certificate that keeps it (RFC 7671
 * section 5.1). */
static void
add_tlsa(struct zone_records *zone, const struct zone_source *source, const char *host)
{
    char *path = zone_certificate_path(source->conf, source->inst);
    struct strbuf data = strbuf_new(64), error = strbuf_new(4096), hex = strbuf_new(256);

    if (tlsa_data(path, TLSA_SELECTOR_SPKI, TLSA_MATCH_SHA256, &data, &error) == 0) {
        hex_encode(strbuf_slice(&data), &hex);
        add(zone, xasprintf("_25._tcp.%s", host), "TLSA", "3 1 1 %s", strbuf_cstr(&hex));
    }
    strbuf_free(&data);
    strbuf_free(&error);
    strbuf_free(&hex);
    free(path);
}

/* ---- services ---- */

/* The service's name in the DNS (RFC 6186 section 3, RFC 8314 section 5.1), those with TLS from the
 * first byte first. */
static const struct {
    const char *label, *srv;
} srv_names[] = {
    {"smtps", "_submissions"}, {"submission", "_submission"}, {"imaps", "_imaps"},
    {"imap", "_imap"},         {"pop3s", "_pop3s"},           {"pop3", "_pop3"},
};

static void
add_srv(struct zone_records *zone, const struct zone_source *source, const char *host,
        const struct service_listen *listen)
{
    for (size_t i = 0; i < ARRAY_LEN(srv_names); i++)
        if (strcmp(listen->label, srv_names[i].label) == 0)
            add(zone, xasprintf("%s._tcp.%s", srv_names[i].srv, source->domain), "SRV",
                "%zu 1 %llu %s.", i % 2, /* clear text is the second choice */
                (unsigned long long)listen->port + conf_u64(source->conf, SYSTEM_PORT_OFFSET),
                host);
}

struct zone_records
zone_records_make(const struct zone_source *source)
{
    const char *host = conf_str(source->conf, SYSTEM_HOSTNAME), *domain = source->domain;
    struct zone_records zone = {NULL, 0};

    add(&zone, xstrdup(domain), "MX", "10 %s.", host);
    (void)add_addresses(&zone, host);
    add(&zone, xstrdup(domain), "TXT", "\"v=spf1 mx -all\"");
    add(&zone, xasprintf("_dmarc.%s", domain), "TXT",
        "\"v=DMARC1; p=none; rua=mailto:postmaster@%s\"", domain);
    add(&zone, xasprintf("_smtp._tls.%s", domain), "TXT",
        "\"v=TLSRPTv1; rua=mailto:postmaster@%s\"", domain);
    add_tlsa(&zone, source, host);
    for (size_t i = 0; i < source->services->count; i++)
        for (size_t l = 0; l < source->services->rows[i].listen_count; l++)
            if (source->services->rows[i].automatic)
                add_srv(&zone, source, host, &source->services->rows[i].listens[l]);
    return zone;
}

void
zone_records_free(struct zone_records *zone)
{
    for (size_t i = 0; i < zone->count; i++) {
        free(zone->records[i].name);
        free(zone->records[i].value);
    }
    xfree(&zone->records);
}

void
zone_records_print(const struct zone_records *zone, struct table *table)
{
    for (size_t i = 0; i < zone->count; i++) {
        const struct zone_record *r = &zone->records[i];
        const struct object_field fields[] = {{SLICE("name"), slice_of(r->name)},
                                              {SLICE("type"), slice_of(r->type)},
                                              {SLICE("value"), slice_of(r->value)}};

        if (table == NULL)
            (void)printf("%s. IN %s %s\n", r->name, r->type, r->value); /* as dkim_dns_print */
        else
            table_add(table, fields, (uint32_t)ARRAY_LEN(fields));
    }
}
