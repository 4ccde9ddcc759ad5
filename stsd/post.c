/*
 * stsd/post.c - finds out where a domain wants its report, and posts it to web servers.
 *
 * Runs in a child that can open no path. Input: the TXT record and the web server's answer, both
 * from strangers. Web servers are reached on the one port of HTTPS, so that no record can make us
 * talk to another service.
 */
#include "stsd/post.h"

#include <fcntl.h>
#include <stdio.h>

#include "lib/base/clock.h"
#include "lib/ipc/client.h"
#include "lib/tls/https.h"
#include "lib/tlsrpt/record.h"

#define MEDIA_TYPE "application/tlsrpt+gzip" /* RFC 8460 section 6.5 */

enum { DNS_MS = 10000, PLACE_MS = 30000, ADDRESS_BYTES = 254 };

/* RFC 8460 section 3: exactly one record that is about TLS-RPT, and that one right. */
static char
ask_record(struct ipc_client *dns, const char *domain, struct dnsd_answer *answer,
           struct tlsrpt_record *found)
{
    char name[DNSD_NAME_MAX + 16];
    struct tlsrpt_record one;
    unsigned records = 0;

    (void)snprintf(name, sizeof(name), "_smtp._tls.%s", domain);
    dnsd_call(dns, DNS_TXT, slice_of(name), DNS_MS, answer);
    if (answer->status == DNS_TEMPORARY)
        return POST_LATER;
    for (uint32_t i = 0; i < answer->count; i++) {
        int rc = tlsrpt_record_parse(answer->records[i].data, &one);

        if (rc == 0)
            *found = one;
        records += rc <= 0;
        if (rc < 0)
            return POST_NONE;
    }
    return records == 1 ? POST_DONE : POST_NONE;
}

/* Printable already: is_target of lib/tlsrpt/record.c, or an address. */
static void
add_line(struct strbuf *reply, char kind, struct slice place, const char *reason)
{
    (void)strbuf_printf(reply, "%c %.*s%s%s\n", kind, (int)place.len, place.ptr,
                        reason[0] == '\0' ? "" : " ", reason);
}

static const char *
post_to(const struct post *p, struct ipc_client *dns, const char *host, const char *path)
{
    struct https_target target = {.ctx = p->options->any,
                                  .host = host,
                                  .path = path,
                                  .deadline_mono_ms = clock_mono_ms() + PLACE_MS};
    const char *trouble = NULL;

    target.fd = dial_host(&p->options->web, dns, host, target.deadline_mono_ms, &trouble);
    return target.fd < 0 ? trouble : https_post(&target, MEDIA_TYPE, p->report);
}

static void
hand_over(const struct post *p, struct ipc_client *dns, const struct tlsrpt_place *place,
          struct strbuf *reply)
{
    struct strbuf host = strbuf_new(TLSRPT_HOST_MAX), path = strbuf_new(TLSRPT_URI_MAX);
    struct strbuf address = strbuf_new(ADDRESS_BYTES);
    const char *trouble;

    if (place->scheme == TLSRPT_MAILTO && tlsrpt_mailto(place->uri, &address) == 0) {
        add_line(reply, POST_MAIL, strbuf_slice(&address), "");
    } else if (place->scheme == TLSRPT_HTTPS && tlsrpt_https(place->uri, &host, &path) == 0) {
        trouble = post_to(p, dns, strbuf_cstr(&host), strbuf_cstr(&path));
        add_line(reply, trouble == NULL ? POST_DONE : POST_FAILED, strbuf_slice(&host),
                 trouble == NULL ? "" : trouble);
    } else {
        add_line(reply, POST_FAILED, SLICE("-"), "a URI that cannot be used");
    }
    strbuf_free(&host);
    strbuf_free(&path);
    strbuf_free(&address);
}

void
post_run(void *arg, struct strbuf *reply)
{
    static struct dnsd_answer answer; /* what the record borrows from lives in `dns` */
    const struct post *p = arg;
    struct ipc_client *dns = ipc_client_new(AT_FDCWD, DNSD_SOCKET, DNSD_PAYLOAD_MAX);
    struct ipc_client *hosts = ipc_client_new(AT_FDCWD, DNSD_SOCKET, DNSD_PAYLOAD_MAX);
    struct tlsrpt_record record = {.count = 0};
    char kind = ask_record(dns, p->domain, &answer, &record);

    if (kind != POST_DONE)
        (void)strbuf_printf(reply, "%c\n", kind);
    for (size_t i = 0; i < record.count; i++)
        hand_over(p, hosts, &record.places[i], reply);
    ipc_client_free(&hosts);
    ipc_client_free(&dns);
}
