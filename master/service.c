/*
 * master/service.c - the life of one service.
 *
 * `active` is the configuration that has worked (or the first one); `candidate` the one that a
 * reload brought and that no process has yet become ready with; `prepared` the one of a reload that
 * may still be refused as a whole. A process that dies is started
 * again: at once if it had been up for a while, else with a growing pause.
 */
#include "master/service.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/log/journal.h"
#include "lib/log/log.h"

#define UP_FOR_A_WHILE_MS 1000
#define PAUSE_FIRST_MS 100
#define PAUSE_MAX_MS 30000
#define DRAINING_MAX 32 /* generations that end their sessions: no reload past that */
#define ERROR_MAX 4096

struct plan {
    struct config *config; /* NULL: no plan */
    const struct service_row *row;
    struct socket_set *sockets; /* NULL: not bound */
};

/* What is bound already: a new plan takes its sockets from there. */
struct held {
    const struct socket_set *sets[SOCKET_SETS_HELD];
};

struct service {
    struct service_env *env;
    char *name;
    struct plan active, candidate, prepared;
    struct child *current; /* serves, or is starting or stopping */
    struct child *next;    /* takes over when it is ready */
    struct child *draining[DRAINING_MAX];
    size_t draining_count;
    bool wanted;
    bool start_again; /* `current` is being stopped in order to be started */
    struct loop_timer *retry;
    int64_t pause_ms; /* before the next start after a failure; 0: at once */
    uint64_t restarts;
    struct strbuf error;   /* why it is down */
    struct strbuf refused; /* why the last reload was not taken */
};

static void child_ready(struct child *child, void *arg);
static void child_exited(struct child *child, const char *why, void *arg);
static void files_changed(struct child *child, void *arg);
static const struct child_events events = {
    .ready = child_ready, .exited = child_exited, .files_changed = files_changed};

static void
plan_free(struct plan *plan)
{
    socket_set_free(&plan->sockets);
    config_release(&plan->config);
    plan->row = NULL;
}

/* Drops what was bound for a configuration that does not come into force. */
static void
plan_drop(struct service *s, struct plan *plan)
{
    socket_set_replace(s->active.sockets, plan->sockets, s->active.config, s->active.row,
                       s->env->run_dirfd);
    plan_free(plan);
}

static void
changed(struct service *s)
{
    s->env->changed(s->env->arg);
}

/* Whoever looks there sees it too, and it may be logd that is down. */
static void
tell_journal(const struct service *s, struct slice why)
{
    struct strbuf text = strbuf_new(ERROR_MAX + 256);

    if (journal_is_stderr())
        return; /* what was logged is there already */
    (void)strbuf_printf(&text, "service %s failed: ", s->name); /* all of it fits */
    (void)strbuf_append(&text, why);
    (void)journal_tell(JOURNAL_SOCKET, "master", strbuf_slice(&text)); /* where there is none */
    strbuf_free(&text);
}

static void
set_error(struct service *s, const char *text)
{
    struct slice trimmed = slice_trim(slice_of(text));

    strbuf_clear(&s->error);
    (void)strbuf_append(&s->error, slice_sub(trimmed, 0, ERROR_MAX));
    if (trimmed.len == 0)
        return;
    log_event(LOG_ERROR, "service_failed", KV_STR("service", s->name), KV_SLICE("why", trimmed));
    tell_journal(s, trimmed);
}

/* Both are there from the first start on, the failures as 0. */
static void
count_process(const struct service *s, uint64_t starts, uint64_t failures)
{
    if (s->env->stats == NULL)
        return;
    stats_add(stats_counter_of(s->env->stats, "service_starts", s->name), starts);
    stats_add(stats_counter_of(s->env->stats, "service_failures", s->name), failures);
}

static struct child *
launch(struct service *s, const struct plan *plan)
{
    struct child_spec spec = {
        .inst = s->env->inst,
        .program = plan->row->program,
        .service = s->name,
        .conf_path = plan->config->copy_path,
        .sockets = plan->sockets,
        .run_dirfd = s->env->run_dirfd,
        .lock_fd = s->env->lock_fd,
        .start_timeout_ms = s->env->start_timeout_ms,
        .keeps_net_admin = strcmp(plan->row->program, "blockd") == 0,
    };
    struct child *child = child_start(s->env->loop, &spec, &events, s);

    count_process(s, child != NULL, child == NULL);
    if (child == NULL)
        set_error(s, strerror(errno));
    else
        log_event(LOG_INFO, "process_started", KV_STR("service", s->name),
                  KV_U64("child_pid", child_pid(child)));
    return child;
}

static void
retry_later(struct service *s)
{
    loop_timer_set(s->retry, s->pause_ms);
    s->pause_ms = s->pause_ms == 0 ? PAUSE_FIRST_MS : s->pause_ms * 2;
    if (s->pause_ms > PAUSE_MAX_MS)
        s->pause_ms = PAUSE_MAX_MS;
}

static struct held
held_by(const struct service *s)
{
    return (struct held){{s->active.sockets, s->candidate.sockets}};
}

static int
bind_plan(struct service *s, struct plan *plan)
{
    struct strbuf errors = strbuf_new(ERROR_MAX);
    struct held held = held_by(s);

    if (plan->sockets == NULL)
        plan->sockets =
            socket_set_open(plan->config, plan->row, s->env->run_dirfd, held.sets, &errors);
    if (plan->sockets == NULL)
        set_error(s, strbuf_cstr(&errors));
    strbuf_free(&errors);
    return plan->sockets == NULL ? -1 : 0;
}

/* The candidate if there is one: the first process that becomes ready with it makes it active. */
static void
start_current(void *arg)
{
    struct service *s = arg;
    struct plan *plan = s->candidate.config != NULL ? &s->candidate : &s->active;

    if (s->current != NULL || !s->wanted)
        return;
    if (bind_plan(s, plan) == 0)
        s->current = launch(s, plan);
    if (s->current == NULL)
        retry_later(s);
    changed(s);
}

struct service *
service_new(struct service_env *env, struct config *config, const char *name)
{
    struct service *s = xcalloc(1, sizeof(*s));

    s->env = env;
    s->name = xstrdup(name);
    s->active =
        (struct plan){.config = config_share(config), .row = services_find(config->services, name)};
    assert_always(s->active.row != NULL);
    s->retry = loop_timer_new(env->loop, start_current, s);
    s->error = strbuf_new(ERROR_MAX);
    s->refused = strbuf_new(ERROR_MAX);
    return s;
}

void
service_free(struct service **servicep)
{
    struct service *s = *servicep;

    if (s == NULL)
        return;
    if (s->current != NULL)
        child_kill(&s->current);
    if (s->next != NULL)
        child_kill(&s->next);
    for (size_t i = 0; i < s->draining_count; i++)
        child_kill(&s->draining[i]);
    socket_set_unlink(s->active.sockets, s->env->run_dirfd);
    plan_free(&s->active);
    plan_free(&s->candidate);
    plan_free(&s->prepared);
    loop_timer_free(&s->retry);
    strbuf_free(&s->error);
    strbuf_free(&s->refused);
    free(s->name);
    xfree(servicep);
}

const char *
service_name(const struct service *s)
{
    return s->name;
}

const struct service_row *
service_row(const struct service *s)
{
    return s->active.row;
}

void
service_start(struct service *s)
{
    s->wanted = true;
    s->pause_ms = 0;
    if (s->current != NULL) {
        s->start_again = child_is_stopping(s->current);
        return;
    }
    strbuf_clear(&s->error);
    loop_timer_cancel(s->retry);
    start_current(s);
}

/* A stopped service refuses connections. A datagram socket stays: its senders are connected to it
 * for life. */
static void
close_sockets(struct service *s)
{
    if (s->active.sockets == NULL || s->active.row->socket.is_datagram)
        return;
    socket_set_unlink(s->active.sockets, s->env->run_dirfd);
    socket_set_free(&s->active.sockets);
}

/* service_reload_prepare has seen to it that there is room. */
static void
add_draining(struct service *s, struct child *child)
{
    assert_always(s->draining_count < DRAINING_MAX);
    s->draining[s->draining_count++] = child;
}

void
service_stop(struct service *s)
{
    int64_t limit = s->env->stop_timeout_ms;

    s->wanted = false;
    s->start_again = false;
    loop_timer_cancel(s->retry);
    plan_free(&s->candidate);
    strbuf_clear(&s->error);
    if (s->next != NULL)
        child_stop(s->next, limit);
    if (s->current != NULL)
        child_stop(s->current, limit);
    for (size_t i = 0; i < s->draining_count; i++)
        child_stop(s->draining[i], limit);
    if (service_is_gone(s))
        close_sockets(s);
    changed(s);
}

void
service_restart(struct service *s)
{
    if (s->current == NULL) {
        service_start(s);
        return;
    }
    s->wanted = true;
    s->start_again = true;
    s->pause_ms = 0;
    child_stop(s->current, s->env->stop_timeout_ms);
    changed(s);
}

static void
accept_candidate(struct service *s)
{
    if (s->candidate.config == NULL)
        return;
    if (s->candidate.sockets == NULL) { /* prepared while it was stopped */
        s->candidate.sockets = s->active.sockets;
        s->active.sockets = NULL;
    }
    socket_set_replace(s->candidate.sockets, s->active.sockets, s->candidate.config,
                       s->candidate.row, s->env->run_dirfd);
    plan_free(&s->active);
    s->active = s->candidate;
    s->candidate = (struct plan){0};
}

static void
child_ready(struct child *child, void *arg)
{
    struct service *s = arg;

    if (child == s->next) {
        if (s->current != NULL) {
            add_draining(s, s->current);
            if (child_is_ready(s->current))
                child_drain(s->current);
            else /* has no session yet, and might not hear a hangup */
                child_stop(s->current, s->env->stop_timeout_ms);
        }
        s->current = s->next;
        s->next = NULL;
    }
    if (child == s->current) {
        accept_candidate(s);
        strbuf_clear(&s->error);
        log_event(LOG_INFO, "service_ready", KV_STR("service", s->name),
                  KV_U64("child_pid", child_pid(child)),
                  KV_U64("took_ms", clock_mono_ms() - child_started_ms(child)));
    }
    changed(s);
}

static bool
was_draining(struct service *s, const struct child *child)
{
    for (size_t i = 0; i < s->draining_count; i++) {
        if (s->draining[i] != child)
            continue;
        s->draining_count--;
        for (; i < s->draining_count; i++)
            s->draining[i] = s->draining[i + 1];
        return true;
    }
    return false;
}

/* The new configuration did not work: what ran before goes on, or comes back. */
static void
refuse_candidate(struct service *s, const char *why)
{
    strbuf_clear(&s->refused);
    (void)strbuf_str(&s->refused, why); /* cut nowhere: both have the same ceiling */
    log_event(LOG_ERROR, "reload_refused", KV_STR("service", s->name), KV_STR("why", why));
    plan_drop(s, &s->candidate);
}

static void
current_died(struct service *s, const struct child *child, const char *why)
{
    bool was_up =
        child_is_ready(child) && clock_mono_ms() - child_started_ms(child) >= UP_FOR_A_WHILE_MS;

    s->restarts++;
    count_process(s, 0, 1);
    if (s->candidate.config != NULL && !child_is_ready(child)) {
        refuse_candidate(s, why);
        s->pause_ms = 0;
    } else {
        set_error(s, why);
    }
    if (was_up)
        s->pause_ms = 0;
    retry_later(s);
}

static void
child_exited(struct child *child, const char *why, void *arg)
{
    struct service *s = arg;

    if (child == s->next) {
        s->next = NULL;
        count_process(s, 0, s->wanted);
        if (s->wanted)
            refuse_candidate(s, why);
    } else if (child == s->current) {
        s->current = NULL;
        if (s->start_again) {
            s->start_again = false;
            start_current(s);
        } else if (s->wanted) {
            current_died(s, child, why);
        }
    } else {
        (void)was_draining(s, child);
    }
    if (!s->wanted && service_is_gone(s))
        close_sockets(s);
    changed(s);
}

/* Who renews certificates may have them taken; nobody else has a reason. */
static void
files_changed(struct child *child, void *arg)
{
    struct service *s = arg;

    if (child == s->current && strcmp(s->active.row->program, "acmed") == 0)
        s->env->files_changed(s->env->arg);
}

int
service_reload_prepare(struct service *s, struct config *config, struct strbuf *errors)
{
    const struct service_row *row = services_find(config->services, s->name);
    struct held held = held_by(s);

    assert_always(row != NULL);
    strbuf_clear(&s->refused);
    if (s->draining_count + 1 >= DRAINING_MAX) {
        (void)strbuf_printf(errors, "%s: %zu earlier generations still end their sessions\n",
                            s->name, s->draining_count);
        return -1;
    }
    s->prepared = (struct plan){.config = config_share(config), .row = row};
    if (!s->wanted)
        return 0;
    s->prepared.sockets = socket_set_open(config, row, s->env->run_dirfd, held.sets, errors);
    if (s->prepared.sockets != NULL)
        return 0;
    plan_free(&s->prepared);
    return -1;
}

void
service_reload_cancel(struct service *s)
{
    plan_drop(s, &s->prepared);
}

void
service_reload(struct service *s, bool needed)
{
    if (s->next !=
        NULL) { /* of an earlier reload, not ready yet: it would take over with old text */
        add_draining(s, s->next);
        child_stop(s->next, s->env->stop_timeout_ms);
        s->next = NULL;
    }
    plan_free(&s->candidate);
    s->candidate = s->prepared;
    s->prepared = (struct plan){0};
    if (!s->wanted || !needed || s->current == NULL) {
        accept_candidate(s);
        if (s->wanted && s->current == NULL)
            service_start(s);
    } else if (s->candidate.row->overlap) {
        s->next = launch(s, &s->candidate);
        if (s->next == NULL)
            refuse_candidate(s, "no process could be started");
    } else {
        service_restart(s);
    }
    changed(s);
}

bool
service_is_gone(const struct service *s)
{
    return s->current == NULL && s->next == NULL && s->draining_count == 0;
}

bool
service_is_settled(const struct service *s)
{
    if (!s->wanted)
        return service_is_gone(s);
    if (s->next != NULL || s->start_again)
        return false;
    return s->current == NULL ? s->error.len > 0 : child_is_ready(s->current);
}

bool
service_is_failed(const struct service *s)
{
    return s->wanted && (s->current == NULL || !child_is_ready(s->current)) && s->error.len > 0;
}

bool
service_wanted(const struct service *s)
{
    return s->wanted;
}

const char *
service_error(const struct service *s)
{
    return strbuf_cstr(&s->error);
}

const char *
service_refused(const struct service *s)
{
    return strbuf_cstr(&s->refused);
}

static const char *
state_name(const struct service *s)
{
    if (!s->wanted)
        return service_is_gone(s) ? "stopped" : "stopping";
    if (s->start_again)
        return "restarting";
    if (s->current != NULL && child_is_ready(s->current))
        return s->next != NULL ? "reloading" : "running";
    return s->error.len > 0 ? "failed" : "starting";
}

static void
list_sockets(const struct service *s, struct strbuf *out)
{
    const struct socket_set *set = s->active.sockets;

    for (size_t i = 0; set != NULL && i < set->count; i++)
        (void)strbuf_printf(out, "%s%s=%s", i == 0 ? "" : " ", set->items[i].label,
                            set->items[i].where);
}

void
service_describe(const struct service *s, struct strbuf *objects)
{
    struct strbuf listen = strbuf_new(OBJECT_VALUE_MAX);
    char pid[24] = "", uptime[24] = "", restarts[24], draining[24];

    if (s->current != NULL) {
        (void)snprintf(pid, sizeof(pid), "%d", child_pid(s->current));
        (void)snprintf(uptime, sizeof(uptime), "%lld",
                       (long long)(clock_mono_ms() - child_started_ms(s->current)) / 1000);
    }
    (void)snprintf(restarts, sizeof(restarts), "%llu", (unsigned long long)s->restarts);
    (void)snprintf(draining, sizeof(draining), "%zu", s->draining_count);
    list_sockets(s, &listen);
    object_add(objects,
               (const struct object_field[]){
                   {SLICE("service"), slice_of(s->name)},
                   {SLICE("program"), slice_of(s->active.row->program)},
                   {SLICE("state"), slice_of(state_name(s))},
                   {SLICE("pid"), slice_of(pid)},
                   {SLICE("uptime"), slice_of(uptime)},
                   {SLICE("restarts"), slice_of(restarts)},
                   {SLICE("draining"), slice_of(draining)},
                   {SLICE("listen"), strbuf_slice(&listen)},
                   {SLICE("error"), strbuf_slice(s->error.len > 0 ? &s->error : &s->refused)},
               },
               9);
    strbuf_free(&listen);
}
