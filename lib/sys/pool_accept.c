/*
 * lib/sys/pool_accept.c - the parent of a pool takes connections in: whose are they, are they
 * within the limits, who serves them.
 *
 * Of a client this sees the address alone, or what a load balancer of ours says that it is.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/random.h"
#include "lib/log/log.h"
#include "lib/sys/pool_admission.h"
#include "lib/sys/pool_private.h"

#define DISCARD_STEP 8192 /* bytes at once */
#define DISCARD_STEPS 8
#define ACCEPTS_PER_TURN 32
#define PAUSE_MS 100       /* accepting rests when the system is out of something */
#define REFUSALS_LOGGED 20 /* in a second; the others are in the counter alone */

bool
pool_may_log(struct pool *p)
{
    int64_t now = clock_mono_ms();

    if (now - p->refusals_since_ms >= 1000) {
        p->refusals_since_ms = now;
        p->refusals_logged = 0;
    }
    return p->refusals_logged++ < REFUSALS_LOGGED;
}

/* What has come in already: a connection that is closed with something unread is reset, and then
 * the client may never see what it was told. Bounded: who sends on and on is reset after all. */
static void
discard_input(int fd)
{
    char bytes[DISCARD_STEP];

    for (int i = 0; i < DISCARD_STEPS; i++)
        if (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) <= 0)
            break;
}

void
pool_send_away(struct pool *p, const struct arrival *a, enum pool_refusal why,
               enum admission_verdict verdict)
{
    const struct pool_port *port = p->ports[a->about.port].is;
    const char *text = p->ops->refusal == NULL || port->speaks_late ? NULL : p->ops->refusal(why);

    stats_add(p->d->port_counts[a->about.port].failed, 1);
    if (verdict != ADMISSION_OK) {
        stats_add(p->count.refused, 1);
        if (pool_may_log(p))
            log_event(LOG_WARN, "refused", KV_STR("listener", port->label),
                      KV_STR("client", a->about.client_ip),
                      KV_STR("reason", admission_reason(verdict)),
                      KV_STR("setting", conf_decider(pool_admission_setting(port, verdict))));
    }
    if (text != NULL) /* one packet or nothing: we wait for nobody here */
        (void)send(a->fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL);
    discard_input(a->fd);
    (void)close(a->fd);
}

static void
refuse(struct pool *p, const struct arrival *a, enum admission_verdict verdict)
{
    bool listed = verdict == ADMISSION_DENIED || verdict == ADMISSION_NOT_ALLOWED;

    pool_send_away(p, a, listed ? POOL_DENIED : POOL_TOO_MANY, verdict);
}

static bool
is_blocked(const struct pool *p, const struct arrival *a)
{
    return p->blocked != NULL && p->ports[a->about.port].is->login_only &&
           blocked_set_has(p->blocked, &a->from, clock_real_ms());
}

static void
refuse_blocked(struct pool *p, const struct arrival *a)
{
    stats_add(p->count.blocked, 1);
    if (pool_may_log(p))
        log_event(LOG_INFO, "refused", KV_STR("listener", p->ports[a->about.port].is->label),
                  KV_STR("client", a->about.client_ip), KV_STR("reason", "address is blocked"));
    pool_send_away(p, a, POOL_BLOCKED, ADMISSION_OK);
}

/* ---- a worker for it ---- */

static bool
start_session(struct pool *p, struct worker *w, const struct arrival *a)
{
    if (w == NULL || pool_start(w, &a->about, a->fd, -1) < 0) {
        log_event(LOG_ERROR, "handover_failed", KV_ERRNO());
        if (w != NULL)
            pool_dismiss(w);
        return false;
    }
    w->counted = true;
    w->from = a->from;
    stats_add(p->count.accepted, 1);
    if (p->ops->successors && (p->ops->keep_sockets >> a->about.port & 1) != 0)
        w->kept_fd = a->fd;
    else
        (void)close(a->fd);
    if (!p->draining && p->idle_count < p->ops->spare_min)
        loop_timer_set(p->refill, 0);
    return true;
}

void
pool_serve(struct pool *p, const struct arrival *a)
{
    struct admission *admission = pool_admission_of(p, &a->about);
    enum admission_verdict verdict = admission_sit(admission, a->about.is_known);

    if (verdict == ADMISSION_OK && start_session(p, pool_idle_worker(p), a))
        return;
    if (verdict == ADMISSION_OK)
        admission_rise(admission);
    admission_leave(admission, &a->from);
    refuse(p, a, ADMISSION_FULL);
}

/* ---- who is it? ---- */

void
pool_arrived(struct pool *p, const struct arrival *a)
{
    struct admission *admission = pool_admission_of(p, &a->about);
    struct arrival known = *a;
    int64_t now = clock_mono_ms();
    enum admission_verdict verdict;

    stats_add(p->d->port_counts[a->about.port].connections, 1);
    if (is_blocked(p, a)) {
        refuse_blocked(p, a);
        return;
    }
    verdict = admission_enter(admission, &a->from, now);
    if (verdict != ADMISSION_OK) {
        refuse(p, a, verdict);
        return;
    }
    known.about.is_pressed = admission_is_pressed(admission);
    known.about.is_known = p->ops->screening == NULL || admission_knows(admission, &a->from, now);
    if (p->waiting_max == 0 || p->ports[a->about.port].is->listed_only ||
        (known.about.is_known && !known.about.is_pressed))
        pool_serve(p, &known);
    else
        pool_screen(p->waiting, &known);
}

/* In the same place for both families. */
static uint16_t
port_of(const struct sockaddr_storage *address)
{
    struct sockaddr_in v4;

    memcpy(&v4, address, sizeof(v4));
    return ntohs(v4.sin_port);
}

static struct pool_handover
describe(const struct listener *l, int fd, const struct ip *from,
         const struct sockaddr_storage *peer)
{
    struct pool_handover h = {.port = l->port, .client_port = port_of(peer)};
    struct sockaddr_storage local = {0};
    socklen_t len = sizeof(local);
    struct ip ip;

    random_name(h.session_id, SESSION_ID_LEN);
    ip_text(from, h.client_ip);
    if (getsockname(fd, (struct sockaddr *)&local, &len) == 0 && ip_of_sockaddr(&local, &ip) == 0) {
        ip_text(&ip, h.local_ip);
        h.local_port = port_of(&local);
    }
    return h;
}

/* From this host: by the loopback address for all that goes by address, and by the kernel's word
 * for whose it is. */
static void
take_local(struct listener *l, struct arrival *a)
{
    struct sockaddr_in loopback = {.sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_storage peer = {0};
    struct ucred whose;
    socklen_t len = sizeof(whose);

    memcpy(&peer, &loopback, sizeof(loopback));
    if (getsockopt(a->fd, SOL_SOCKET, SO_PEERCRED, &whose, &len) < 0 ||
        ip_of_sockaddr(&peer, &a->from) < 0) {
        (void)close(a->fd);
        return;
    }
    a->about = describe(l, a->fd, &a->from, &peer);
    ip_text(&a->from, a->about.local_ip);
    a->about.is_local = true;
    a->about.local_uid = whose.uid;
    pool_arrived(l->pool, a);
}

static void
take(struct listener *l, int fd, const struct sockaddr_storage *peer)
{
    struct pool *p = l->pool;
    struct arrival a = {.fd = fd};

    if (p->ports[l->port].is->local) {
        take_local(l, &a);
        return;
    }
    if (ip_of_sockaddr(peer, &a.from) < 0) {
        (void)close(fd);
        return;
    }
    a.about = describe(l, fd, &a.from, peer);
    if (networks_have(&p->proxies, &a.from))
        pool_wait_for_header(p->waiting, &a);
    else
        pool_arrived(p, &a);
}

static void
pause_accepting(struct pool *p, const char *why)
{
    log_event(LOG_ERROR, "accept_pauses", KV_STR("step", why), KV_ERRNO());
    pool_listeners_want(p, 0);
    loop_timer_set(p->pause, PAUSE_MS);
}

static bool
is_out_of_something(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

void
pool_connections_wait(void *arg, unsigned ready)
{
    struct listener *l = arg;
    struct pool *p = l->pool;

    (void)ready;
    for (unsigned i = 0; i < ACCEPTS_PER_TURN; i++) {
        struct sockaddr_storage peer = {0};
        socklen_t len = sizeof(peer);
        int fd;

        if (pool_idle_worker(p) == NULL) {
            pause_accepting(p, "worker");
            return;
        }
        fd = accept4(l->fd, (struct sockaddr *)&peer, &len, SOCK_CLOEXEC);
        if (fd >= 0)
            take(l, fd, &peer);
        else if (!is_out_of_something(errno))
            break; /* nobody waits any more, or the one who did has gone */
        else if (!pool_waiting_evict(p->waiting)) {
            pause_accepting(p, "accept");
            return;
        }
    }
    if (p->idle_count < p->ops->spare_min)
        loop_timer_set(p->refill, 0);
}
