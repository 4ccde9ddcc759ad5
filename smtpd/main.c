/*
 * smtpd/main.c - start of the SMTP server (ports 25, 587, 465; 24 for LMTP, 366 for ODMR).
 *
 * The parent accepts connections, greets and looks at the first line (lib/sys/pool.h,
 * smtpd/first_line.h), which it leaves to be read where the session runs: in a worker that can
 * create files in queue/tmp, move them to queue/new and ask accountd over a connection that the
 * parent made; it can open no other path and connect nowhere.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/ipc/accountd.h"
#include "lib/ipc/tls_key.h"
#include "lib/smtp/smtp_ports.h"
#include "lib/tls/tls_conf.h"
#include "smtpd/first_line.h"
#include "smtpd/session.h"

enum { REUSE_MAX = 1000, QUEUE_UMASK = 0002 };

static int
open_queue_dir(const struct daemon *d, const char *name)
{
    char *path = xasprintf("%s/%s", d->inst.queue, name);
    int fd = daemon_open_dir(d, path, false);

    free(path);
    return fd;
}

/* For reading too: a FIFO opened for writing alone wants a reader, and the queue manager may not
 * be there yet. */
static int
open_trigger(const struct daemon *d)
{
    char *path = xasprintf("%s/trigger", d->inst.queue);
    int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0) {
        (void)fprintf(stderr, "smtpd: %s: %s\n", path, strerror(errno));
        exit(EX_NOINPUT);
    }
    free(path);
    return fd;
}

static void
open_counters(struct counters *c, struct stats *stats)
{
    *c = (struct counters){
        .connections = stats_counter(stats, "connections"),
        .tls_failures = stats_counter(stats, "tls_failures"),
        .auth_ok = stats_counter(stats, "auth_ok"),
        .auth_failures = stats_counter(stats, "auth_failures"),
        .messages = stats_counter(stats, "messages_received"),
        .bytes = stats_counter(stats, "bytes_received"),
        .rejected_recipients = stats_counter(stats, "recipients_rejected"),
        .rejected_messages = stats_counter(stats, "messages_rejected"),
    };
    for (size_t i = 0; i < SMTP_PORTS; i++)
        c->ports[i] = (struct port_traffic){
            .messages = stats_counter_of(stats, "port_messages", smtp_ports[i].label),
            .bytes = stats_counter_of(stats, "port_message_bytes", smtp_ports[i].label),
            .filtered = stats_counter_of(stats, "port_messages_filtered", smtp_ports[i].label),
        };
}

static void
server_open(struct server *server, struct daemon *d)
{
    settings_load(&server->settings, d->conf);
    reception_load(&server->settings.rules, "smtpd", d->conf, &d->inst);
    footer_settings_load(&server->settings.footers, d->conf, &d->inst);
    open_counters(&server->counters, d->stats);
    server->tls = tls_conf_server_or_exit("smtpd", d->conf, &d->inst);
    server->tmp_dirfd = open_queue_dir(d, "tmp");
    server->new_dirfd = open_queue_dir(d, "new");
    server->trigger_fd = open_trigger(d);
}

/* Parent and workers alike: the workers inherit the parent's Landlock rules. */
static struct sandbox
sandbox_for(const struct daemon *d, const struct server *server)
{
    struct sandbox box = daemon_sandbox_base(d, USERS_SMTP);

    /* Filters read a message before it is committed; from new/ on nothing is read. Such a move is
     * allowed without the same rights: the message loses one. */
    bool filters = filter_settings_any(&server->settings.filters);

    box.dirs[0] =
        (struct sandbox_dir){server->tmp_dirfd, SANDBOX_WRITE | (filters ? SANDBOX_READ : 0u)};
    box.dirs[1] = (struct sandbox_dir){server->new_dirfd, SANDBOX_WRITE};
    box.dir_count = 2;
    box.same_rights = !filters; /* a message moves from tmp to new */
    box.calls = SANDBOX_FILES | (filters ? (unsigned)SANDBOX_SEND_FDS : 0u);
    return box;
}

/* Where mail is fetched (ATRN), a client's socket is passed on, and behind TLS a worker becomes a
 * relay. */
static struct sandbox
sandbox_for_workers(const struct daemon *d, const struct server *server)
{
    struct sandbox box = sandbox_for(d, server);

    if (daemon_listener(d, "odmr", 0) >= 0)
        box.calls |= SANDBOX_SEND_FDS | SANDBOX_LANDLOCK | SANDBOX_NARROW;
    return box;
}

/* RFC 5321 section 4.2: a server that cannot serve now says 421; one that does not serve at all
 * says 554 (section 3.1). */
static const char *
refusal(enum pool_refusal why)
{
    static const char *const texts[] = {
        [POOL_DENIED] = "554 5.7.1 no mail service for your address\r\n",
        [POOL_TOO_MANY] = "421 4.7.0 too many connections, try again later\r\n",
        [POOL_BLOCKED] = "421 4.7.0 too many failures, try again later\r\n",
        [POOL_EARLY] = "554 5.5.1 you spoke before the greeting\r\n",
        [POOL_PIPELINED] = "554 5.5.1 you went on before the reply (RFC 2920)\r\n",
        [POOL_ALIEN] = NULL,
        [POOL_LONG] = "500 5.5.2 line too long\r\n",
        [POOL_SLOW] = "421 4.4.2 timeout, closing the connection\r\n",
        [POOL_CROWDED] = "421 4.3.2 too many connections wait, try again later\r\n",
        [POOL_CLOSING] = "421 4.3.2 shutting down, try again later\r\n",
    };

    return texts[why];
}

static enum pool_first
judge(struct slice seen, void *arg)
{
    const struct server *server = arg;

    return first_line_judge(seen, server->settings.reject_pipelining);
}

static struct pool_screening
screening(const struct daemon *d, const struct server *server)
{
    const struct settings *settings = &server->settings;

    return (struct pool_screening){
        .greeting = settings->greeting,
        .rejects_early = conf_bool(d->conf, SMTP_REJECT_EARLY_TALKERS),
        .greet_delay_ms = (int64_t)conf_u64(d->conf, SMTP_GREET_DELAY),
        .first_line_ms = settings->command_timeout_ms,
        .hello_ms = settings->tls_timeout_ms,
        .known_ms = (int64_t)conf_u64(d->conf, SMTP_KNOWN_TIME),
        .waiting_max = (unsigned)conf_u64(d->conf, SMTP_MAX_WAITING),
        .friends = SMTP_HOSTS_NO_AUTH,
        .judge = judge,
    };
}

int
main(int argc, char **argv)
{
    struct daemon d;
    struct server server = {.tmp_dirfd = -1};
    struct pool_screening screen;
    struct pool_ops ops;

    daemon_init(&d, "smtpd", argc, argv); /* options, log, config; exits on error */
    (void)umask(QUEUE_UMASK);             /* queue-manager has its rights by the group */
    server_open(&server, &d);             /* last use of a path from the real root */
    screen = screening(&d, &server);
    ops = (struct pool_ops){
        .ports = smtp_ports,
        .port_count = SMTP_PORTS,
        .parent_box = sandbox_for(&d, &server),
        .worker_box = sandbox_for_workers(&d, &server),
        .keep_dirs = true,
        .backend = ACCOUNTD_SOCKET,
        .backend_payload_max = ACCOUNTD_PAYLOAD_MAX,
        .filter = filter_settings_any(&server.settings.filters) ? FILTERD_SOCKET : NULL,
        .filter_payload_max = FILTERD_PAYLOAD_MAX,
        .keys = TLS_KEY_SOCKET,
        .serve = session_serve,
        .refusal = refusal,
        .arg = &server,
        .spare_min = (unsigned)conf_u64(d.conf, SMTP_SPARE_MIN),
        .spare_max = (unsigned)conf_u64(d.conf, SMTP_SPARE_MAX),
        .reuse_max = REUSE_MAX,
        .screening = &screen,
        .proxies = SMTP_PROXIES,
    };
    return pool_run(&d, &ops); /* parent's sandbox, ready, until drained */
}
