/*
 * pop3d/main.c - start of the POP3 server (ports 110 and 995).
 *
 * The parent accepts connections and reads nothing from them but the header of a load balancer
 * that is listed (lib/sys/pool.h). A session runs in a worker that can open nothing until authd has
 * handed it one user's mail directory, and nothing but that directory afterwards.
 */
#include "lib/ipc/tls_key.h"
#include "lib/tls/tls_conf.h"
#include "pop3d/session.h"

enum { REUSE_MAX = 100 };

static const struct pool_port ports[] = {
    {.label = "pop3", .login_only = true, POOL_PORT_LIMITS(POP3)},
    {.label = "pop3s", .login_only = true, .speaks_late = true, POOL_PORT_LIMITS(POP3S)},
};

static struct server
server_new(const struct daemon *d)
{
    struct server server = {
        .tls = tls_conf_server_or_exit("pop3d", d->conf, &d->inst),
        .banner = conf_str(d->conf, SYSTEM_BANNER),
        .plain_on_loopback = conf_bool(d->conf, AUTH_PLAIN_ON_LOOPBACK),
        .mechanisms = mechanisms_new(d->conf),
        .refuse_utf8 = conf_bool(d->conf, POP3_REFUSE_UTF8),
        .idle_ms = (int64_t)conf_u64(d->conf, POP3_IDLE_TIMEOUT),
        .login_ms = (int64_t)conf_u64(d->conf, POP3_LOGIN_TIMEOUT),
        .login_delay_ms = (int64_t)conf_u64(d->conf, POP3_LOGIN_DELAY),
        .tls_ms = (int64_t)conf_u64(d->conf, POP3_TLS_TIMEOUT),
        .undelete_days = (uint32_t)conf_u64(d->conf, STORE_UNDELETE_DAYS),
    };

    server.count.logins = stats_counter(d->stats, "logins");
    server.count.login_failures = stats_counter(d->stats, "login_failures");
    server.count.retrieved = stats_counter(d->stats, "messages_retrieved");
    server.count.removed = stats_counter(d->stats, "messages_removed");
    server.count.bytes_out = stats_counter(d->stats, "bytes_sent");
    return server;
}

static struct sandbox
worker_sandbox(const struct daemon *d)
{
    struct sandbox box = daemon_sandbox_base(d, USERS_MAIL);

    box.dirs[0] = (struct sandbox_dir){.fd = daemon_open_dir(d, d->inst.store, true),
                                       .access = SANDBOX_READ | SANDBOX_WRITE};
    box.dirs[1] = (struct sandbox_dir){.fd = daemon_open_optional_dir(d->inst.stores),
                                       .access = SANDBOX_READ | SANDBOX_WRITE};
    box.dir_count = box.dirs[1].fd < 0 ? 1 : 2;
    box.calls = SANDBOX_FILES | SANDBOX_LANDLOCK;
    return box;
}

static const char *
refusal(enum pool_refusal why)
{
    switch (why) {
    case POOL_DENIED:
        return "-ERR no service for your address\r\n";
    case POOL_BLOCKED: /* as pop3d/login.c says */
        return "-ERR [SYS/TEMP] too many failures, try again later\r\n";
    default:
        return "-ERR [SYS/TEMP] too busy, try again later\r\n";
    }
}

int
main(int argc, char **argv)
{
    struct daemon d;
    struct server server;
    struct pool_ops ops;

    daemon_init(&d, "pop3d", argc, argv); /* options, log, config; exits on error */
    server = server_new(&d);
    ops = (struct pool_ops){
        .ports = ports,
        .port_count = ARRAY_LEN(ports),
        .parent_box = daemon_sandbox_base(&d, USERS_MAIL),
        .worker_box = worker_sandbox(&d), /* last use of a path from the real root */
        .keys = TLS_KEY_SOCKET,
        .serve = session_serve,
        .refusal = refusal,
        .arg = &server,
        .spare_min = (unsigned)conf_u64(d.conf, POP3_SPARE_MIN),
        .spare_max = (unsigned)conf_u64(d.conf, POP3_SPARE_MAX),
        .reuse_max = REUSE_MAX,
        .proxies = POP3_PROXIES,
    };
    return pool_run(&d, &ops); /* sandbox, ready, until drained */
}
