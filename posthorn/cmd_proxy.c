/*
 * posthorn/cmd_proxy.c - `proxy test`: does the SOCKS server of [proxy] take our settings, and does
 * it lead to a server? Talks to the proxy itself, as remote-deliver would.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/connect.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/client.h"
#include "lib/ipc/dnsd.h"
#include "lib/smtp/proxy.h"
#include "lib/smtp/route_host.h"
#include "posthorn/command.h"
#include "posthorn/output.h"

enum { STEP_MS = 15000, DNS_MS = 10000, SMTP_PORT = 25, GREETING_MAX = 512 };

struct test {
    struct cli *cli;
    struct conf *conf;
    struct proxy proxy, target; /* the target is looked up as the proxy is */
    char *target_name;
    struct ipc_client *dns;
    int run_dirfd;
};

static int
fail(const struct test *t, const char *what, const char *reason)
{
    return cli_fail(t->cli, "%s %s:%u: %s: %s", conf_str(t->conf, PROXY_TYPE), t->proxy.host,
                    t->proxy.port, what, reason);
}

/* What the server behind the proxy says first. A server that waits for us (TLS) says nothing. */
static void
read_greeting(int fd, char line[GREETING_MAX])
{
    int64_t deadline = clock_mono_ms() + STEP_MS;
    size_t len = 0;

    while (len < GREETING_MAX - 1 && read_until(fd, line + len, 1, deadline) == 0 &&
           line[len] != '\n')
        len++;
    line[len] = '\0';
}

static void
report(const struct test *t, const char *greeting)
{
    static const struct column columns[] = {{"proxy", COLUMN_TEXT, false},
                                            {"login", COLUMN_BOOL, false},
                                            {"target", COLUMN_TEXT, false},
                                            {"greeting", COLUMN_TEXT, false}};
    struct table *table = table_new(columns, ARRAY_LEN(columns));
    struct slice said = slice_trim(slice_of(greeting));
    char *proxy = xasprintf("%s:%u", t->proxy.host, t->proxy.port);
    struct object_field fields[] = {
        {SLICE("proxy"), slice_of(proxy)},
        {SLICE("login"), slice_of(t->proxy.password == NULL ? "no" : "yes")},
        {SLICE("target"), slice_of(t->target_name == NULL ? "" : t->target_name)},
        {SLICE("greeting"), said},
    };

    table_add(table, fields, ARRAY_LEN(fields));
    table_print(&table, t->cli->json);
    free(proxy);
}

static int
run_on(const struct test *t, int fd)
{
    const struct socks_proxy *socks = &t->proxy.socks;
    const struct sockaddr_storage *target =
        t->target_name == NULL ? NULL : &t->target.socks.address;
    int64_t deadline = clock_mono_ms() + STEP_MS;
    char greeting[GREETING_MAX] = "";
    const char *why;

    if (fd < 0 || connect_until(fd, &socks->address, socks->address_len, deadline) < 0)
        return fail(t, "connect", strerror(errno));
    if (socks_open(fd, socks, target, deadline, &why) < 0)
        return fail(t, target == NULL ? "login" : t->target_name, why);
    if (target != NULL)
        read_greeting(fd, greeting);
    report(t, greeting);
    return CLI_OK;
}

/* The target is named as in remote.relay_hosts. */
static int
find_target(struct test *t, const char *text)
{
    struct route_host host;
    const char *expected = route_host_parse(slice_of(text), SMTP_PORT, &host);

    if (expected != NULL || host.is_unix)
        return cli_usage(t->cli, "expected HOST or HOST:PORT: %s", text);
    t->target_name = xasprintf("%s:%u", host.name, host.port);
    t->target.host = host.name;
    t->target.port = host.port;
    if (proxy_find(&t->target, t->dns, DNS_MS) < 0) {
        route_host_clear(&host);
        return cli_fail(t->cli, "no address for %s (dnsd has to run for names)", text);
    }
    route_host_clear(&host);
    return CLI_OK;
}

static int
run_test(struct test *t, const char *target)
{
    int rc = target == NULL ? CLI_OK : find_target(t, target), fd;

    if (rc != CLI_OK)
        return rc;
    if (proxy_find(&t->proxy, t->dns, DNS_MS) < 0)
        return cli_fail(t->cli, "no address for the proxy %s (dnsd has to run for names)",
                        t->proxy.host);
    fd = socket(t->proxy.socks.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    rc = run_on(t, fd);
    close_keep_errno(fd);
    return rc;
}

static int
proxy_test(struct cli *cli, int argc, char **argv)
{
    struct strbuf error = strbuf_new(65536);
    struct test t = {.cli = cli, .run_dirfd = -1};
    int rc;

    if (cli_options(cli, &argc, argv, NULL, 0, 0, 1) != 0)
        return CLI_USAGE;
    if (!cli_needs_instance(cli))
        return CLI_FAILED;
    t.conf = conf_load(cli->inst.conf_path, &error);
    t.run_dirfd = open(cli->inst.run, O_PATH | O_DIRECTORY | O_CLOEXEC);
    t.dns = ipc_client_new(t.run_dirfd, DNSD_SOCKET, DNSD_PAYLOAD_MAX);
    if (t.conf == NULL || proxy_load(&t.proxy, t.conf, &cli->inst, &error) < 0)
        rc = cli_fail(cli, "%s", strbuf_cstr(&error));
    else if (!t.proxy.used)
        rc = cli_fail(cli, "there is no proxy: set proxy.type and proxy.host");
    else
        rc = run_test(&t, argc > 0 ? argv[0] : NULL);
    proxy_free(&t.proxy);
    free(t.target_name);
    ipc_client_free(&t.dns);
    close_keep_errno(t.run_dirfd);
    conf_free(&t.conf);
    strbuf_free(&error);
    return rc;
}

static const struct cli_verb verbs[] = {
    {"test", "[HOST[:PORT]] [--json]", "logs in, and connects to a server if one is named",
     proxy_test},
    {0},
};

const struct command command_proxy = {
    .name = "proxy",
    .summary = "the SOCKS server for outgoing mail: test",
    .help =
        "test connects to the server of [proxy] in posthorn.conf and logs in; where HOST is "
        "given,\n"
        "it has the proxy connect to it (port 25 unless said otherwise) and shows the first line\n"
        "that comes from there. It ends with 1 and the reason if any of this fails. SOCKS 4 knows\n"
        "no login of its own: there only a test with HOST tells whether the proxy takes us.\n",
    .verbs = verbs,
};
