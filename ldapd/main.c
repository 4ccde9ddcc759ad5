/*
 * ldapd/main.c - start of the LDAP server (ports 389 and 636).
 *
 * The parent accepts connections and reads nothing from them but the header of a load balancer
 * that is listed (lib/sys/pool.h). A session runs in a worker that can open nothing and connect
 * nowhere: it has its channels to authd and directoryd.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "ldapd/session.h"
#include "lib/ipc/tls_key.h"
#include "lib/tls/tls_conf.h"

enum { REUSE_MAX = 100 };

static const struct pool_port ports[] = {
    {.label = "ldap", .speaks_late = true, POOL_PORT_LIMITS(LDAP)},
    {.label = "ldaps", .speaks_late = true, POOL_PORT_LIMITS(LDAPS)},
};

static struct server
server_new(const struct daemon *d)
{
    struct server server = {
        .tls = tls_conf_server_or_exit("ldapd", d->conf, &d->inst),
        .plain_on_loopback = conf_bool(d->conf, AUTH_PLAIN_ON_LOOPBACK),
        .mechanisms = mechanisms_new(d->conf),
        .size_limit = (uint32_t)conf_u64(d->conf, LDAP_SIZE_LIMIT),
        .time_ms = (int64_t)conf_u64(d->conf, LDAP_TIME_LIMIT),
        .idle_ms = (int64_t)conf_u64(d->conf, LDAP_IDLE_TIMEOUT),
        .tls_ms = (int64_t)conf_u64(d->conf, LDAP_TLS_TIMEOUT),
        .login_ms = (int64_t)conf_u64(d->conf, LDAP_LOGIN_TIMEOUT),
        .serves_strangers = conf_bool(d->conf, LDAP_ANONYMOUS_READ),
    };

    if (names_init(&server.names, conf_str(d->conf, LDAP_BASE)) < 0) {
        (void)fprintf(stderr, "ldap.base: expected a name of parts o=, ou= and dc=\n");
        exit(EX_CONFIG);
    }
    server.count.binds = stats_counter(d->stats, "logins");
    server.count.bind_failures = stats_counter(d->stats, "login_failures");
    server.count.searches = stats_counter(d->stats, "searches");
    server.count.changes = stats_counter(d->stats, "changes");
    return server;
}

int
main(int argc, char **argv)
{
    struct daemon d;
    struct server server;
    struct pool_ops ops;

    daemon_init(&d, "ldapd", argc, argv); /* options, log, config; exits on error */
    server = server_new(&d);
    ops = (struct pool_ops){
        .ports = ports,
        .port_count = ARRAY_LEN(ports),
        .keys = TLS_KEY_SOCKET,
        .backend = DIRECTORY_SOCKET,
        .backend_payload_max = DIRECTORY_PAYLOAD_MAX,
        .backend_hello = directory_hello_encode,
        .parent_box = daemon_sandbox_base(&d, USERS_LDAP),
        .worker_box = daemon_sandbox_base(&d, USERS_LDAP), /* last use of a path */
        .no_paths = true,
        .serve = session_serve,
        .arg = &server,
        .spare_min = (unsigned)conf_u64(d.conf, LDAP_SPARE_MIN),
        .spare_max = (unsigned)conf_u64(d.conf, LDAP_SPARE_MAX),
        .reuse_max = REUSE_MAX,
        .proxies = LDAP_PROXIES,
    };
    return pool_run(&d, &ops); /* sandbox, ready, until drained */
}
