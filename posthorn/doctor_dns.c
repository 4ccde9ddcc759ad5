/*
 * posthorn/doctor_dns.c - what the world finds about a domain in the DNS, and what to publish.
 *
 * What every domain needs to send and receive; doctor_records.c has what is good to have besides.
 */
#include <stdlib.h>

#include "lib/base/mem.h"
#include "posthorn/dkim_place.h"
#include "posthorn/doctor_records.h"

#define LIST_MAX 2048

static void
check_mx(struct asker *a)
{
    struct strbuf found = strbuf_new(LIST_MAX);
    bool ours = false;

    if (asker_ask(a, DNS_MX, a->domain, "mx")) {
        for (uint32_t i = 0; i < a->answer->count; i++)
            ours = ours || asker_same_name(a->answer->records[i].data, a->host);
        asker_list(a, &found);
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

    if (asker_ask(a, DNS_PTR, address, "ptr"))
        for (uint32_t i = 0; i < a->answer->count; i++)
            ours = ours || asker_same_name(a->answer->records[i].data, a->host);
    asker_list(a, &found);
    if (ours)
        doctor_note(a->d, DOCTOR_OK, "ptr", "%s: PTR %s", address, strbuf_cstr(&found));
    else if (a->answer->status != DNS_TEMPORARY)
        doctor_note(a->d, DOCTOR_FAIL, "ptr",
                    "%s: PTR %s, not %s: ask who gave you the address to set it", address,
                    found.len > 0 ? strbuf_cstr(&found) : "none", a->host);
    strbuf_free(&found);
}

/* Addresses of one family. */
static void
check_addresses(struct asker *a, uint16_t rr)
{
    size_t first = a->address_count;

    if (!asker_ask(a, rr, a->host, "address"))
        return;
    for (uint32_t i = 0; i < a->answer->count && a->address_count < ASKER_ADDRESSES_MAX; i++)
        a->address_count += asker_address(a, i, a->addresses[a->address_count]);
    for (size_t i = first; i < a->address_count;
         i++) { /* the next question overwrites the answer */
        doctor_note(a->d, DOCTOR_OK, "address", "%s: %s", a->host, a->addresses[i]);
        check_ptr(a, a->addresses[i]);
    }
}

static void
check_host(struct asker *a)
{
    check_addresses(a, DNS_A);
    check_addresses(a, DNS_AAAA);
    if (a->address_count == 0)
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

    if (asker_ask(a, DNS_TXT, name, check)) {
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
    struct asker a;

    if (asker_open(&a, d, domain)) {
        check_mx(&a);
        check_host(&a);
        check_policies(&a);
        doctor_records(&a);
        doctor_lists(&a);
    }
    asker_close(&a);
}
