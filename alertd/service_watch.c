/*
 * alertd/service_watch.c - which services fail, or are started again and again.
 *
 * A service that has failed is tried again by master before long: it counts as well only after it
 * has run for a while. One that an administrator has stopped is no matter of ours.
 */
#include "alertd/service_watch.h"

#include <stdio.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/conf/services.h"
#include "lib/ipc/object.h"

struct known {
    char name[SERVICE_NAME_MAX + 1];
    uint64_t restarts; /* when the time began that they are counted in: */
    int64_t since_mono_ms;
};

struct service_watch {
    struct alerts *alerts;
    int64_t settle_ms;
    struct known known[SERVICES_MAX];
    size_t count;
};

struct service_watch *
service_watch_new(struct alerts *alerts, int64_t settle_ms)
{
    struct service_watch *w = xcalloc(1, sizeof(*w));

    w->alerts = alerts;
    w->settle_ms = settle_ms;
    return w;
}

void
service_watch_free(struct service_watch **watchp)
{
    xfree(watchp);
}

static struct known *
find(struct service_watch *w, struct slice name, uint64_t restarts, int64_t now)
{
    struct known *k;

    for (size_t i = 0; i < w->count; i++)
        if (slice_eq(slice_of(w->known[i].name), name))
            return &w->known[i];
    if (w->count == SERVICES_MAX || name.len > SERVICE_NAME_MAX)
        return NULL;
    k = &w->known[w->count++];
    (void)snprintf(k->name, sizeof(k->name), "%.*s", (int)name.len, name.ptr);
    k->restarts = restarts;
    k->since_mono_ms = now;
    return k;
}

/* Restarts within the last minutes, roughly. */
static uint64_t
recent_restarts(struct service_watch *w, struct slice name, uint64_t restarts)
{
    int64_t now = clock_mono_ms();
    struct known *k = find(w, name, restarts, now);

    if (k == NULL)
        return 0;
    if (restarts < k->restarts || now - k->since_mono_ms > SERVICE_RESTARTS_MS) {
        k->restarts = restarts; /* another master, or a new time */
        k->since_mono_ms = now;
    }
    return restarts - k->restarts;
}

static void
judge(struct service_watch *w, const struct object_field *fields, uint32_t count)
{
    struct slice service = object_get(fields, count, "service");
    struct slice state = object_get(fields, count, "state");
    struct slice error = object_get(fields, count, "error");
    char *name = xasprintf("service:%.*s", (int)service.len, service.ptr);
    bool failed = slice_eq(state, SLICE("failed")), down;
    uint64_t restarts = 0, uptime = 0;
    char *text;

    /* what is no number counts as 0 */
    (void)parse_u64(object_get(fields, count, "restarts"), INT64_MAX, &restarts);
    (void)parse_u64(object_get(fields, count, "uptime"), INT32_MAX, &uptime);
    restarts = recent_restarts(w, service, restarts);
    down = failed || restarts >= SERVICE_RESTARTS || alerts_level(w->alerts, name) > 0;
    if (slice_eq(state, SLICE("stopped")) || slice_eq(state, SLICE("stopping")) ||
        (slice_eq(state, SLICE("running")) && (int64_t)uptime * 1000 >= w->settle_ms))
        down = false;
    text = xasprintf("%.*s, started again %llu times of late%s%.*s", (int)state.len, state.ptr,
                     (unsigned long long)restarts, error.len > 0 ? ": " : "", (int)error.len,
                     error.ptr);
    if (down)
        alerts_set(w->alerts, ALERT_SERVICE, name, 1, text, clock_real_ms());
    free(name);
    free(text);
}

void
service_watch_take(struct service_watch *w, struct slice objects)
{
    struct object_field fields[OBJECT_FIELDS_MAX];
    int count;

    alerts_begin(w->alerts, ALERT_SERVICE);
    while ((count = object_next(&objects, fields)) > 0)
        judge(w, fields, (uint32_t)count);
    alerts_end(w->alerts, ALERT_SERVICE, clock_real_ms());
}
