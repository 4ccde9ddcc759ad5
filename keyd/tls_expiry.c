/*
 * keyd/tls_expiry.c - tells the log of certificates that are about to expire.
 *
 * keyd does it because it is started anew whenever a certificate changes (posthorn reload), and
 * once for all services.
 */
#include "keyd/tls_expiry.h"

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"
#include "lib/tls/cert_use.h"

#define DAY_MS INT64_C(86400000)

struct tls_expiry {
    const struct conf *conf;
    struct cert_uses uses;
    struct loop_timer *timer;
    _Atomic uint64_t *ends_s; /* when the first of them does, since 1970; 0: one can't be read */
};

static void
show_first_end(const struct tls_expiry *expiry)
{
    int64_t first_ms = expiry->uses.count == 0 ? 0 : INT64_MAX;

    for (size_t i = 0; i < expiry->uses.count; i++)
        if (expiry->uses.items[i].not_after_ms < first_ms)
            first_ms = expiry->uses.items[i].not_after_ms;
    atomic_store_explicit(expiry->ends_s, (uint64_t)(first_ms > 0 ? first_ms / 1000 : 0),
                          memory_order_relaxed);
}

static void
look(void *arg)
{
    struct tls_expiry *expiry = arg;
    int64_t now = clock_real_ms();

    for (size_t i = 0; i < expiry->uses.count; i++) {
        struct strbuf text = strbuf_new(8192);

        if (cert_use_warning(&expiry->uses.items[i], expiry->conf, now, &text))
            log_event(LOG_WARN, "certificate_expires", KV_STR("warning", strbuf_cstr(&text)));
        strbuf_free(&text);
    }
    loop_timer_set(expiry->timer, DAY_MS);
}

struct tls_expiry *
tls_expiry_watch(const struct daemon *d)
{
    struct tls_expiry *expiry = xcalloc(1, sizeof(*expiry));

    expiry->conf = d->conf;
    cert_uses_read(&expiry->uses, d->conf, &d->inst);
    expiry->ends_s = stats_counter(d->stats, "certificate_expiry_timestamp_seconds");
    show_first_end(expiry);
    expiry->timer = loop_timer_new(d->loop, look, expiry);
    loop_timer_set(expiry->timer, 0);
    return expiry;
}

void
tls_expiry_free(struct tls_expiry **expiryp)
{
    if (*expiryp == NULL)
        return;
    loop_timer_free(&(*expiryp)->timer);
    cert_uses_free(&(*expiryp)->uses);
    xfree(expiryp);
}
