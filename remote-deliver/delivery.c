/*
 * remote-deliver/delivery.c - tries the servers of a next hop until every recipient has a verdict.
 *
 * 2xx is delivered, 5xx is final, all else is tried at the next server and then left for later; a
 * message that was sent whole and got no answer is left for later at once, since the next server
 * might deliver it a second time.
 * The servers and DNS are untrusted; the message comes as one read-only descriptor.
 */
#include "remote-deliver/delivery.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"
#include "lib/remote/route.h"
#include "lib/remote/ways.h"
#include "lib/smtp/smtp_send.h"
#include "remote-deliver/outgoing.h"
#include "remote-deliver/tls_outcome.h"

enum {
    LIMITED_SESSIONS_MAX = 20, /* with one server that takes few recipients in each */
    SESSIONS_MAX = 2,  /* servers that may give their opinion of one message in one attempt */
    RETRY_PAUSE_S = 1, /* between two attempts to reach one relay */
};

struct delivery {
    struct courier *courier;
    const struct queue_job *job;
    struct way ways[WAYS_MAX];
    size_t way_count, way; /* the one that is being tried, or was last */
    struct outgoing outgoing;
    struct smtp_recipient *rcpts;
    struct queue_result_rcpt *results;
    size_t count;
    bool reached;             /* a server got as far as MAIL */
    struct smtp_verdict last; /* the latest trouble on the way to a server */
    bool must_wait;           /* whichever server there is: everybody has been told */
    int64_t deadline;
    enum tls_request request;
    struct tls_policy tls;     /* of the servers that are being tried */
    struct proxy proxy;        /* with its address of now; its texts are the settings' */
    struct smtp_verdict unfit; /* why a server may not get what needs TLS; text "": none such */
    bool other_trouble;        /* with another server, which may be fit when it is over */
};

struct counters
counters_open(struct stats *stats)
{
    return (struct counters){
        .messages = stats_counter(stats, "messages_sent"),
        .sent = stats_counter(stats, "recipients_sent"),
        .deferred = stats_counter(stats, "recipients_deferred"),
        .bounced = stats_counter(stats, "recipients_bounced"),
        .bytes = stats_counter(stats, "bytes_sent"),
    };
}

/* ---- recipients ---- */

static bool
is_open(const struct smtp_recipient *r)
{
    return r->outcome == SMTP_UNTRIED || r->outcome == SMTP_TEMPORARY;
}

static size_t
count_open(const struct delivery *d)
{
    size_t open = 0;

    for (size_t i = 0; i < d->count; i++)
        open += is_open(&d->rcpts[i]);
    return open;
}

/* Those that no server has spoken about get the trouble on the way as their verdict. */
static void
conclude_rest(struct delivery *d, enum smtp_outcome outcome)
{
    for (size_t i = 0; i < d->count; i++) {
        if (d->rcpts[i].outcome != SMTP_UNTRIED || d->rcpts[i].verdict.text[0] != '\0')
            continue;
        d->rcpts[i].outcome = outcome;
        d->rcpts[i].verdict = d->last;
    }
}

/* ---- servers ---- */

/* Recipients that the server put off because there were too many of them. */
static size_t
count_too_many(const struct delivery *d)
{
    size_t count = 0;

    for (size_t i = 0; i < d->count; i++)
        count += is_open(&d->rcpts[i]) && d->rcpts[i].verdict.code == 452;
    return count;
}

/* A server that the configuration names may have a sender of its own; the null sender stays: an
 * answer to a notice would go round in circles (RFC 5321 section 4.5.5). */
static struct slice
sender_for(const struct delivery *d, const struct host *host)
{
    if (host == NULL || host->route.sender == NULL || d->job->sender.len == 0)
        return d->job->sender;
    return slice_of(host->route.sender);
}

/* Makes the message fit for this server. False: it cannot get it, and everybody is told why. */
static bool
prepare(struct delivery *d, const struct smtp_client *client)
{
    struct smtp_verdict why;
    enum outgoing_result result = outgoing_prepare(&d->outgoing, client, &why);

    if (result == OUTGOING_READY)
        return true;
    d->must_wait = result == OUTGOING_LATER;
    for (size_t i = 0; i < d->count; i++) {
        if (!is_open(&d->rcpts[i]))
            continue;
        d->rcpts[i].outcome = d->must_wait ? SMTP_TEMPORARY : SMTP_PERMANENT;
        d->rcpts[i].verdict = why;
        (void)snprintf(d->rcpts[i].remote, sizeof(d->rcpts[i].remote), "%s",
                       d->must_wait ? "" : smtp_client_peer(client)->host);
    }
    return false;
}

/* A server that takes some recipients and says "too many" to the rest wants another transaction
 * (RFC 5321 section 4.5.3.1.10): as long as each one gets something done. */
static void
send_over(struct delivery *d, const struct connection *c)
{
    size_t open = count_open(d), before;

    if (d->must_wait || !prepare(d, c->client))
        return;
    d->outgoing.message.sender = sender_for(d, c->host);
    do {
        before = open;
        smtp_client_set_deadline(c->client, d->deadline);
        smtp_send(c->client, &d->outgoing.message, d->rcpts, d->count);
        open = count_open(d);
    } while (open < before && count_too_many(d) > 0 && smtp_client_is_alive(c->client));
}

/* A bounce tells its sender so little that it goes even where REQUIRETLS cannot be had (RFC 8689
 * section 5). */
static enum tls_request
request_of(const struct queue_job *job)
{
    if (job->requiretls)
        return job->sender.len > 0 ? TLS_REQUEST_REQUIRED : TLS_REQUEST_NONE;
    return job->tls_optional ? TLS_REQUEST_OPTIONAL : TLS_REQUEST_NONE;
}

/* What a kept connection is good for: with a relay for everything it leads to any destination. */
static struct slice
connection_key(const struct delivery *d)
{
    if (d->ways[0].setting == REMOTE_RELAY_HOSTS)
        return SLICE("*");
    return d->job->next_hop;
}

/* The server's limits (RFC 9422) allow another message in this session, from whatever job comes. */
static bool
may_go_on(const struct delivery *d, const struct smtp_client *client)
{
    bool one_domain = slice_eq(connection_key(d), d->job->next_hop);

    return smtp_client_takes_mail(client) &&
           (smtp_client_limits(client)->rcpt_domains == 0 || one_domain);
}

static void
keep_or_close(struct delivery *d, struct connection *c)
{
    const struct remote_settings *s = d->courier->settings;

    c->messages++;
    if (smtp_client_is_alive(c->client) && s->idle_ms > 0 && may_go_on(d, c->client) &&
        c->messages < s->messages_per_connection &&
        d->request != TLS_REQUEST_OPTIONAL) /* the next message may want more */
        connections_keep(&d->courier->connections, connection_key(d), c,
                         clock_mono_ms() + s->idle_ms);
    else
        smtp_client_close(&c->client);
}

/* An open connection may have died while it waited: then it was as if there had been none. */
static void
try_kept_connection(struct delivery *d)
{
    struct connection c;

    if (d->request == TLS_REQUEST_REQUIRED) /* nobody knows any more how they were verified */
        return;
    if (!connections_take(&d->courier->connections, connection_key(d), &c))
        return;
    send_over(d, &c);
    for (size_t i = 0; i < d->count; i++)
        if (d->rcpts[i].outcome == SMTP_UNTRIED)
            d->rcpts[i].verdict.text[0] = '\0';
    d->reached = d->reached || smtp_client_is_alive(c.client);
    keep_or_close(d, &c);
}

/* d->last is the trouble with one server. RFC 8689 section 4.2.1: what REQUIRETLS cannot get from
 * any of them comes back at once. */
static void
note_trouble(struct delivery *d, const struct smtp_peer *peer)
{
    log_event(LOG_INFO, "unreachable", KV_SLICE("queue_id", d->job->queue_id),
              KV_STR("remote", peer->host), KV_STR("ip", peer->ip),
              KV_STR("tls_level", tls_policy_word(d->tls.level)), KV_STR("tls_by", d->tls.source),
              KV_STR("setting", conf_decider(tls_policy_setting(&d->tls))),
              KV_U64("line", d->tls.line), KV_STR("dsn", d->last.dsn),
              KV_STR("reason", d->last.text));
    if (d->last.code / 100 == 5 && d->tls.level == TLS_LEVEL_REFUSED) {
        d->unfit = d->last;
    } else if (d->request == TLS_REQUEST_REQUIRED && d->tls.level != TLS_LEVEL_REFUSED &&
               slice_starts(slice_of(d->last.dsn), SLICE("4.7."))) {
        d->unfit = d->last;
        d->unfit.code = 550;
        (void)snprintf(d->unfit.dsn, sizeof(d->unfit.dsn), "5.7.10");
    } else {
        d->other_trouble = true;
    }
}

static void
log_security(const struct delivery *d, struct smtp_client *client, const struct smtp_peer *peer)
{
    const struct tls_policy *tls = &d->tls;

    if (smtp_client_tls_trouble(client)[0] != '\0')
        log_event(LOG_WARN, "clear_text", KV_SLICE("queue_id", d->job->queue_id),
                  KV_STR("remote", peer->host), KV_STR("ip", peer->ip),
                  KV_STR("reason", smtp_client_tls_trouble(client)));
    if (strcmp(tls->source, "default") != 0)
        log_event(LOG_INFO, "tls_policy", KV_SLICE("queue_id", d->job->queue_id),
                  KV_STR("remote", peer->host), KV_STR("level", tls_policy_word(tls->level)),
                  KV_STR("by", tls->source),
                  KV_STR("setting", conf_decider(tls_policy_setting(tls))),
                  KV_U64("line", tls->line));
}

/* Has the server what the message demands of it? */
static bool
is_fit(struct delivery *d, struct smtp_client *client, const struct smtp_peer *peer)
{
    if (d->request != TLS_REQUEST_REQUIRED || smtp_client_can(client, SMTP_CAN_REQUIRETLS))
        return true;
    d->unfit = (struct smtp_verdict){.code = 550, .dsn = "5.7.30"};
    (void)snprintf(d->unfit.text, sizeof(d->unfit.text),
                   "%s[%s]: REQUIRETLS, and the server does not know it", peer->host, peer->ip);
    return false;
}

/* Is there a proxy to go by, where there has to be one? Its address is looked up each time, as
 * those of all servers are. */
static bool
find_proxy(struct delivery *d, struct smtp_client_options *options)
{
    const struct remote_settings *s = d->courier->settings;

    if (!s->proxy.used)
        return true;
    d->proxy = s->proxy;
    options->proxy = &d->proxy.socks;
    if (proxy_find(&d->proxy, d->courier->dns, (int)s->dns_timeout_ms) == 0)
        return true;
    d->last = (struct smtp_verdict){.dsn = "4.4.3"};
    (void)snprintf(d->last.text, sizeof(d->last.text), "no address for the proxy %s",
                   s->proxy.host);
    return false;
}

/* NULL: the trouble is logged and in d->last. */
static struct smtp_client *
open_client(struct delivery *d, const struct smtp_peer *peer)
{
    struct smtp_tls_result result = {.end = SMTP_TLS_UNTRIED};
    struct smtp_client *client = NULL;

    tls_policy_decide(&d->tls, peer);
    if (d->tls.level == TLS_LEVEL_REFUSED) {
        d->last = d->tls.why;
    } else if (find_proxy(d, &d->tls.options)) {
        d->tls.options.tls_result = &result;
        client = smtp_client_open(peer, &d->tls.options, d->deadline, &d->last);
    }
    tls_outcome_tell(&d->tls, peer, &result);
    if (client == NULL) {
        note_trouble(d, peer);
        return NULL;
    }
    log_security(d, client, peer);
    if (!is_fit(d, client, peer))
        smtp_client_close(&client);
    return client;
}

/* Recipients that a server's limits put off to another session. */
static size_t
count_left_out(const struct delivery *d)
{
    size_t count = 0;

    for (size_t i = 0; i < d->count; i++)
        count += is_open(&d->rcpts[i]) && d->rcpts[i].left_out;
    return count;
}

/* As often as the configuration says that the host is to be tried. */
static struct smtp_client *
open_patiently(struct delivery *d, const struct smtp_peer *peer, const struct host *host)
{
    static const struct timespec pause = {.tv_sec = RETRY_PAUSE_S};
    unsigned again = host == NULL ? 0 : host->route.attempts;
    struct smtp_client *client = open_client(d, peer);

    while (client == NULL && again-- > 0) {
        log_flush();
        (void)nanosleep(&pause, NULL); /* shorter is harmless */
        d->deadline = clock_mono_ms() + d->courier->settings->timeout_ms;
        client = open_client(d, peer);
    }
    return client;
}

/* One server; in as many sessions as its limits (RFC 9422) demand, each of which has to get
 * something done. False: it could not be reached. */
static bool
try_peer(struct delivery *d, const struct smtp_peer *peer, const struct host *host)
{
    size_t left = SIZE_MAX, before;

    for (unsigned i = 0; i < LIMITED_SESSIONS_MAX; i++) {
        struct connection c = {.host = host};

        d->deadline = clock_mono_ms() + d->courier->settings->timeout_ms;
        c.client = open_patiently(d, peer, host);
        if (c.client == NULL)
            return i > 0;
        d->reached = true;
        send_over(d, &c);
        keep_or_close(d, &c);
        before = left;
        left = count_left_out(d);
        if (left == 0 || left >= before)
            break;
    }
    return true;
}

static void
try_peers(struct delivery *d, const struct route *route)
{
    const struct remote_settings *s = d->courier->settings;
    unsigned sessions = 0;
    size_t i;

    for (i = 0; i < route->count && i < s->max_addresses; i++) {
        if (sessions == SESSIONS_MAX || count_open(d) == 0 || d->must_wait)
            break;
        sessions += try_peer(d, &route->peers[i], route->hosts[i]);
    }
    if (i < route->count)
        d->other_trouble = true; /* that one was not asked */
}

/* `next_hop` empty: servers that the configuration names. */
static void
try_route(struct delivery *d, const struct route *route, struct slice next_hop)
{
    tls_policy_begin(&d->tls, d->courier->settings, d->courier->dns, d->courier->sts, next_hop,
                     d->request);
    try_peers(d, route);
    tls_policy_end(&d->tls);
}

static void
try_by_dns(struct delivery *d)
{
    struct route route;

    switch (
        route_by_dns(d->courier->settings, d->courier->dns, d->job->next_hop, &route, &d->last)) {
    case MX_FOUND:
        try_route(d, &route, d->job->next_hop);
        break;
    case MX_LATER:
        break;
    case MX_NEVER:
        conclude_rest(d, SMTP_PERMANENT);
        break;
    }
}

static void
try_by_hosts(struct delivery *d, const struct host_list *hosts)
{
    struct route route;

    if (route_by_hosts(d->courier->settings, d->courier->dns, hosts, &route, &d->last) == MX_FOUND)
        try_route(d, &route, SLICE(""));
    else
        d->other_trouble = true;
}

static void
try_way(struct delivery *d, const struct way *way)
{
    if (way->hosts == NULL)
        try_by_dns(d);
    else
        try_by_hosts(d, way->hosts);
}

/* The customer's own connection, and no other way. How it is protected is the customer's choice:
 * REQUIRETLS wants a server whose name was verified (RFC 8689 section 4.2.1), which cannot be. */
static void
try_reversed(struct delivery *d)
{
    struct connection c = {
        .client = reversed_client(&d->courier->reversed, d->job->connection, &d->last)};

    d->deadline = clock_mono_ms() + d->courier->settings->timeout_ms;
    if (d->request == TLS_REQUEST_REQUIRED) {
        d->last = (struct smtp_verdict){.code = 550, .dsn = "5.7.10"};
        (void)snprintf(d->last.text, sizeof(d->last.text),
                       "REQUIRETLS cannot be kept on a customer's connection (ATRN)");
        conclude_rest(d, SMTP_PERMANENT);
    } else if (c.client != NULL) {
        send_over(d, &c);
        d->reached = smtp_client_is_alive(c.client);
    }
    conclude_rest(d, SMTP_UNTRIED);
}

static void
try_everything(struct delivery *d)
{
    const struct remote_settings *s = d->courier->settings;

    if (d->job->connection != 0) {
        try_reversed(d);
        return;
    }
    d->way_count = ways_for(s, d->job->next_hop, d->ways);
    d->deadline = clock_mono_ms() + s->timeout_ms;
    try_kept_connection(d);
    for (size_t i = 0; i < d->way_count && count_open(d) > 0; i++) {
        if (i > 0 && d->reached) /* a server was there to say no */
            break;
        d->way = i;
        try_way(d, &d->ways[i]);
    }
    if (d->unfit.text[0] != '\0' && !d->other_trouble) {
        d->last = d->unfit;
        conclude_rest(d, SMTP_PERMANENT);
    }
    conclude_rest(d, SMTP_UNTRIED);
}

/* ---- the result ---- */

/* A deferral has a code of class 4, whatever the server called it. */
static struct slice
dsn_of(const struct smtp_recipient *r)
{
    static const char classes[] = {[SMTP_UNTRIED] = '4',
                                   [SMTP_DELIVERED] = '2',
                                   [SMTP_TEMPORARY] = '4',
                                   [SMTP_PERMANENT] = '5',
                                   [SMTP_DOUBTFUL] = '4'};
    static const char *const plain[] = {[SMTP_UNTRIED] = "4.4.0",
                                        [SMTP_DELIVERED] = "2.0.0",
                                        [SMTP_TEMPORARY] = "4.0.0",
                                        [SMTP_PERMANENT] = "5.0.0",
                                        [SMTP_DOUBTFUL] = "4.4.2"};

    return slice_of(r->verdict.dsn[0] == classes[r->outcome] ? r->verdict.dsn : plain[r->outcome]);
}

/* What led to the server: the domain's own line, or what let us go on from that, or the policy. */
static enum conf_id
route_setting(const struct delivery *d)
{
    if (d->job->connection != 0)
        return QUEUE_ODMR_DOMAINS;
    if (d->ways[0].setting != REMOTE_DIRECT_DOMAINS)
        return REMOTE_POLICY;
    return d->way == 0 ? REMOTE_DIRECT_DOMAINS : REMOTE_DIRECT_FALLBACK;
}

static void
log_outcome(const struct delivery *d, const struct smtp_recipient *r, const char *outcome)
{
    log_event(LOG_INFO, r->outcome == SMTP_DELIVERED ? "sent" : "failed",
              KV_SLICE("queue_id", d->job->queue_id), KV_SLICE("to", r->address),
              KV_SLICE("from", d->job->sender), KV_SLICE("next_hop", d->job->next_hop),
              KV_STR("remote", r->remote), KV_STR("ip", r->remote_ip), KV_STR("outcome", outcome),
              KV_SLICE("dsn", dsn_of(r)), KV_STR("tls", r->tls), KV_STR("reply", r->verdict.text),
              KV_STR("setting", conf_decider(route_setting(d))),
              KV_U64("line", d->ways[d->way].line));
}

static void
fill_result(struct delivery *d, size_t i)
{
    static const struct {
        enum queue_outcome outcome;
        const char *name;
    } table[] = {[SMTP_UNTRIED] = {QUEUE_DEFERRED, "deferred"},
                 [SMTP_DELIVERED] = {QUEUE_DELIVERED, "delivered"},
                 [SMTP_TEMPORARY] = {QUEUE_DEFERRED, "deferred"},
                 [SMTP_PERMANENT] = {QUEUE_BOUNCED, "bounced"},
                 [SMTP_DOUBTFUL] = {QUEUE_DEFERRED, "deferred"}};
    const struct smtp_recipient *r = &d->rcpts[i];
    const struct counters *c = &d->courier->counters;

    d->results[i] = (struct queue_result_rcpt){
        .index = d->job->rcpts[i].index,
        .outcome = (uint8_t)table[r->outcome].outcome,
        .dsn = dsn_of(r),
        .text = slice_of(r->verdict.text),
        .remote = slice_of(r->remote),
        .dsn_relayed = r->outcome == SMTP_DELIVERED && r->dsn_relayed,
        .tell_relayed = r->outcome == SMTP_DELIVERED && r->tell_relayed,
    };
    log_outcome(d, r, table[r->outcome].name);
    stats_add(r->outcome == SMTP_DELIVERED   ? c->sent
              : r->outcome == SMTP_PERMANENT ? c->bounced
                                             : c->deferred,
              1);
    if (r->outcome == SMTP_DELIVERED)
        stats_add(c->bytes, d->outgoing.message.size);
}

struct delivery *
delivery_run(struct courier *courier, const struct queue_job *job, int fd,
             struct queue_result *result)
{
    struct delivery *d = xcalloc(1, sizeof(*d));
    bool all_final = true, any_sent = false;

    *d = (struct delivery){.courier = courier, .job = job, .count = job->rcpt_count};
    outgoing_begin(&d->outgoing, job, fd, courier->signer, courier->scratch,
                   courier->settings->senders);
    d->request = request_of(job);
    d->rcpts = xcalloc(d->count, sizeof(*d->rcpts));
    d->results = xcalloc(d->count, sizeof(*d->results));
    for (size_t i = 0; i < d->count; i++) {
        d->rcpts[i].address = job->rcpts[i].address;
        d->rcpts[i].orcpt = job->rcpts[i].original;
        d->rcpts[i].notify = job->rcpts[i].notify;
    }
    try_everything(d);
    for (size_t i = 0; i < d->count; i++) {
        all_final = all_final && !is_open(&d->rcpts[i]);
        any_sent = any_sent || d->rcpts[i].outcome == SMTP_DELIVERED;
        fill_result(d, i);
    }
    stats_add(courier->counters.messages, any_sent);
    *result = (struct queue_result){.job_id = job->job_id,
                                    .destination_failed = !d->reached && !all_final,
                                    .rcpt_count = (uint32_t)d->count,
                                    .rcpts = d->results};
    return d;
}

void
delivery_free(struct delivery **dp)
{
    if (*dp == NULL)
        return;
    free((*dp)->rcpts);
    free((*dp)->results);
    outgoing_end(&(*dp)->outgoing);
    xfree(dp);
}
