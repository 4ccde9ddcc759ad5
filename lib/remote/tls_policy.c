/*
 * lib/remote/tls_policy.c - decides what TLS the connection to one server must have.
 *
 * Input:  the table (trusted), dnsd's answers with their DNSSEC verdict, the message's wish. All
 *         questions are about names that the route was found by, so most answers are in dnsd's
 *         cache. Opens no socket and no file.
 * In doubt the answer is "not now": a question that failed may have been made to fail.
 */
#include "lib/remote/tls_policy.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/mail/address.h"

/* How far the name of the server can be trusted to be the domain's. */
enum mx_trust {
    MX_SIGNED,
    MX_UNSIGNED,
    MX_DIRECT, /* no MX stands between: the server's name is the next hop's own */
    MX_FAILED,
};

/* ---- what there may be for a decision ---- */

__attribute__((format(printf, 4, 5))) static void
refuse(struct tls_policy *p, unsigned code, const char *dsn, const char *format, ...)
{
    va_list args;

    p->level = TLS_LEVEL_REFUSED;
    p->why = (struct smtp_verdict){.code = code};
    (void)snprintf(p->why.dsn, sizeof(p->why.dsn), "%s", dsn);
    va_start(args, format);
    (void)vsnprintf(p->why.text, sizeof(p->why.text), format, args);
    va_end(args);
}

/* Clear text, opportunistic TLS, or TLS with anybody. */
static void
set_level(struct tls_policy *p, enum tls_level level)
{
    p->level = level;
    p->options.demand_tls = level == TLS_LEVEL_ENCRYPT;
    p->options.tls = level == TLS_LEVEL_NONE ? NULL : p->settings->client.tls;
}

/* `count` of p->names have been filled in; 0: the server's name. */
static void
set_verify(struct tls_policy *p, size_t count)
{
    p->level = TLS_LEVEL_VERIFY;
    p->check = (struct tls_check){.server_name = p->host, .names = p->names, .name_count = count};
    p->options.demand_tls = true;
    p->options.tls = p->settings->authority_tls;
    p->options.check = &p->check;
}

/* RFC 7672 section 3.2.2: besides the base domain the certificate may have the next hop's names, if
 * DNSSEC vouches for the way from there to here. */
static void
set_dane(struct tls_policy *p, enum mx_trust trust)
{
    size_t count = 0;

    p->names[count++] = p->dane.base;
    if (trust == MX_DIRECT)
        p->names[count++] = p->host;
    if (trust == MX_SIGNED) {
        p->names[count++] = p->domain;
        p->names[count++] = p->mx_target;
    }
    p->level = TLS_LEVEL_DANE;
    p->check = (struct tls_check){.server_name = p->dane.base,
                                  .names = p->names,
                                  .name_count = count,
                                  .tlsa = p->dane.records,
                                  .tlsa_count = p->dane.count};
    p->options.demand_tls = true;
    p->options.tls = p->settings->dane_tls;
    p->options.check = &p->check;
}

static void
set_names_of_rule(struct tls_policy *p, const struct tls_rule *rule)
{
    for (size_t i = 0; i < rule->name_count; i++)
        p->names[i] = rule->names[i];
    set_verify(p, rule->name_count);
}

/* A relay host is known by its own name alone. */
static void
set_names_of_domain(struct tls_policy *p)
{
    if (p->domain[0] == '\0') {
        set_verify(p, 0);
        return;
    }
    (void)snprintf(p->below, sizeof(p->below), ".%s", p->domain);
    p->names[0] = p->domain;
    p->names[1] = p->below;
    set_verify(p, 2);
}

/* ---- what DNS says ---- */

static struct dane_asker
asker_of(const struct tls_policy *p)
{
    return (struct dane_asker){.dns = p->dns,
                               .deadline_mono_ms = clock_mono_ms() + p->settings->dns_timeout_ms,
                               .use_ipv4 = p->settings->use_ipv4,
                               .use_ipv6 = p->settings->use_ipv6};
}

static bool
is_listed(const struct dnsd_answer *answer, const char *host)
{
    for (uint32_t i = 0; i < answer->count; i++)
        if (slice_eq_nocase(answer->records[i].data, slice_of(host)))
            return true;
    return false;
}

/* Asked again rather than remembered from the route: the verdict is then about what counts now, and
 * a host that the signed answer does not name is none of the domain's. */
static enum mx_trust
ask_mx(struct tls_policy *p, const struct dane_asker *asker)
{
    struct dnsd_answer answer;

    if (p->domain[0] == '\0')
        return MX_DIRECT;
    dane_ask(asker, DNS_MX, slice_of(p->domain), &answer);
    if (answer.status == DNS_TEMPORARY || answer.canonical.len > DNSD_NAME_MAX)
        return MX_FAILED;
    if (answer.status != DNS_FOUND)
        return MX_DIRECT;
    if (!answer.secure)
        return MX_UNSIGNED;
    (void)snprintf(p->mx_target, sizeof(p->mx_target), "%.*s", (int)answer.canonical.len,
                   answer.canonical.ptr);
    return is_listed(&answer, p->host) ? MX_SIGNED : MX_FAILED;
}

static bool
is_address(const char *host)
{
    struct address_ip ip;

    return host[0] == '[' || address_ip_parse(slice_of(host), &ip) == 0;
}

/* RFC 7672 section 2.2. False: the server publishes nothing that counts. */
static bool
decide_by_dane(struct tls_policy *p, const struct dane_asker *asker, enum mx_trust trust)
{
    const char *what;

    if (is_address(p->host))
        return false;
    switch (dane_look_up(asker, p->host, p->port, &p->dane, &what)) {
    case DANE_NONE:
        return false;
    case DANE_FAILED:
        p->source = "dane";
        p->applied = OUTCOME_TLSA;
        p->fault = OUTCOME_DNSSEC_INVALID;
        refuse(p, 0, "4.7.5", "%s: DNS gives no certain answer about %s (DANE)", p->host, what);
        return true;
    case DANE_FOUND:
        break;
    }
    p->source = "dane";
    p->applied = OUTCOME_TLSA;
    if (tls_usable_tlsa(p->settings->dane_tls, p->dane.records, p->dane.count) > 0) {
        set_dane(p, trust);
        return true;
    }
    p->fault = OUTCOME_TLSA_INVALID;
    set_level(p, TLS_LEVEL_ENCRYPT);
    return true;
}

/* ---- wishes ---- */

static void
decide_by_default(struct tls_policy *p)
{
    p->source = "default";
    set_level(p, !p->settings->use_starttls ? TLS_LEVEL_NONE : TLS_LEVEL_MAY);
    if (p->settings->client.demand_tls)
        set_level(p, TLS_LEVEL_ENCRYPT);
}

static void
refuse_unnamed(struct tls_policy *p)
{
    p->reported = false;
    refuse(p, 0, "4.4.3", "no answer from DNS about %s that names %s", p->domain, p->host);
}

/* RFC 8461 section 5: with "testing" the mail goes as if there were no policy, and what would have
 * held it up is reported. */
static void
decide_testing(struct tls_policy *p, bool allowed)
{
    decide_by_default(p);
    p->source = "mta-sts-testing";
    if (!allowed || p->level == TLS_LEVEL_NONE)
        return;
    p->check = (struct tls_check){.server_name = p->host, .note_only = true};
    p->options.tls = p->settings->authority_tls;
    p->options.check = &p->check;
}

/* RFC 8461 section 5. False: there is no policy that counts. */
static bool
decide_by_sts(struct tls_policy *p, const struct dane_asker *asker)
{
    bool allowed;

    if (p->policy_domain[0] == '\0' || !p->settings->heed_sts)
        return false;
    if (!p->sts_asked &&
        sts_look_up(p->dns, p->stsd, p->policy_domain, asker->deadline_mono_ms, &p->sts) < 0) {
        p->source = "mta-sts";
        p->reported = false;
        refuse(p, 0, "4.4.3", "%s: stsd does not tell the MTA-STS policy of %s", p->host,
               p->policy_domain);
        return true;
    }
    p->sts_asked = true;
    if (p->sts.policy.mode == STS_NONE)
        return false;
    allowed = sts_policy_allows(&p->sts.policy, slice_of(p->host));
    p->source = "mta-sts";
    p->applied = OUTCOME_STS;
    p->fault = allowed ? OUTCOME_SUCCESS : OUTCOME_VALIDATION;
    if (p->sts.policy.mode == STS_TESTING)
        decide_testing(p, allowed);
    else if (allowed)
        set_verify(p, 0);
    else
        refuse(p, 0, "4.7.5", "%s: not one of the servers in the MTA-STS policy of %s", p->host,
               p->policy_domain);
    return true;
}

/* A domain that has both is held to DANE: its failure is not made good by MTA-STS (RFC 8461 section
 * 2). */
static void
decide_as_published(struct tls_policy *p, bool heed_dane)
{
    struct dane_asker asker = asker_of(p);

    p->reported = p->policy_domain[0] != '\0';
    if (heed_dane) {
        enum mx_trust trust = ask_mx(p, &asker);

        if (trust == MX_FAILED) {
            refuse_unnamed(p);
            return;
        }
        if (decide_by_dane(p, &asker, trust))
            return;
    }
    if (!decide_by_sts(p, &asker))
        decide_by_default(p);
}

static void
decide_dane_only(struct tls_policy *p)
{
    struct dane_asker asker = asker_of(p);
    enum mx_trust trust = ask_mx(p, &asker);

    p->reported = p->policy_domain[0] != '\0';
    p->applied = OUTCOME_TLSA;
    p->fault = OUTCOME_DANE_REQUIRED; /* unless there is something to go by */
    if (trust == MX_FAILED)
        refuse_unnamed(p);
    else if (trust == MX_UNSIGNED)
        refuse(p, 0, "4.7.5", "%s: dane-only, and the domain is not signed", p->host);
    else if (!decide_by_dane(p, &asker, trust))
        refuse(p, 0, "4.7.5", "%s: dane-only, and there is no TLSA record", p->host);
    else if (p->level == TLS_LEVEL_ENCRYPT)
        refuse(p, 0, "4.7.5", "%s: dane-only, and the TLSA records are of no use", p->host);
    else if (p->level == TLS_LEVEL_DANE)
        p->fault = OUTCOME_SUCCESS;
}

static void
decide_by_rule(struct tls_policy *p, const struct tls_rule *rule)
{
    p->source = "table";
    p->line = rule->line;
    switch (rule->wish) {
    case TLS_WISH_NONE:
        set_level(p, TLS_LEVEL_NONE);
        break;
    case TLS_WISH_MAY:
        set_level(p, TLS_LEVEL_MAY);
        break;
    case TLS_WISH_ENCRYPT:
        set_level(p, TLS_LEVEL_ENCRYPT);
        break;
    case TLS_WISH_DANE:
        decide_as_published(p, true);
        break;
    case TLS_WISH_DANE_ONLY:
        decide_dane_only(p);
        break;
    case TLS_WISH_VERIFY:
        set_names_of_rule(p, rule);
        break;
    case TLS_WISH_SECURE:
        set_names_of_domain(p);
        break;
    }
}

/* RFC 8689 section 4.2.1: a name that is certain, and a certificate that fits it. Where what the
 * domain publishes has not led to that, authorities may vouch for the server's name. */
static void
require_tls(struct tls_policy *p)
{
    struct dane_asker asker = asker_of(p);
    enum mx_trust trust;

    if (p->level == TLS_LEVEL_REFUSED || p->level == TLS_LEVEL_VERIFY)
        return;
    if (p->level != TLS_LEVEL_DANE) {
        p->source = "requiretls";
        p->reported = false; /* it is the message that wants it */
    }
    trust = ask_mx(p, &asker);
    if (trust == MX_FAILED)
        refuse_unnamed(p);
    else if (trust == MX_UNSIGNED || !p->settings->use_starttls)
        refuse(p, 550, "5.7.30",
               "%s: REQUIRETLS, and nothing proves that this server is the recipient's", p->host);
    else if (p->level != TLS_LEVEL_DANE)
        set_verify(p, 0);
}

static uint16_t
port_of(const struct smtp_peer *peer)
{
    if (peer->address.ss_family == AF_UNIX)
        return 0;
    return ntohs(peer->address.ss_family == AF_INET
                     ? ((const struct sockaddr_in *)&peer->address)->sin_port
                     : ((const struct sockaddr_in6 *)&peer->address)->sin6_port);
}

/* RFC 8461 section 3.4: a server that the configuration names is its own policy domain. One that
 * has no name of the DNS, or speaks another protocol, has no policy. */
static void
take_policy_domain(struct tls_policy *p, const struct smtp_peer *peer)
{
    struct strbuf name = strbuf_new(CANONICAL_DOMAIN_MAX);
    struct slice host = slice_of(p->host);

    p->policy_domain[0] = '\0';
    if (p->domain[0] != '\0') {
        (void)snprintf(p->policy_domain, sizeof(p->policy_domain), "%s", p->domain);
    } else if (!peer->is_lmtp && !is_address(p->host) && slice_index(host, '.') < host.len &&
               canonical_domain(host, &name) == 0) {
        (void)snprintf(p->policy_domain, sizeof(p->policy_domain), "%s", strbuf_cstr(&name));
        p->sts_asked = false;
    }
    strbuf_free(&name);
}

/* ---- the decision ---- */

void
tls_policy_decide(struct tls_policy *p, const struct smtp_peer *peer)
{
    uint16_t port = port_of(peer);
    const struct tls_rule *rule = p->rule;
    const char *name = peer->host[0] == '[' ? peer->ip : peer->host;

    if (strcmp(p->host, name) == 0 && p->port == port)
        return;
    (void)snprintf(p->host, sizeof(p->host), "%s", name);
    p->port = port;
    p->options = p->settings->client;
    p->line = 0;
    take_policy_domain(p, peer);
    p->reported = false;
    p->applied = OUTCOME_NO_POLICY;
    p->fault = OUTCOME_SUCCESS;
    if (p->domain[0] == '\0')
        rule = tls_table_find(p->settings->tls_table, slice_of(p->host));
    if (peer->address.ss_family == AF_UNIX) { /* leaves this machine by no wire */
        p->source = "unix";
        set_level(p, TLS_LEVEL_NONE);
    } else if (peer->login != NULL) { /* lib/smtp/smtp_client.h: verified in any case */
        p->source = "login";
        p->level = TLS_LEVEL_VERIFY;
    } else if (rule != NULL) {
        decide_by_rule(p, rule);
    } else if (p->request == TLS_REQUEST_OPTIONAL) {
        decide_by_default(p);
    } else {
        decide_as_published(p, p->settings->heed_dane);
    }
    if (p->request == TLS_REQUEST_REQUIRED)
        require_tls(p);
    if (peer->tls_at_once && p->options.tls == NULL)
        p->options.tls = p->settings->client.tls;
}

enum conf_id
tls_policy_setting(const struct tls_policy *p)
{
    static const struct {
        const char *source;
        enum conf_id setting;
    } settings[] = {{"dane", REMOTE_DANE},
                    {"mta-sts", REMOTE_MTA_STS},
                    {"mta-sts-testing", REMOTE_MTA_STS},
                    {"login", REMOTE_RELAY_CA}};

    if (p->source == NULL)
        return CONF_NO_SETTING;
    if (p->line > 0)
        return REMOTE_TLS_TABLE;
    if (strcmp(p->source, "default") == 0)
        return p->settings->client.demand_tls ? REMOTE_DEMAND_TLS : REMOTE_USE_STARTTLS;
    for (size_t i = 0; i < ARRAY_LEN(settings); i++)
        if (strcmp(p->source, settings[i].source) == 0)
            return settings[i].setting;
    return CONF_NO_SETTING;
}

/* ---- begin and end ---- */

void
tls_policy_begin(struct tls_policy *p, const struct remote_settings *settings,
                 struct ipc_client *dns, struct ipc_client *stsd, struct slice next_hop,
                 enum tls_request request)
{
    struct strbuf name = strbuf_new(CANONICAL_DOMAIN_MAX);

    *p = (struct tls_policy){.settings = settings,
                             .dns = dns,
                             .stsd = stsd,
                             .request = request,
                             .dane = dane_new(),
                             .sts = sts_new()};
    if (next_hop.len > 0 && next_hop.ptr[0] != '[' && canonical_domain(next_hop, &name) == 0) {
        (void)snprintf(p->domain, sizeof(p->domain), "%s", strbuf_cstr(&name));
        p->rule = tls_table_find(settings->tls_table, strbuf_slice(&name));
    }
    strbuf_free(&name);
}

void
tls_policy_end(struct tls_policy *p)
{
    dane_free(&p->dane);
    sts_free(&p->sts);
}

const char *
tls_policy_word(enum tls_level level)
{
    static const char *const words[] = {
        [TLS_LEVEL_NONE] = "none",     [TLS_LEVEL_MAY] = "may",   [TLS_LEVEL_ENCRYPT] = "encrypt",
        [TLS_LEVEL_VERIFY] = "verify", [TLS_LEVEL_DANE] = "dane", [TLS_LEVEL_REFUSED] = "refused",
    };

    return words[level];
}
