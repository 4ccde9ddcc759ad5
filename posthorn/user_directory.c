/*
 * posthorn/user_directory.c - mailboxes for the users of a directory elsewhere.
 *
 * The caller's program talks to the directory itself, as the caller: over TLS, with a certificate
 * that is the host's. What comes from there is checked value by value by accountd; who is there
 * already stays as he is.
 */
#include "posthorn/user_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/conf/conf.h"
#include "lib/sync/entry.h"
#include "lib/sync/fetch.h"
#include "posthorn/dial.h"
#include "posthorn/user_many.h"

#define DATA_MAX ((size_t)256 << 20)

enum { CONNECT_MS = 10000, ALL_MS = 600000, ADDRESS_BYTES_MAX = 1024, WHY_MAX = 2000 };

struct wish {
    const char *domain, *layout, *account, *account_password_file, *filter, *map, *ca;
    const char *password_file;
    bool random;
    struct cli_list only;
};

/* ---- the connection ---- */

static int
connect_to_any(const struct addrinfo *list)
{
    int fd = -1;

    for (const struct addrinfo *a = list; a != NULL && fd < 0; a = a->ai_next) {
        struct dial_peer peer = {.len = a->ai_addrlen};

        memcpy(&peer.address, a->ai_addr, a->ai_addrlen);
        fd = dial(&peer, CONNECT_MS);
    }
    if (fd >= 0)
        (void)fcntl(fd, F_SETFL, 0); /* blocking from here on; cannot fail for an own socket */
    return fd;
}

static int
connect_to(struct cli *cli, const char *host, uint16_t port)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *list = NULL;
    char service[8];
    int fd, rc;

    (void)snprintf(service, sizeof(service), "%u", (unsigned)port);
    rc = getaddrinfo(host, service, &hints, &list);
    if (rc != 0) {
        (void)cli_fail(cli, "%s: %s", host, gai_strerror(rc));
        return -1;
    }
    fd = connect_to_any(list);
    if (fd < 0)
        (void)cli_fail(cli, "%s port %s: %s", host, service, strerror(errno));
    freeaddrinfo(list);
    return fd;
}

/* ---- authorities ---- */

static struct tls_context *
load_authorities(struct cli *cli, const char *given)
{
    struct strbuf error = strbuf_new(65536);
    struct conf *conf = conf_load(cli->inst.conf_path, &error);
    struct tls_context *ctx = NULL;
    const char *name = given;
    char *path;

    if (conf != NULL) {
        if (given == NULL)
            name = conf_str(conf, AUTH_EXTERNAL_CA);
        path = given != NULL ? xstrdup(name) : instance_etc_path(&cli->inst, name);
        ctx = tls_client_context(path, &error);
        free(path);
    }
    if (ctx == NULL)
        (void)cli_fail(cli, "%s: %s", given != NULL ? "--ca" : "auth.external_ca",
                       strbuf_cstr(&error));
    conf_free(&conf);
    strbuf_free(&error);
    return ctx;
}

/* ---- users ---- */

static bool
is_wanted(const struct wish *wish, struct slice name)
{
    for (size_t i = 0; i < wish->only.count; i++)
        if (slice_eq_nocase(name, slice_of(wish->only.items[i])))
            return true;
    return wish->only.count == 0;
}

/* What accountd is told of it, besides the address. Not the ID: who has one is the
 * synchronisation's, which may delete it. */
static uint32_t
properties_of(const struct object_field *got, uint32_t count, struct object_field *fields)
{
    static const char *const others[] = {"kind",     "dn",    "id",     "address",
                                         "disabled", "alias", "member", "member_of"};
    uint32_t out = 0;

    for (uint32_t i = 0; i < count && out < ACCOUNTS_FIELDS_MAX - 1; i++) {
        bool is_other = false;

        for (size_t k = 0; k < ARRAY_LEN(others); k++)
            is_other |= slice_eq(got[i].name, slice_of(others[k]));
        if (!is_other)
            fields[out++] = got[i];
    }
    if (slice_eq(object_get(got, count, "disabled"), SLICE("yes")))
        fields[out++] = (struct object_field){SLICE("status"), SLICE("disabled")};
    return out;
}

static int
import_user(struct user_many *many, const struct wish *wish, const struct object_field *got,
            uint32_t count)
{
    struct object_field fields[ACCOUNTS_FIELDS_MAX + 1];
    struct slice given = object_get(got, count, "address"), dn = object_get(got, count, "dn");
    struct strbuf address = strbuf_new(ADDRESS_BYTES_MAX);
    int rc = CLI_OK;

    if (!is_wanted(wish, given)) {
        strbuf_free(&address);
        return CLI_OK;
    }
    (void)strbuf_append(&address, given);
    if (slice_index(given, '@') == given.len) {
        (void)strbuf_char(&address, '@');
        (void)strbuf_str(&address, wish->domain);
    }
    if (given.len == 0 || address.overflow)
        user_many_refused(many, 0, dn, SLICE("the entry has no user name, or a too long one"));
    else
        rc = user_many_do(many, 0, strbuf_slice(&address), fields,
                          properties_of(got, count, fields));
    strbuf_free(&address);
    return rc;
}

/* One entry may be several objects: the first one has all but lists. */
static int
import_all(struct user_many *many, const struct wish *wish, struct slice data)
{
    struct object_field *got = xcalloc(OBJECT_FIELDS_MAX, sizeof(*got));
    char *last = xstrdup("");
    int count, rc = CLI_OK;

    while (rc == CLI_OK && (count = object_next(&data, got)) > 0) {
        struct slice dn = object_get(got, (uint32_t)count, "dn");

        if (slice_eq(dn, slice_of(last)))
            continue;
        free(last);
        last = xslicedup(dn);
        rc = import_user(many, wish, got, (uint32_t)count);
    }
    free(last);
    free(got);
    return rc;
}

static int
fetch_users(struct cli *cli, const struct wish *wish, const struct sync_source *source,
            struct slice password, struct strbuf *data, struct strbuf *why)
{
    struct tls_context *authorities = load_authorities(cli, wish->ca);
    char *host = xslicedup(source->server.host);
    const struct sync_fetch fetch = {.source = source,
                                     .users = true,
                                     .authorities = authorities,
                                     .host = host,
                                     .name = slice_of(wish->account),
                                     .password = password,
                                     .deadline_mono_ms = clock_mono_ms() + ALL_MS};
    int fd = authorities == NULL ? -1 : connect_to(cli, host, source->server.port), rc = CLI_FAILED;

    if (fd >= 0) {
        rc = CLI_OK;
        if (sync_fetch(&fetch, fd, data, why) < 0 && data->len == 0)
            rc = cli_fail(cli, "%s: %s", host, strbuf_cstr(why));
    }
    tls_context_free(&authorities);
    free(host);
    return rc;
}

static int
run(struct cli *cli, const struct wish *wish, const struct sync_source *source)
{
    struct strbuf data = strbuf_new(DATA_MAX), why = strbuf_new(WHY_MAX), secret = strbuf_new(1);
    struct user_many many;
    int rc = CLI_OK;

    if (wish->account_password_file != NULL) {
        strbuf_free(&secret);
        rc = cli_read_secret(cli, wish->account_password_file, &secret);
    }
    if (rc == CLI_OK)
        rc = fetch_users(cli, wish, source, strbuf_slice(&secret), &data, &why);
    if (rc == CLI_OK) {
        rc = user_many_begin(&many, cli, "add", wish->random, wish->password_file);
        if (rc == CLI_OK)
            rc = import_all(&many, wish, strbuf_slice(&data));
        if (rc == CLI_OK && why.len > 0)
            user_many_refused(&many, 0, SLICE(""), strbuf_slice(&why)); /* these are not all */
        rc = user_many_end(&many, rc);
    }
    if (secret.ptr != NULL)
        mem_wipe(secret.ptr, secret.cap);
    strbuf_free(&secret);
    strbuf_free(&data);
    strbuf_free(&why);
    return rc;
}

int
user_import_directory(struct cli *cli, int argc, char **argv)
{
    struct wish wish = {.layout = "ldap"};
    const struct cli_option options[] = {
        {"--domain", CLI_TEXT, &wish.domain},
        {"--layout", CLI_TEXT, &wish.layout},
        {"--account", CLI_TEXT, &wish.account},
        {"--account-password-file", CLI_TEXT, &wish.account_password_file},
        {"--filter", CLI_TEXT, &wish.filter},
        {"--map", CLI_TEXT, &wish.map},
        {"--ca", CLI_TEXT, &wish.ca},
        {"--only", CLI_LIST, &wish.only},
        {"--random-password", CLI_FLAG, &wish.random},
        {"--password-file", CLI_TEXT, &wish.password_file}};
    struct sync_source source;
    const char *wrong;

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 1, 1) != 0)
        return CLI_USAGE;
    if (wish.domain == NULL)
        return cli_usage(cli, "--domain is missing: user names of a directory have none");
    if ((wish.account == NULL) != (wish.account_password_file == NULL))
        return cli_usage(cli, "--account and --account-password-file go together");
    wrong = sync_source_read(&(struct sync_given){.url = slice_of(argv[0]),
                                                  .layout = slice_of(wish.layout),
                                                  .user_filter = slice_of(wish.filter),
                                                  .map = slice_of(wish.map)},
                             &source);
    if (wrong != NULL)
        return cli_usage(cli, "%s", wrong);
    return cli_needs_instance(cli) ? run(cli, &wish, &source) : CLI_FAILED;
}
