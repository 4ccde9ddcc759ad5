/*
 * lib/remote/dane.c - finds the TLSA records of one server (RFC 7672 section 2.2).
 *
 * Input:  dnsd's answers, whose `secure` is its DNSSEC verdict. What they hold was written by
 *         whoever owns the domain. Opens no socket and no file.
 * A forged or missing answer never means "no records": an attacker could make TLS go away by it
 * (section 2.1.2).
 */
#include "lib/remote/dane.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"

struct dane
dane_new(void)
{
    return (struct dane){.bytes = strbuf_new(DANE_BYTES_MAX)};
}

void
dane_free(struct dane *dane)
{
    strbuf_free(&dane->bytes);
}

void
dane_ask(const struct dane_asker *asker, enum dns_rr rr, struct slice name,
         struct dnsd_answer *answer)
{
    int64_t left = asker->deadline_mono_ms - clock_mono_ms();

    dnsd_call(asker->dns, (uint16_t)rr, name, left < 1 ? 1 : (int)left, answer);
}

/* What is known of a host's addresses. */
struct address_facts {
    bool found, secure; /* secure: each of the answers that had an address */
    bool is_alias;
    char canonical[DNSD_NAME_MAX + 1];
};

static void
add_facts(struct address_facts *facts, const struct dnsd_answer *answer, struct slice host)
{
    struct slice name = answer->canonical;

    if (answer->status != DNS_FOUND || name.len > DNSD_NAME_MAX)
        return;
    facts->secure = answer->secure && (facts->secure || !facts->found);
    facts->found = true;
    facts->is_alias = !slice_eq_nocase(name, host);
    memcpy(facts->canonical, name.ptr, name.len);
    facts->canonical[name.len] = '\0';
}

/* Both kinds, before any question for TLSA: name servers of unsigned zones may not answer that one
 * (section 2.2.2). */
static struct address_facts
ask_addresses(const struct dane_asker *asker, struct slice host)
{
    struct address_facts facts = {.found = false};
    struct dnsd_answer answer;

    if (asker->use_ipv6) {
        dane_ask(asker, DNS_AAAA, host, &answer);
        add_facts(&facts, &answer, host);
    }
    if (asker->use_ipv4) {
        dane_ask(asker, DNS_A, host, &answer);
        add_facts(&facts, &answer, host);
    }
    return facts;
}

/* Copies, because an answer borrows from the client's buffer until the next question. The buffer
 * has all its room from the start: it never moves. */
static void
take_records(struct dane *dane, const struct dnsd_answer *answer)
{
    dane->count = 0;
    strbuf_clear(&dane->bytes);
    if (strbuf_room(&dane->bytes, DANE_BYTES_MAX) == NULL)
        return;
    for (uint32_t i = 0; i < answer->count && dane->count < DANE_RECORDS_MAX; i++) {
        const struct dns_record *r = &answer->records[i];
        size_t start = dane->bytes.len;

        if (!strbuf_append(&dane->bytes, r->data))
            continue;
        dane->records[dane->count++] =
            (struct tls_tlsa){.usage = (uint8_t)(r->preference >> 8),
                              .selector = (uint8_t)r->preference,
                              .matching = (uint8_t)r->weight,
                              .data = slice_make(dane->bytes.ptr + start, r->data.len)};
    }
}

/* Section 2.2.3, one candidate for the base domain. */
static enum dane_status
ask_tlsa(const struct dane_asker *asker, const char *base, uint16_t port, struct dane *dane)
{
    char name[DNSD_NAME_MAX + 16];
    struct dnsd_answer answer;

    (void)snprintf(name, sizeof(name), "_%u._tcp.%s", (unsigned)port, base);
    dane_ask(asker, DNS_TLSA, slice_of(name), &answer);
    if (answer.status == DNS_TEMPORARY)
        return strlen(name) > DNSD_NAME_MAX ? DANE_NONE : DANE_FAILED; /* no such name can be */
    if (answer.status != DNS_FOUND || !answer.secure)
        return DANE_NONE;
    (void)snprintf(dane->base, sizeof(dane->base), "%s", base);
    take_records(dane, &answer);
    return DANE_FOUND;
}

/* Section 2.2.2, "insecure CNAME": is it at least certain where the alias starts? */
static enum dane_status
ask_alias(const struct dane_asker *asker, struct slice host)
{
    struct dnsd_answer answer;

    dane_ask(asker, DNS_CNAME, host, &answer);
    if (answer.status == DNS_TEMPORARY)
        return DANE_FAILED;
    return answer.status == DNS_FOUND && answer.secure ? DANE_FOUND : DANE_NONE;
}

enum dane_status
dane_look_up(const struct dane_asker *asker, const char *host, uint16_t port, struct dane *dane,
             const char **what)
{
    struct address_facts facts = ask_addresses(asker, slice_of(host));
    enum dane_status status = DANE_NONE;

    dane->count = 0;
    *what = "its addresses";
    if (!facts.found)
        return DANE_FAILED;
    if (!facts.secure && !facts.is_alias)
        return DANE_NONE;
    *what = "its CNAME record";
    if (!facts.secure && (status = ask_alias(asker, slice_of(host))) != DANE_FOUND)
        return status;
    *what = "its TLSA records";
    status = DANE_NONE;
    if (facts.secure && facts.is_alias)
        status = ask_tlsa(asker, facts.canonical, port, dane);
    return status == DANE_NONE ? ask_tlsa(asker, host, port, dane) : status;
}
