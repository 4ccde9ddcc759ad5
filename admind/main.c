/*
 * admind/main.c - start of the administration server (port 6000, always TLS, and run/admin.sock).
 *
 * The parent accepts connections and reads nothing from them but the header of a load balancer that
 * is listed (lib/sys/pool.h). A session runs in a worker that can open nothing and holds no right:
 * authd says who it is for, accountd what that one may.
 */
#include "admind/session.h"
#include "lib/api/api.h"
#include "lib/api/api_request.h"
#include "lib/conf/services.h"
#include "lib/ipc/tls_key.h"
#include "lib/tls/tls_conf.h"

enum { REUSE_MAX = 100, OPENAPI_MAX = 1u << 20 };

static const struct pool_port ports[] = {
    {.label = "admin", .speaks_late = true, POOL_PORT_LIMITS(ADMIN)},
    {.label = SERVICE_CONTROL, .local = true, .speaks_late = true, POOL_PORT_LIMITS(ADMIN)},
};

static struct server
server_new(const struct daemon *d)
{
    struct server server = {
        .tls = tls_conf_server_or_exit("admind", d->conf, &d->inst),
        .idle_ms = (int64_t)conf_u64(d->conf, ADMIN_IDLE_TIMEOUT),
        .request_ms = (int64_t)conf_u64(d->conf, ADMIN_REQUEST_TIMEOUT),
        .session_s = conf_u64(d->conf, ADMIN_SESSION_TIMEOUT) / 1000,
        .openapi = strbuf_new(OPENAPI_MAX),
    };

    api_request_init();
    api_openapi(&server.openapi, "1");
    server.count.requests = stats_counter(d->stats, "requests");
    server.count.calls = stats_counter(d->stats, "calls");
    server.count.logins = stats_counter(d->stats, "logins");
    server.count.login_failures = stats_counter(d->stats, "login_failures");
    return server;
}

static const char *
refusal(enum pool_refusal why)
{
    (void)why;
    return NULL; /* TLS comes first: there is nobody to tell */
}

int
main(int argc, char **argv)
{
    struct daemon d;
    struct server server;
    struct pool_ops ops;

    daemon_init(&d, "admind", argc, argv); /* options, log, config; exits on error */
    server = server_new(&d);               /* last use of a path from the real root */
    ops = (struct pool_ops){
        .ports = ports,
        .port_count = ARRAY_LEN(ports),
        .parent_box = daemon_sandbox_base(&d, USERS_ADMIN),
        .worker_box = daemon_sandbox_base(&d, USERS_ADMIN),
        .no_paths = true,
        .keys = TLS_KEY_SOCKET,
        .serve = session_serve,
        .refusal = refusal,
        .arg = &server,
        .spare_min = (unsigned)conf_u64(d.conf, ADMIN_SPARE_MIN),
        .spare_max = (unsigned)conf_u64(d.conf, ADMIN_SPARE_MAX),
        .reuse_max = REUSE_MAX,
        .proxies = ADMIN_PROXIES,
    };
    return pool_run(&d, &ops); /* sandbox, ready, until drained */
}
