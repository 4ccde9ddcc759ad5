/*
 * posthorn/doctor_dns.c - what the world finds about a domain in the DNS, and what to publish.
 *
 * Answers come from dnsd and were written by whoever owns the names: they are compared and shown.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/client.h"
#include "lib/ipc/dnsd.h"
#include "posthorn/dkim_place.h"
#include "posthorn/doctor.h"

#define ALL_TIMEOUT_MS 10000 /* of all questions together */
#define LIST_MAX 2048

struct asker {
    struct doctor *d;
    struct ipc_client *client;
    const char *domain, *host;
    int64_t deadline_ms;
    unsigned not_asked;
    struct dnsd_answer *answer; /* of the last question; borrows from the client */
};

/* True: there are records. Notes what keeps the answer away; that no time is left is told once, at
 * the end. */
static bool
ask(struct asker *a, uint16_t rr, const char *name, const char *check)
{
    int64_t left_ms = a->deadline_ms - clock_mono_ms();

    if (left_ms <= 0) {
        *a->answer = (struct dnsd_answer){.status = DNS_TEMPORARY};
        a->not_asked++;
        return false;
    }
    dnsd_call(a->client, rr, slice_of(name), (int)left_ms, a->answer);
    if (a->answer->status == DNS_TEMPORARY)
        doctor_note(a->d, DOCTOR_FAIL, check, "%s: no answer from the DNS%s", name,
                    a->answer->bogus ? ": its DNSSEC signatures are wrong" : "");
    return a->answer->status == DNS_FOUND && a->answer->count > 0;
}

static bool
same_name(struct slice a, const char *b)
{
    if (a.len > 0 && a.ptr[a.len - 1] == '.')
        a.len--;
    return slice_eq_nocase(a, slice_of(b));
}

static void
list_records(const struct asker *a, struct strbuf *out)
{
    for (uint32_t i = 0; i < a->answer->count; i++) {
        struct slice data = a->answer->records[i].data;

        (void)strbuf_str(out, i == 0 ? "" : ", ");
        (void)strbuf_append(out, slice_sub(data, 0, 300)); /* shown, hence no need for all of it */
    }
}

static void
check_mx(struct asker *a)
{
    struct strbuf found = strbuf_new(LIST_MAX);
    bool ours = false;

    if (ask(a, DNS_MX, a->domain, "mx")) {
        for (uint32_t i = 0; i < a->answer->count; i++)
            ours = ours || same_name(a->answer->records[i].data, a->host);
        list_records(a, &found);
        doctor_note(a->d, ours ? DOCTOR_OK : DOCTOR_FAIL, "mx", "%s: MX %s%s", a->domain,
                    strbuf_cstr(&found), ours ? "" : ": mail for it goes elsewhere");
    } else if (a->answer->status != DNS_TEMPORARY) {
        doctor_note(a->d, DOCTOR_FAIL, "mx", "%s has no MX record", a->domain);
    }
    if (!ours)
        doctor_note(a->d, DOCTOR_WARN, "publish", "%s. IN MX 10 %s.", a->domain, a->host);
    strbuf_free(&found);
}

/* The name that an address has must be ours: many servers refuse mail from others. */
static void
check_ptr(struct asker *a, const char *address)
{
    struct strbuf found = strbuf_new(LIST_MAX);
    bool ours = false;

    if (ask(a, DNS_PTR, address, "ptr"))
        for (uint32_t i = 0; i < a->answer->count; i++)
            ours = ours || same_name(a->answer->records[i].data, a->host);
    list_records(a, &found);
    if (ours)
        doctor_note(a->d, DOCTOR_OK, "ptr", "%s: PTR %s", address, strbuf_cstr(&found));
    else if (a->answer->status != DNS_TEMPORARY)
        doctor_note(a->d, DOCTOR_FAIL, "ptr",
                    "%s: PTR %s, not %s: ask who gave you the address to set it", address,
                    found.len > 0 ? strbuf_cstr(&found) : "none", a->host);
    strbuf_free(&found);
}

/* Addresses of one family; returns how many there are. */
static size_t
check_addresses(struct asker *a, uint16_t rr, int family)
{
    char addresses[8][INET6_ADDRSTRLEN];
    size_t count = 0;

    if (!ask(a, rr, a->host, "address"))
        return 0;
    for (uint32_t i = 0; i < a->answer->count && count < ARRAY_LEN(addresses); i++) {
        struct slice data = a->answer->records[i].data;

        if (data.len == (family == AF_INET ? 4 : 16) &&
            inet_ntop(family, data.ptr, addresses[count], sizeof(addresses[0])) != NULL)
            count++;
    }
    for (size_t i = 0; i < count; i++) { /* the next question overwrites the answer */
        doctor_note(a->d, DOCTOR_OK, "address", "%s: %s", a->host, addresses[i]);
        check_ptr(a, addresses[i]);
    }
    return count;
}

static void
check_host(struct asker *a)
{
    size_t count = check_addresses(a, DNS_A, AF_INET) + check_addresses(a, DNS_AAAA, AF_INET6);

    if (count == 0)
        doctor_note(a->d, DOCTOR_FAIL, "address",
                    "%s (system.hostname) has no address: publish \"%s. IN A <address>\"", a->host,
                    a->host);
}

/* The one TXT record that begins with `version`; what else is there belongs to others. */
static void
check_txt(struct asker *a, const char *check, const char *name, const char *version,
          const char *publish, const char *missing, enum doctor_result when_missing)
{
    struct slice found = SLICE("");
    unsigned count = 0;

    if (ask(a, DNS_TXT, name, check)) {
        for (uint32_t i = 0; i < a->answer->count; i++) {
            if (!slice_starts_nocase(a->answer->records[i].data, slice_of(version)))
                continue;
            found = slice_sub(a->answer->records[i].data, 0, 600);
            count++;
        }
    }
    if (count > 1)
        doctor_note(a->d, DOCTOR_FAIL, check, "%s: %u records begin with %s: only one may", name,
                    count, version);
    else if (count == 1)
        doctor_note(a->d, DOCTOR_OK, check, "%s: %.*s", name, (int)found.len, found.ptr);
    else if (a->answer->status != DNS_TEMPORARY)
        doctor_note(a->d, when_missing, check, "%s: there is no record%s", name, missing);
    if (count != 1 && publish != NULL)
        doctor_note(a->d, DOCTOR_WARN, "publish", "%s. IN TXT \"%s\"", name, publish);
}

/* Nothing but "-all" and its kin: whoever sends for the domain is refused. */
static bool
spf_allows_nobody(struct slice record)
{
    (void)slice_split(&record, ' '); /* v=spf1 */
    while (record.len > 0) {
        struct slice term = slice_split(&record, ' ');

        if (term.len > 0 && !slice_eq_nocase(term, SLICE("-all")) &&
            !slice_eq_nocase(term, SLICE("~all")) && !slice_eq_nocase(term, SLICE("?all")))
            return false;
    }
    return true;
}

static void
check_spf(struct asker *a)
{
    check_txt(a, "spf", a->domain, "v=spf1", "v=spf1 mx -all", "", DOCTOR_FAIL);
    for (uint32_t i = 0; a->answer->status == DNS_FOUND && i < a->answer->count; i++) {
        struct slice record = a->answer->records[i].data;

        if (slice_starts_nocase(record, SLICE("v=spf1")) && spf_allows_nobody(record))
            doctor_note(a->d, DOCTOR_FAIL, "spf",
                        "%s: the record lets no server send, ours neither: \"v=spf1 mx -all\" lets "
                        "the MX",
                        a->domain);
    }
}

/* Whether the records hold the right keys says `posthorn dkim check`. */
static void
check_dkim(struct asker *a)
{
    struct dkim_place place;
    const struct dkim_set *active = NULL;
    char *missing = xasprintf("; 'posthorn dkim show %s' prints it", a->domain);
    bool known = dkim_place_open(&place, a->d->cli, a->domain) == CLI_OK;

    if (known)
        active = dkim_domain_find(&place.domain, DKIM_ACTIVE);
    if (known && active == NULL)
        doctor_note(a->d, DOCTOR_WARN, "dkim",
                    "%s: its mail is not signed: 'posthorn dkim make %s' makes keys", a->domain,
                    a->domain);
    for (int i = 0; active != NULL && i < DKIM_ALGORITHMS; i++) {
        char selector[DKIM_NAME_MAX + 1];
        char *name;

        dkim_selector_name(active, (enum dkim_algorithm)i, selector);
        name = xasprintf("%s._domainkey.%s", selector, a->domain);
        check_txt(a, "dkim", name, "v=DKIM1", NULL, missing, DOCTOR_FAIL);
        free(name);
    }
    dkim_place_close(&place);
    free(missing);
}

static void
check_policies(struct asker *a)
{
    char *dmarc = xasprintf("_dmarc.%s", a->domain);
    char *report = xasprintf("v=DMARC1; p=none; rua=mailto:postmaster@%s", a->domain);

    check_spf(a);
    check_dkim(a);
    check_txt(a, "dmarc", dmarc, "v=DMARC1", report, "", DOCTOR_WARN);
    free(dmarc);
    free(report);
}

void
doctor_dns(struct doctor *d, const char *domain)
{
    struct asker a = {.d = d,
                      .domain = domain,
                      .host = conf_str(d->conf, SYSTEM_HOSTNAME),
                      .deadline_ms = clock_mono_ms() + ALL_TIMEOUT_MS};
    int run_dirfd = open(d->cli->inst.run, O_PATH | O_DIRECTORY | O_CLOEXEC);

    a.client = ipc_client_new(run_dirfd, DNSD_SOCKET, DNSD_PAYLOAD_MAX);
    a.answer = xcalloc(1, sizeof(*a.answer));
    if (ipc_client_connect(a.client, 2000) < 0) {
        doctor_note(d, DOCTOR_FAIL, "dns", "dnsd cannot be asked: %s; start it: posthorn start",
                    strerror(errno));
    } else {
        check_mx(&a);
        check_host(&a);
        check_policies(&a);
    }
    if (a.not_asked > 0)
        doctor_note(d, DOCTOR_FAIL, "dns",
                    "name servers do not answer: after %d s the other %u questions were not asked; "
                    "which servers those are says dns.servers, what happened 'posthorn log dns'",
                    ALL_TIMEOUT_MS / 1000, a.not_asked);
    ipc_client_free(&a.client);
    close_keep_errno(run_dirfd);
    free(a.answer);
}
