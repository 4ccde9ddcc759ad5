/*
 * posthorn/doctor_world.c - the way out, the way in for strangers, the clock, and what waits.
 *
 * Connects to relay hosts and to doctor.outside_host; what they greet with is shown, nothing else.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/mail/timestamp.h"
#include "lib/queue/queue_list.h"
#include "lib/smtp/reception.h"
#include "lib/smtp/route_host.h"
#include "posthorn/dial.h"
#include "posthorn/doctor_ask.h"

enum {
    CONNECT_TIMEOUT_MS = 5000,
    GREETING_TIMEOUT_MS = 20000, /* some servers make strangers wait */
    GREETING_SHOWN = 120,
    REASONS_SHOWN = 3,
    OLDEST_LOOKED_AT = 500,
};
#define HOUR_MS 3600000LL

/* ---- the clock ---- */

void
doctor_clock(struct doctor *d)
{
    struct timex now = {0};
    int state = adjtimex(&now); /* without a mode it only reads */

    if (state < 0)
        doctor_note(d, DOCTOR_WARN, "clock", "the kernel does not tell: %s", strerror(errno));
    else if (state == TIME_ERROR || (now.status & STA_UNSYNC) != 0)
        doctor_note(d, DOCTOR_WARN, "clock",
                    "nobody keeps the clock right: signatures, certificates and codes of two-step "
                    "verification depend on it; install chrony or systemd-timesyncd");
    else
        doctor_note(d, DOCTOR_OK, "clock", "is kept right, within %ld ms", now.maxerror / 1000);
}

/* ---- strangers ---- */

/* By the decision that smtpd makes: somebody unknown, to somebody who is not ours. */
void
doctor_relay(struct doctor *d)
{
    static struct reception_rules rules; /* for the life of the process */
    static const char *const strangers[] = {"192.0.2.1", "2001:db8::1"}; /* RFC 5737, 3849 */

    reception_load(&rules, "posthorn", d->conf, &d->cli->inst);
    for (size_t i = 0; i < ARRAY_LEN(strangers); i++) {
        const struct reception_client client = {
            .ip = slice_of(strangers[i]),
            .is_trusted = reception_trusts(&rules, slice_of(strangers[i]))};

        if (reception_relay(&rules, &client, SLICE("elsewhere.invalid")).allowed) {
            doctor_note(d, DOCTOR_FAIL, "relay",
                        "anybody may send to anybody: this is an open relay, and will soon be on "
                        "every block list; see smtp.close_relay and smtp.hosts_no_auth");
            return;
        }
    }
    doctor_note(d, DOCTOR_OK, "relay", "closed: strangers may send to our domains only");
}

/* ---- what waits ---- */

struct reason {
    char *text;
    unsigned count;
};
struct waiting {
    struct reason *reasons;
    size_t count;
    int64_t oldest_ms;
};

static void
count_reason(struct waiting *w, struct slice text)
{
    for (size_t i = 0; i < w->count; i++)
        if (slice_eq(slice_of(w->reasons[i].text), text)) {
            w->reasons[i].count++;
            return;
        }
    w->reasons = xrealloc(w->reasons, (w->count + 1) * sizeof(*w->reasons));
    w->reasons[w->count++] = (struct reason){xslicedup(text), 1};
}

static int
most_first(const void *a, const void *b)
{
    const struct reason *x = a, *y = b;

    return x->count < y->count ? 1 : x->count > y->count ? -1 : 0;
}

/* Why the oldest of them wait. */
static void
look_at_oldest(struct waiting *w, const struct spool *spool, const struct queue_filter *filter,
               const struct queue_found *found, size_t count)
{
    static struct object_field fields[OBJECT_FIELDS_MAX];

    for (size_t i = 0; i < count && i < OLDEST_LOOKED_AT; i++) {
        struct strbuf object = strbuf_new(1u << 20);
        struct slice rest;
        int n;

        if (queue_list_add(spool, &found[i], filter, &object)) {
            rest = strbuf_slice(&object);
            n = object_next(&rest, fields);
            if (n > 0) {
                struct slice received = object_get(fields, (uint32_t)n, "received");
                int64_t ms = 0;

                if (timestamp_parse(received, &ms) == 0 && (w->oldest_ms == 0 || ms < w->oldest_ms))
                    w->oldest_ms = ms;
                count_reason(w, object_get(fields, (uint32_t)n, "reason"));
            }
        }
        strbuf_free(&object);
    }
    if (w->count > 0)
        qsort(w->reasons, w->count, sizeof(*w->reasons), most_first);
}

static void
note_waiting(struct doctor *d, const struct waiting *w, size_t count)
{
    long long hours = (clock_real_ms() - w->oldest_ms) / HOUR_MS;

    doctor_note(d, hours < 1 ? DOCTOR_OK : DOCTOR_WARN, "queue",
                "%zu messages wait for another attempt, the oldest for %lld hours", count, hours);
    for (size_t i = 0; i < w->count && i < REASONS_SHOWN; i++)
        doctor_note(d, hours < 1 ? DOCTOR_OK : DOCTOR_WARN, "queue", "%u of the oldest: %s",
                    w->reasons[i].count,
                    w->reasons[i].text[0] != '\0' ? w->reasons[i].text : "no reason is known");
}

void
doctor_queue(struct doctor *d)
{
    const struct queue_filter filter = {.states = 1u << SPOOL_DEFERRED};
    struct waiting w = {NULL, 0, 0};
    struct queue_found *found = NULL;
    struct spool spool;
    size_t count = 0;

    if (spool_open_readonly(&spool, d->cli->inst.queue) < 0) {
        doctor_note(d, DOCTOR_FAIL, "queue", "%s: %s", d->cli->inst.queue, strerror(errno));
        return;
    }
    if (queue_list_find(&spool, &filter, &found, &count) < 0) {
        doctor_note(d, DOCTOR_FAIL, "queue", "%s: %s", d->cli->inst.queue, strerror(errno));
    } else if (count == 0) {
        doctor_note(d, DOCTOR_OK, "queue", "nothing waits for another attempt");
    } else {
        look_at_oldest(&w, &spool, &filter, found, count);
        note_waiting(d, &w, count);
    }
    for (size_t i = 0; i < w.count; i++)
        free(w.reasons[i].text);
    free(w.reasons);
    free(found);
    spool_close(&spool);
}

/* ---- the way out ---- */

static void
try_peer(struct doctor *d, const struct route_host *host, const char *address)
{
    char text[GREETING_SHOWN];
    struct dial_peer peer;
    ssize_t n = 0;
    int fd;

    if (!dial_address(address, host->port, &peer))
        return;
    fd = dial(&peer, CONNECT_TIMEOUT_MS);
    if (fd >= 0 && !host->tls_at_once)
        n = dial_greeting(fd, text, sizeof(text), GREETING_TIMEOUT_MS);
    if (fd < 0 || n < 0) {
        doctor_note(d, DOCTOR_FAIL, "way_out", "%s (%s) port %u %s: %s", host->name, address,
                    host->port, fd < 0 ? "cannot be reached" : "does not greet", strerror(errno));
    } else {
        struct slice line = slice_make(text, (size_t)n);

        line = slice_trim(slice_sub(line, 0, slice_index(line, '\n')));
        doctor_note(d, n == 0 || text[0] == '2' ? DOCTOR_OK : DOCTOR_FAIL, "way_out",
                    "%s (%s) port %u %s%.*s", host->name, address, host->port,
                    n == 0 ? "can be reached" : "says: ", (int)line.len, line.ptr);
    }
    close_keep_errno(fd);
}

/* Each of its addresses, as a name or as it is written. */
static void
try_host(struct asker *a, const struct route_host *host)
{
    static const uint16_t types[] = {DNS_A, DNS_AAAA};
    struct dial_peer peer;

    if (host->is_unix)
        return;
    if (dial_address(host->name, host->port, &peer)) {
        try_peer(a->d, host, host->name);
        return;
    }
    a->address_count = 0;
    for (size_t t = 0; t < ARRAY_LEN(types); t++)
        if (asker_ask(a, types[t], host->name, "way_out"))
            for (uint32_t i = 0; i < a->answer->count && a->address_count < ASKER_ADDRESSES_MAX;
                 i++)
                a->address_count += asker_address(a, i, a->addresses[a->address_count]);
    if (a->address_count == 0)
        doctor_note(a->d, DOCTOR_FAIL, "way_out", "%s has no address", host->name);
    for (size_t i = 0; i < a->address_count; i++)
        try_peer(a->d, host, a->addresses[i]);
}

static void
try_word(struct asker *a, enum conf_id setting, const char *word)
{
    struct route_host host = {0};
    const char *why =
        route_host_parse(slice_of(word), (uint16_t)conf_u64(a->d->conf, REMOTE_PORT), &host);

    if (why != NULL)
        doctor_note(a->d, DOCTOR_FAIL, "way_out", "%s.%s: %s", conf_settings[setting].section,
                    conf_settings[setting].name, why);
    else
        try_host(a, &host);
    route_host_clear(&host);
}

void
doctor_way_out(struct doctor *d)
{
    const char *outside = conf_str(d->conf, DOCTOR_OUTSIDE_HOST);
    size_t relays = conf_list_count(d->conf, REMOTE_RELAY_HOSTS);
    bool uses_relays = strcmp(conf_str(d->conf, REMOTE_POLICY), "dns") != 0 && relays > 0;
    struct asker a;

    if (!uses_relays && outside[0] == '\0') {
        doctor_note(d, DOCTOR_HINT, "way_out",
                    "not tried: name a mail server elsewhere in doctor.outside_host");
        return;
    }
    if (!d->running) /* names are asked of dnsd */
        return;
    if (asker_open(&a, d, "")) {
        for (size_t i = 0; uses_relays && i < relays; i++)
            try_word(&a, REMOTE_RELAY_HOSTS, conf_list_item(d->conf, REMOTE_RELAY_HOSTS, i));
        if (outside[0] != '\0')
            try_word(&a, DOCTOR_OUTSIDE_HOST, outside);
    }
    asker_close(&a);
}
