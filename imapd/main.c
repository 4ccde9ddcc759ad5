/*
 * imapd/main.c - start of the IMAP server (ports 143 and 993).
 *
 * The parent accepts connections and reads nothing from them but the header of a load balancer
 * that is listed (lib/sys/pool.h). A session runs in a worker that can open nothing until authd has
 * handed it one user's mail directory, and nothing but that directory afterwards.
 */
#include "imapd/session.h"
#include "lib/auth/digest.h"
#include "lib/ipc/authd.h"
#include "lib/ipc/tls_key.h"
#include "lib/tls/tls_conf.h"

enum { REUSE_MAX = 100, WORKER_FILES = 256 + 4 * AUTHD_FOLDERS_MAX /* without NOTIFY's */ };

static const struct pool_port ports[] = {
    {.label = "imap", .login_only = true, POOL_PORT_LIMITS(IMAP)},
    {.label = "imaps", .login_only = true, .speaks_late = true, POOL_PORT_LIMITS(IMAPS)},
};
enum { PLAIN_LABELS = 1 << 0 /* those where a client may stay without TLS */ };

static struct sandbox
worker_sandbox(const struct daemon *d)
{
    struct sandbox box = daemon_sandbox_base(d, USERS_MAIL);

    box.dirs[0] = (struct sandbox_dir){.fd = daemon_open_dir(d, d->inst.store, true),
                                       .access = SANDBOX_READ | SANDBOX_WRITE};
    box.dirs[1] = (struct sandbox_dir){.fd = daemon_open_optional_dir(d->inst.stores),
                                       .access = SANDBOX_READ | SANDBOX_WRITE};
    box.dir_count = box.dirs[1].fd < 0 ? 1 : 2;
    box.same_rights = true; /* messages are linked from folder to folder */
    /* a NOTIFY watches before it takes the place of another */
    box.files_max = WORKER_FILES + 4 * conf_u64(d->conf, IMAP_NOTIFY_MAX);
    box.calls = SANDBOX_FILES | SANDBOX_LANDLOCK | SANDBOX_INOTIFY;
    if (conf_bool(d->conf, IMAP_UNAUTHENTICATE))
        box.calls |= SANDBOX_NARROW; /* to become a relay */
    return box;
}

/* RFC 3501 section 7.1.5: a greeting that refuses. */
static const char *
refusal(enum pool_refusal why)
{
    switch (why) {
    case POOL_DENIED:
        return "* BYE no service for your address\r\n";
    case POOL_BLOCKED: /* as imapd/login.c says */
        return "* BYE [LIMIT] Too many failed logins, try again later\r\n";
    default:
        return "* BYE [UNAVAILABLE] too many connections, try later\r\n";
    }
}

int
main(int argc, char **argv)
{
    struct daemon d;
    struct server server;
    struct pool_ops ops;

    daemon_init(&d, "imapd", argc, argv); /* options, log, config; exits on error */
    server_load_settings(&server.settings, d.conf);
    server_make_annotations(&server, d.conf);
    server_make_counters(&server.counters, d.stats);
    digest_init(); /* of THREADID: what the library loads, it loads here */
    server.tls = tls_conf_server_or_exit("imapd", d.conf, &d.inst);
    ops = (struct pool_ops){
        .ports = ports,
        .port_count = ARRAY_LEN(ports),
        .parent_box = daemon_sandbox_base(&d, USERS_MAIL),
        .worker_box = worker_sandbox(&d), /* last use of a path from the real root */
        .keys = TLS_KEY_SOCKET,
        .serve = session_serve,
        .refusal = refusal,
        .arg = &server,
        .successors = server.settings.unauthenticate,
        .keep_sockets = PLAIN_LABELS,
        .spare_min = (unsigned)conf_u64(d.conf, IMAP_SPARE_MIN),
        .spare_max = (unsigned)conf_u64(d.conf, IMAP_SPARE_MAX),
        .reuse_max = REUSE_MAX,
        .proxies = IMAP_PROXIES,
    };
    return pool_run(&d, &ops); /* sandbox, ready, until drained */
}
