/*
 * metricsd/main.c - start of the server that shows the figures to Prometheus (port 6001).
 *
 * A session runs in a worker that can open nothing; what it shows it has from figured, by a
 * connection that the parent has made.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "lib/conf/secret_file.h"
#include "lib/ipc/figured.h"
#include "lib/ipc/tls_key.h"
#include "lib/tls/tls_conf.h"
#include "metricsd/session.h"

enum { SPARE_MIN = 1, SPARE_MAX = 2, REUSE_MAX = 1000 };

static const struct pool_port ports[] = {
    {.label = "metrics", .speaks_late = true, POOL_PORT_LIMITS(METRICS)},
};

static _Noreturn void
refuse_token(const char *why)
{
    (void)fprintf(stderr, "metrics.token_file: %s\n", why);
    exit(EX_CONFIG);
}

/* Of the token the sessions have its digest alone. */
static void
load_token(const struct daemon *d, struct server *server)
{
    const char *name = conf_str(d->conf, METRICS_TOKEN_FILE);
    struct strbuf text = strbuf_new(SECRET_FILE_MAX), error = strbuf_new(1024);
    struct slice rest, token;
    char *path;

    server->wants_token = name[0] != '\0';
    if (server->wants_token) {
        path = instance_etc_path(&d->inst, name);
        if (secret_file_read(path, &text, &error) < 0)
            refuse_token(strbuf_cstr(&error));
        rest = strbuf_slice(&text);
        token = slice_trim(slice_split(&rest, '\n'));
        if (token.len == 0)
            refuse_token("its first line is empty; expected the token");
        digest_of(DIGEST_SHA256, token, SLICE(""), server->token_digest);
        free(path);
    }
    secret_wipe(&text);
    strbuf_free(&error);
}

static struct server
server_new(const struct daemon *d)
{
    bool tls = conf_bool(d->conf, METRICS_TLS);
    struct server server = {
        .tls = tls ? tls_conf_server_or_exit("metricsd", d->conf, &d->inst) : NULL,
        .times = {.idle_ms = (int64_t)conf_u64(d->conf, METRICS_IDLE_TIMEOUT),
                  .request_ms = (int64_t)conf_u64(d->conf, METRICS_REQUEST_TIMEOUT)},
        .requests = stats_counter(d->stats, "requests"),
        .refused = stats_counter(d->stats, "requests_refused"),
    };

    digest_init();
    load_token(d, &server);
    return server;
}

int
main(int argc, char **argv)
{
    struct daemon d;
    struct server server;
    struct pool_ops ops;

    daemon_init(&d, "metricsd", argc, argv); /* options, log, config; exits on error */
    server = server_new(&d);                 /* last use of a path from the real root */
    ops = (struct pool_ops){
        .ports = ports,
        .port_count = ARRAY_LEN(ports),
        .parent_box = daemon_sandbox_base(&d, USERS_METRICS),
        .worker_box = daemon_sandbox_base(&d, USERS_METRICS),
        .anonymous = true,
        .no_paths = true,
        .backend = FIGURED_SOCKET,
        .backend_payload_max = FIGURED_PAYLOAD_MAX,
        .keys = server.tls == NULL ? NULL : TLS_KEY_SOCKET,
        .serve = session_serve,
        .arg = &server,
        .spare_min = SPARE_MIN,
        .spare_max = SPARE_MAX,
        .reuse_max = REUSE_MAX,
    };
    return pool_run(&d, &ops); /* sandbox, ready, until drained */
}
