/*
 * master/suite.c - all services of the instance: started, reloaded and stopped together.
 */
#include "master/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/conf/role.h"
#include "lib/log/log.h"
#include "master/notify.h"

#define RELOAD_DELAY_MS 1000
#define ERRORS_MAX 65536
#define DRAIN_GRACE_MS 3000 /* for ending sessions that the drain time has not ended */

struct suite {
    struct loop *loop;
    const struct instance *inst;
    struct config *config;
    struct service_env env;
    struct service *services[SERVICES_MAX];
    size_t count;
    enum suite_phase phase;
    uid_t watcher;
    unsigned stop_rank; /* services of this rank are being stopped */
    struct loop_task *after_change;
    struct loop_timer *reload; /* that a service has asked for */
    void (*changed)(void *arg);
    void *arg;
    int64_t started_ms;
};

/* Order of stopping: what serves clients, what serves those, what writes the log of it all. */
enum { RANK_SESSIONS, RANK_SERVERS, RANK_LOG, RANK_COUNT };

static unsigned
stop_rank(const struct service *s)
{
    const struct service_row *row = service_row(s);

    if (row->socket.is_datagram)
        return RANK_LOG;
    return row->listen_count > 0 ? RANK_SESSIONS : RANK_SERVERS;
}

static void
stop_next_rank(struct suite *suite)
{
    while (suite->stop_rank < RANK_COUNT) {
        bool all_gone = true;

        for (size_t i = 0; i < suite->count; i++) {
            struct service *s = suite->services[i];

            if (stop_rank(s) != suite->stop_rank)
                continue;
            if (service_wanted(s))
                service_stop(s);
            all_gone = all_gone && service_is_gone(s);
        }
        if (!all_gone)
            return;
        suite->stop_rank++;
    }
    suite->phase = SUITE_STOPPED;
    loop_stop(suite->loop);
}

static void
after_change(void *arg)
{
    struct suite *suite = arg;

    if (suite->phase == SUITE_STOPPING)
        stop_next_rank(suite);
    suite->changed(suite->arg);
}

static void
service_changed(void *arg)
{
    struct suite *suite = arg;

    loop_task_schedule(suite->after_change);
}

/* Soon, and together with what else changes: a service that asks all the time costs little. */
static void
files_changed(void *arg)
{
    struct suite *suite = arg;

    loop_timer_set(suite->reload, RELOAD_DELAY_MS);
}

static void
reload_asked(void *arg)
{
    struct suite *suite = arg;
    struct strbuf errors = strbuf_new(ERRORS_MAX);

    if (suite->phase == SUITE_RUNNING)
        (void)suite_reload(suite, &errors); /* the log has what is wrong; the service asks again */
    strbuf_free(&errors);
}

static void
take_settings(struct suite *suite)
{
    int64_t drain_ms = (int64_t)conf_u64(suite->config->conf, SYSTEM_DRAIN_TIME);
    struct role alert;

    suite->watcher =
        role_find(suite->config->conf, USERS_ALERT, &alert) == 0 ? alert.uid : (uid_t)-1;
    suite->env.start_timeout_ms = (int64_t)conf_u64(suite->config->conf, SYSTEM_START_TIMEOUT);
    suite->env.stop_timeout_ms = (int64_t)conf_u64(suite->config->conf, SYSTEM_STOP_TIMEOUT);
    if (suite->env.stop_timeout_ms < drain_ms + DRAIN_GRACE_MS)
        suite->env.stop_timeout_ms = drain_ms + DRAIN_GRACE_MS;
}

struct suite *
suite_new(struct loop *loop, const struct instance *inst, int run_dirfd, int lock_fd,
          struct config *config, void (*changed)(void *arg), void *arg)
{
    struct suite *suite = xcalloc(1, sizeof(*suite));

    suite->loop = loop;
    suite->inst = inst;
    suite->config = config;
    suite->changed = changed;
    suite->arg = arg;
    suite->started_ms = clock_mono_ms();
    suite->after_change = loop_task_new(loop, after_change, suite);
    suite->env = (struct service_env){.loop = loop,
                                      .inst = inst,
                                      .run_dirfd = run_dirfd,
                                      .lock_fd = lock_fd,
                                      .changed = service_changed,
                                      .files_changed = files_changed,
                                      .arg = suite};
    suite->reload = loop_timer_new(loop, reload_asked, suite);
    take_settings(suite);
    for (size_t i = 0; i < config->services->count; i++)
        suite->services[suite->count++] =
            service_new(&suite->env, config, config->services->rows[i].name);
    return suite;
}

void
suite_count_in(struct suite *suite, struct stats *stats)
{
    suite->env.stats = stats;
}

void
suite_free(struct suite **suitep)
{
    struct suite *suite = *suitep;

    if (suite == NULL)
        return;
    for (size_t i = 0; i < suite->count; i++)
        service_free(&suite->services[i]);
    loop_task_free(&suite->after_change);
    loop_timer_free(&suite->reload);
    config_release(&suite->config);
    xfree(suitep);
}

void
suite_start_log(struct suite *suite)
{
    for (size_t i = 0; i < suite->count; i++)
        if (stop_rank(suite->services[i]) == RANK_LOG)
            service_start(suite->services[i]);
}

void
suite_start(struct suite *suite)
{
    for (size_t i = 0; i < suite->count; i++)
        if (service_row(suite->services[i])->automatic)
            service_start(suite->services[i]);
}

void
suite_stop(struct suite *suite)
{
    if (suite->phase != SUITE_RUNNING)
        return;
    log_note(LOG_INFO, "suite_stopping");
    suite->phase = SUITE_STOPPING;
    suite->stop_rank = 0;
    loop_task_schedule(suite->after_change);
}

int64_t
suite_stop_limit_ms(const struct suite *suite)
{
    return RANK_COUNT * suite->env.stop_timeout_ms + DRAIN_GRACE_MS;
}

enum suite_phase
suite_phase(const struct suite *suite)
{
    return suite->phase;
}

struct service *
suite_find(struct suite *suite, struct slice name)
{
    for (size_t i = 0; i < suite->count; i++)
        if (slice_eq(slice_of(service_name(suite->services[i])), name))
            return suite->services[i];
    return NULL;
}

/* Binds everything first: a port that is not to be had refuses the whole configuration. */
static int
prepare_all(struct suite *suite, struct config *config, struct strbuf *errors)
{
    int rc = 0;

    for (size_t i = 0; i < suite->count; i++) {
        struct service *s = suite->services[i];

        if (services_find(config->services, service_name(s)) != NULL &&
            service_reload_prepare(s, config, errors) < 0)
            rc = -1;
    }
    for (size_t i = 0; rc < 0 && i < suite->count; i++)
        service_reload_cancel(suite->services[i]);
    return rc;
}

static bool
same_row(const struct service_row *a, const struct service_row *b)
{
    return a->listen_count == 0 && b->listen_count == 0 && strcmp(a->program, b->program) == 0 &&
           strcmp(a->socket.name, b->socket.name) == 0 &&
           strcmp(a->datagrams.name, b->datagrams.name) == 0;
}

/* A change of `startup` counts at a reload too. A section that was not there was disabled. */
static void
follow_startup(const struct suite *suite, struct service *s, const struct service_row *row)
{
    const struct service_row *old = services_find(suite->config->services, service_name(s));
    bool was_automatic = old != NULL && old->automatic;

    if (row->automatic && !was_automatic)
        service_start(s);
    else if (!row->automatic && was_automatic)
        service_stop(s);
}

static void
reload_services(struct suite *suite, struct config *config)
{
    bool same = config_same(suite->config, config);

    for (size_t i = 0; i < suite->count; i++) {
        struct service *s = suite->services[i];
        const struct service_row *row = services_find(config->services, service_name(s));

        if (row == NULL) {
            service_stop(s); /* its section is gone */
            continue;
        }
        /* Certificates may lie outside etc/: those who have them overlap and lose nothing by a
         * reload. */
        service_reload(s, row->overlap || !same || !same_row(service_row(s), row));
        follow_startup(suite, s, row);
    }
}

static void
add_services(struct suite *suite, struct config *config)
{
    for (size_t i = 0; i < config->services->count; i++) {
        const struct service_row *row = &config->services->rows[i];

        if (suite_find(suite, slice_of(row->name)) != NULL || suite->count == SERVICES_MAX)
            continue;
        suite->services[suite->count] = service_new(&suite->env, config, row->name);
        if (row->automatic)
            service_start(suite->services[suite->count]);
        suite->count++;
    }
}

static int
take_configuration(struct suite *suite, struct strbuf *errors)
{
    struct config *config = config_load(suite->inst, errors);

    if (config == NULL)
        return -1;
    if (prepare_all(suite, config, errors) < 0) {
        config_release(&config);
        return -1;
    }
    reload_services(suite, config);
    add_services(suite, config);
    config_release(&suite->config);
    suite->config = config;
    take_settings(suite);
    log_note(LOG_INFO, "configuration_reloaded");
    return 0;
}

int
suite_reload(struct suite *suite, struct strbuf *errors)
{
    int rc;

    notify_reloading();
    rc = take_configuration(suite, errors);
    if (rc < 0)
        log_event(LOG_ERROR, "reload_refused", KV_STR("why", strbuf_cstr(errors)));
    service_changed(suite);
    return rc;
}

bool
suite_is_settled(const struct suite *suite)
{
    for (size_t i = 0; i < suite->count; i++)
        if (!service_is_settled(suite->services[i]))
            return false;
    return true;
}

void
suite_complaints(const struct suite *suite, struct strbuf *out)
{
    for (size_t i = 0; i < suite->count; i++) {
        const struct service *s = suite->services[i];

        if (service_is_failed(s))
            (void)strbuf_printf(out, "%s: %s\n", service_name(s), service_error(s));
        if (service_refused(s)[0] != '\0')
            (void)strbuf_printf(out, "%s: the new configuration was not taken: %s\n",
                                service_name(s), service_refused(s));
    }
}

static void
describe_master(const struct suite *suite, struct strbuf *objects)
{
    static const char *const names[] = {"running", "stopping", "stopped"};
    char pid[24], uptime[24];

    (void)snprintf(pid, sizeof(pid), "%d", getpid());
    (void)snprintf(uptime, sizeof(uptime), "%lld",
                   (long long)(clock_mono_ms() - suite->started_ms) / 1000);
    object_add(objects,
               (const struct object_field[]){
                   {SLICE("service"), SLICE("master")},
                   {SLICE("program"), SLICE("master")},
                   {SLICE("state"), slice_of(names[suite->phase])},
                   {SLICE("pid"), slice_of(pid)},
                   {SLICE("uptime"), slice_of(uptime)},
                   {SLICE("restarts"), SLICE("0")},
                   {SLICE("draining"), SLICE("0")},
               },
               7);
}

uid_t
suite_watcher(const struct suite *suite)
{
    return suite->watcher;
}

void
suite_describe(const struct suite *suite, struct strbuf *objects)
{
    describe_master(suite, objects);
    for (size_t i = 0; i < suite->count; i++)
        service_describe(suite->services[i], objects);
}
