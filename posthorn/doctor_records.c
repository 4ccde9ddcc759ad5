/*
 * posthorn/doctor_records.c - records that are good to have; what is there has to be right.
 */
#include "posthorn/doctor_records.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/dns/name.h"
#include "lib/ipc/client.h"
#include "lib/ipc/stsd.h"
#include "lib/tls/tlsa_data.h"
#include "lib/tlsrpt/record.h"
#include "posthorn/zone_records.h"

enum { TEXT_MAX = 2048, POLICY_TIMEOUT_MS = 10000 };

static void
hint(struct asker *a, const char *check, const char *name, const char *what_for)
{
    if (a->answer->status != DNS_TEMPORARY)
        doctor_note(a->d, DOCTOR_HINT, check,
                    "%s: there is no record; %s ('posthorn doctor --zone %s' prints it)", name,
                    what_for, a->domain);
}

/* ---- MTA-STS (RFC 8461) and TLS-RPT (RFC 8460) ---- */

static bool
find_sts_id(const struct asker *a, struct slice *id, bool *damaged)
{
    bool found = false;

    *damaged = false;
    for (uint32_t i = 0; i < a->answer->count; i++) {
        int rc = sts_record_parse(a->answer->records[i].data, id);

        *damaged = *damaged || rc < 0 || (rc == 0 && found); /* two are none: section 3.1 */
        found = found || rc == 0;
    }
    return found && !*damaged;
}

static void
judge_policy(struct asker *a, const char *name, struct slice text)
{
    struct sts_policy policy;
    const char *why = text.len == 0 ? "no policy can be fetched from its web server"
                                    : sts_policy_parse(text, &policy);

    if (why != NULL)
        doctor_note(a->d, DOCTOR_FAIL, "mta-sts", "%s: there is a record, but %s", name, why);
    else if (policy.mode != STS_NONE && !sts_policy_allows(&policy, slice_of(a->host)))
        doctor_note(a->d, DOCTOR_FAIL, "mta-sts",
                    "%s: the policy does not allow %s: servers that heed it will not deliver", name,
                    a->host);
    else
        doctor_note(a->d, DOCTOR_OK, "mta-sts", "%s: mode %s", name, sts_mode_word(policy.mode));
}

/* stsd fetches it as it does for mail that goes there. */
static void
check_policy(struct asker *a, const char *name, struct slice id)
{
    int run_dirfd = open(a->d->cli->inst.run, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct ipc_client *sts = ipc_client_new(run_dirfd, STSD_SOCKET, STSD_PAYLOAD_MAX);
    const struct stsd_query query = {.domain = slice_of(a->domain), .id = id};
    struct strbuf text = strbuf_new(STS_TEXT_MAX + 1);

    if (stsd_call(sts, &query, POLICY_TIMEOUT_MS, &text) < 0)
        doctor_note(a->d, DOCTOR_WARN, "mta-sts", "%s: stsd cannot be asked for the policy", name);
    else
        judge_policy(a, name, strbuf_slice(&text));
    strbuf_free(&text);
    ipc_client_free(&sts);
    close_keep_errno(run_dirfd);
}

static void
check_mta_sts(struct asker *a)
{
    char *name = xasprintf("_mta-sts.%s", a->domain);
    struct slice id = SLICE("");
    bool damaged = false;

    if (asker_ask(a, DNS_TXT, name, "mta-sts") && find_sts_id(a, &id, &damaged))
        check_policy(a, name, id);
    else if (damaged)
        doctor_note(a->d, DOCTOR_FAIL, "mta-sts", "%s: the record is damaged, or there are two",
                    name);
    else if (a->answer->status != DNS_TEMPORARY)
        doctor_note(a->d, DOCTOR_HINT, "mta-sts",
                    "%s: there is no record: a policy on a web server would make others insist on "
                    "TLS (RFC 8461)",
                    name);
    free(name);
}

static void
check_tls_reports(struct asker *a)
{
    char *name = xasprintf("_smtp._tls.%s", a->domain);
    unsigned good = 0, bad = 0;

    if (asker_ask(a, DNS_TXT, name, "tls-rpt"))
        for (uint32_t i = 0; i < a->answer->count; i++) {
            struct tlsrpt_record record;
            int rc = tlsrpt_record_parse(a->answer->records[i].data, &record);

            good += rc == 0;
            bad += rc < 0;
        }
    if (bad > 0 || good > 1)
        doctor_note(a->d, DOCTOR_FAIL, "tls-rpt", "%s: the record is damaged, or there are two",
                    name);
    else if (good == 1)
        doctor_note(a->d, DOCTOR_OK, "tls-rpt", "%s: reports are wanted", name);
    else
        hint(a, "tls-rpt", name, "with one others report failures of TLS");
    free(name);
}

/* ---- TLSA (RFC 6698, RFC 7672 section 3.1) ---- */

/* Of usage 3; what speaks of an authority is not ours to judge. */
static bool
fits_certificate(const struct dns_record *record, const char *cert_path)
{
    struct strbuf data = strbuf_new(65536), error = strbuf_new(TEXT_MAX);
    bool fits =
        record->preference >> 8 == TLSA_USAGE_EE &&
        tlsa_data(cert_path, record->preference & 0xff, record->weight, &data, &error) == 0 &&
        slice_eq(record->data, strbuf_slice(&data));

    strbuf_free(&data);
    strbuf_free(&error);
    return fits;
}

static void
judge_tlsa(struct asker *a, const char *name)
{
    char *cert = zone_certificate_path(a->d->conf, &a->d->cli->inst);
    unsigned authority = 0, fitting = 0;

    for (uint32_t i = 0; i < a->answer->count; i++) {
        fitting += fits_certificate(&a->answer->records[i], cert);
        authority += a->answer->records[i].preference >> 8 != TLSA_USAGE_EE;
    }
    if (!a->answer->secure)
        doctor_note(a->d, DOCTOR_WARN, "tlsa",
                    "%s: the zone is not signed, or not by a key that is known here: nobody heeds "
                    "the record",
                    name);
    else if (fitting > 0)
        doctor_note(a->d, DOCTOR_OK, "tlsa", "%s: speaks of our certificate", name);
    else if (authority > 0)
        doctor_note(a->d, DOCTOR_OK, "tlsa",
                    "%s: speaks of an authority, which is not looked at here", name);
    else
        doctor_note(a->d, DOCTOR_FAIL, "tlsa",
                    "%s: is not for our certificate: servers that heed it (DANE) will not deliver; "
                    "'posthorn doctor --zone %s' prints the right one",
                    name, a->domain);
    free(cert);
}

static void
check_tlsa(struct asker *a)
{
    char *name = xasprintf("_25._tcp.%s", a->host);

    if (asker_ask(a, DNS_TLSA, name, "tlsa"))
        judge_tlsa(a, name);
    else
        hint(a, "tlsa", name, "in a signed zone it makes others insist on our certificate (DANE)");
    free(name);
}

/* ---- where mail programs look (RFC 6186, RFC 8314 section 5.1) ---- */

/* The record that a zone of ours would have, compared with the one that is there. */
static void
check_srv(struct asker *a, const struct zone_record *wanted)
{
    struct slice text = slice_of(wanted->value); /* "0 1 587 mail.d.test." */
    uint64_t port;
    bool ours = false;

    (void)slice_split(&text, ' ');
    (void)slice_split(&text, ' ');
    port = strtoul(slice_split(&text, ' ').ptr, NULL, 10);
    if (!asker_ask(a, DNS_SRV, wanted->name, "srv")) {
        hint(a, "srv", wanted->name, "mail programs find the server by it");
        return;
    }
    for (uint32_t i = 0; i < a->answer->count; i++)
        ours = ours || (a->answer->records[i].port == port &&
                        asker_same_name(a->answer->records[i].data, a->host));
    doctor_note(a->d, ours ? DOCTOR_OK : DOCTOR_WARN, "srv", "%s: %.*s port %u%s", wanted->name,
                (int)a->answer->records[0].data.len, a->answer->records[0].data.ptr,
                a->answer->records[0].port, ours ? "" : ": that is not this server's service");
}

static void
check_clients(struct asker *a)
{
    struct zone_source source = {.conf = a->d->conf,
                                 .services = a->d->services,
                                 .inst = &a->d->cli->inst,
                                 .domain = a->domain};
    struct zone_records zone = zone_records_make(&source);
    char *autoconfig = xasprintf("autoconfig.%s", a->domain);

    for (size_t i = 0; i < zone.count; i++)
        if (strcmp(zone.records[i].type, "SRV") == 0)
            check_srv(a, &zone.records[i]);
    if (asker_ask(a, DNS_A, autoconfig, "autoconfig"))
        doctor_note(a->d, DOCTOR_OK, "autoconfig", "%s: leads to %.*s", autoconfig,
                    (int)a->answer->canonical.len, a->answer->canonical.ptr);
    zone_records_free(&zone);
    free(autoconfig);
}

void
doctor_records(struct asker *a)
{
    check_mta_sts(a);
    check_tls_reports(a);
    check_tlsa(a);
    check_clients(a);
}

/* ---- block lists (RFC 5782) ---- */

/* 127.255.255.x is what some lists answer to whom they do not serve: section 2.1 keeps 127.0.0.0/8
 * for entries, and no list has entries there. */
static bool
is_refusal(struct slice data)
{
    return data.len == 4 && memcmp(data.ptr, "\x7f\xff\xff", 3) == 0;
}

static void
check_list(struct asker *a, const char *list, const char *address)
{
    struct strbuf name = strbuf_new(DNS_NAME_TEXT_MAX + 1);
    size_t suffix;

    if (dns_name_reverse(slice_of(address), &name) < 0) {
        strbuf_free(&name);
        return;
    }
    suffix = slice_find(strbuf_slice(&name),
                        strchr(address, ':') != NULL ? SLICE(".ip6.arpa") : SLICE(".in-addr.arpa"));
    strbuf_truncate(&name, suffix);
    (void)strbuf_printf(&name, ".%s", list);
    if (name.overflow || !asker_ask(a, DNS_A, strbuf_cstr(&name), "block_list")) {
        if (a->answer->status != DNS_TEMPORARY)
            doctor_note(a->d, DOCTOR_OK, "block_list", "%s is not on %s", address, list);
    } else if (a->answer->records[0].data.len != 4 || a->answer->records[0].data.ptr[0] != 127) {
        doctor_note(a->d, DOCTOR_WARN, "block_list",
                    "%s is no block list any more: it answers with an address of the world", list);
    } else if (is_refusal(a->answer->records[0].data)) {
        doctor_note(a->d, DOCTOR_WARN, "block_list",
                    "%s does not answer our name servers (dns.servers): others will not know "
                    "either way",
                    list);
    } else {
        struct slice reason;

        reason = asker_ask(a, DNS_TXT, strbuf_cstr(&name), "block_list")
                     ? slice_sub(a->answer->records[0].data, 0, 300)
                     : SLICE("it gives no reason");
        doctor_note(a->d, DOCTOR_FAIL, "block_list", "%s is on %s: %.*s", address, list,
                    (int)reason.len, reason.ptr);
    }
    strbuf_free(&name);
}

void
doctor_lists(struct asker *a)
{
    for (size_t i = 0; i < conf_list_count(a->d->conf, DOCTOR_BLOCK_LISTS); i++)
        for (size_t k = 0; k < a->address_count; k++)
            check_list(a, conf_list_item(a->d->conf, DOCTOR_BLOCK_LISTS, i), a->addresses[k]);
}
