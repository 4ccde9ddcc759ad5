/*
 * authd/main.c - start-up of authd: SASL, passwords, and the descriptors that sessions get.
 *
 * The front is an event loop that never hashes; hash workers do (hash_worker.c). It may search the
 * store, talk to accountd and local-deliver, and accept from the protocol daemons' parents.
 */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "authd/admin.h"
#include "authd/attach.h"
#include "authd/external.h"
#include "authd/guard.h"
#include "authd/server.h"
#include "authd/visits.h"
#include "authd/watch.h"
#include "lib/auth/hash_worker.h"
#include "lib/auth/sasl.h"
#include "lib/base/io.h"
#include "lib/ipc/accountd.h"
#include "lib/ipc/authd.h"
#include "lib/ipc/local_deliver.h"
#include "lib/ipc/operd.h"
#include "lib/log/log.h"

enum {
    ACCOUNT_CALLS_MAX = 16384, /* look-ups that may wait for accountd */
    OPERS_PENDING_MAX = 64,    /* system operations on one connection */
    STORE_CALLS_MAX = 256,
    HASH_PATIENCE_MS = AUTHD_TIMEOUT_MS - 5000 /* then the session has given up */
};

struct program {
    struct server server;
    struct attach_server *attach;
};

static enum second_step
second_step_from(const struct conf *conf)
{
    const char *policy = conf_str(conf, ADMIN_TOTP_POLICY);

    return strcmp(policy, "required") == 0 ? SECOND_STEP_REQUIRED
           : strcmp(policy, "on") == 0     ? SECOND_STEP_ON
                                           : SECOND_STEP_OFF;
}

/* Everything that needs a path or a fork. */
static void
open_server(struct server *server, const struct daemon *d)
{
    const struct conf *conf = d->conf;
    unsigned width = hash_workers_width(conf);
    int db_fd = daemon_open_dir(d, d->inst.db, false);
    int workers[HASH_WORKERS_MAX];

    sasl_init();
    *server = (struct server){
        .loop = d->loop,
        .run_dirfd = d->run_dirfd,
        .owner = getuid(),
        .policy = password_policy_from(conf),
        .mechanisms = mechanisms_new(conf),
        .dirs = {daemon_open_dir(d, d->inst.store, true), daemon_open_optional_dir(d->inst.stores)},
        .plain_on_loopback = conf_bool(conf, AUTH_PLAIN_ON_LOOPBACK),
        .rehash = conf_bool(conf, AUTH_REHASH),
        .admin_totp = second_step_from(conf),
        .exchange_timeout_ms = (int64_t)conf_u64(conf, AUTH_TIMEOUT),
        .sessions_max = (unsigned)conf_u64(conf, AUTH_SESSIONS_MAX),
        .logins = stats_counter(d->stats, "logins"),
        .failures = stats_counter(d->stats, "login_failures"),
        .cache_hits = stats_counter(d->stats, "login_cache_hits"),
        .dropped = stats_counter(d->stats, "logins_dropped"),
    };
    hash_workers_start(d, USERS_AUTH, &server->policy, width,
                       workers); /* before there are secrets in memory */
    external_start(server, d, HASH_PATIENCE_MS);
    server->decoy = decoy_new(db_fd, &server->policy);
    close_keep_errno(db_fd);
    server->pool = hash_pool_new(d->loop, workers, width, (unsigned)conf_u64(conf, AUTH_HASH_QUEUE),
                                 HASH_PATIENCE_MS, width);
    server->cache =
        cache_new(conf_u64(conf, AUTH_CACHE_ENTRIES), (int64_t)conf_u64(conf, AUTH_CACHE_LIFETIME));
    server->throttle = throttle_new((int64_t)conf_u64(conf, AUTH_FAILURE_DELAY));
    server->login_delay = login_delay_new((int64_t)conf_u64(conf, POP3_LOGIN_DELAY));
    server->admin_tokens = admin_tokens_new((int64_t)conf_u64(conf, ADMIN_SESSION_TIMEOUT));
    server->accounts = ipc_async_new(d->loop, d->run_dirfd, ACCOUNTD_SOCKET, ACCOUNTD_PAYLOAD_MAX,
                                     ACCOUNT_CALLS_MAX);
    for (size_t i = 0; i < AUTHD_OPERS; i++)
        server->opers[i] = ipc_async_new(d->loop, d->run_dirfd, OPERD_SOCKET, AUTHD_PAYLOAD_MAX,
                                         OPERS_PENDING_MAX);
    server->stores =
        ipc_async_new(d->loop, d->run_dirfd, STORE_SOCKET, STORE_CTL_PAYLOAD_MAX, STORE_CALLS_MAX);
}

static void
enter_sandbox(struct daemon *d, const struct server *server)
{
    struct sandbox box = daemon_sandbox_base(d, USERS_AUTH);

    /* No directory: opening with O_PATH needs no Landlock right, and nothing else may be opened. */
    box.calls = SANDBOX_FILES | SANDBOX_CONNECT_UNIX | SANDBOX_ACCEPT | SANDBOX_SEND_FDS;
    box.files_max = server->sessions_max + 1024;
    daemon_sandbox(d, &box);
}

/* A newer authd has taken over: parents go over to it, sessions that are attached to us stay until
 * their login or their end. */
static void
hang_up(void *arg, int signo)
{
    struct program *program = arg;

    (void)signo;
    log_event(LOG_INFO, "draining", KV_U64("sessions", program->server.sessions));
    program->server.draining = true;
    guard_drain(program->server.guard);
    attach_drain(program->attach);
    if (server_is_drained(&program->server))
        loop_stop(program->server.loop);
}

int
main(int argc, char **argv)
{
    struct daemon d;
    struct program program;

    daemon_init(&d, "authd", argc, argv); /* options, log, config; exits on error */
    open_server(&program.server, &d);     /* hash workers fork here; last use of a path */
    program.attach = attach_listen(&program.server, &d);
    program.server.watch = watch_new(&program.server);
    program.server.guard = guard_new(&program.server, &d);
    program.server.visits = visits_new(&program.server, &d);
    loop_on_signal(d.loop, SIGHUP, hang_up, &program);
    enter_sandbox(&d, &program.server); /* user, Landlock, seccomp: no way back */
    daemon_ready(&d);                   /* master counts us as started from here on */
    daemon_run(&d);                     /* until SIGTERM, or until master is gone */
    watch_free(&program.server.watch);
    guard_free(&program.server.guard);
    visits_free(&program.server.visits);
    attach_close(&program.attach);
    return daemon_exit_status(&d);
}
