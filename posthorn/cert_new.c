/*
 * posthorn/cert_new.c - `cert request|self-signed|import`.
 *
 * Input: the administrator's words, and files from an authority or a download, which are checked
 * before anything is written.
 */
#include "posthorn/cert_new.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/account/canonical.h"
#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/mail/address.h"
#include "posthorn/cert_place.h"

enum { DAYS_MAX = 36500, SHIPPED_DAYS = 825 };

/* ---- request, self-signed ---- */

struct order {
    struct cli *cli;
    const char *name, *key_type, *days;
    struct cert_wish wish;
    char *hosts[CERT_HOSTS_MAX];
};

static int
read_options(struct order *o, int *argc, char **argv)
{
    const struct cli_option options[] = {
        {"--name", CLI_TEXT, &o->name},
        {"--key", CLI_TEXT, &o->key_type},
        {"--country", CLI_TEXT, &o->wish.country},
        {"--state", CLI_TEXT, &o->wish.state},
        {"--city", CLI_TEXT, &o->wish.city},
        {"--organisation", CLI_TEXT, &o->wish.organisation},
        {"--unit", CLI_TEXT, &o->wish.unit},
        {"--authority", CLI_FLAG, &o->wish.is_authority},
        {"--email", CLI_FLAG, &o->wish.is_email},
        {"--days", CLI_TEXT, &o->days}, /* last: a request has none */
    };
    bool has_days = strcmp(o->cli->verb->name, "self-signed") == 0;

    return cli_options(o->cli, argc, argv, options, ARRAY_LEN(options) - (has_days ? 0 : 1), 1,
                       CERT_HOSTS_MAX);
}

/* A domain as A-labels, perhaps with "*." in front. */
static int
take_host(struct order *o, const char *word)
{
    bool is_wildcard = strncmp(word, "*.", 2) == 0;
    struct strbuf domain = strbuf_new(CANONICAL_DOMAIN_MAX);
    int rc = CLI_OK;

    if (canonical_domain(slice_of(is_wildcard ? word + 2 : word), &domain) < 0)
        rc = cli_fail(o->cli, "'%s' is no host name", word);
    else
        o->hosts[o->wish.host_count++] =
            xasprintf("%s%s", is_wildcard ? "*." : "", strbuf_cstr(&domain));
    strbuf_free(&domain);
    return rc;
}

/* As a certificate can hold it: ASCII (RFC 5280 section 4.2.1.6). */
static int
take_address(struct order *o, const char *word)
{
    struct address address;

    if (address_parse(slice_of(word), 0, &address) != ADDRESS_OK || address.is_literal ||
        !parse_is_ascii_print(slice_of(word)))
        return cli_fail(o->cli, "'%s' is no mail address", word);
    o->hosts[o->wish.host_count++] = xstrdup(word);
    return CLI_OK;
}

static int
take_days(struct order *o)
{
    uint64_t days = SHIPPED_DAYS;

    if (o->days != NULL && (parse_u64(slice_of(o->days), DAYS_MAX, &days) < 0 || days == 0))
        return cli_fail(o->cli, "--days %s: expected a number from 1 to %d", o->days, DAYS_MAX);
    o->wish.days = (int64_t)days;
    return CLI_OK;
}

static int
take_words(struct order *o, int argc, char **argv)
{
    int rc = take_days(o);

    if (rc == CLI_OK && !cert_make_is_key_type(o->key_type))
        rc = cli_fail(o->cli, "--key %s: expected " CERT_KEY_TYPES, o->key_type);
    if (rc == CLI_OK && o->wish.is_authority && argc != 1)
        rc = cli_fail(o->cli, "an authority has one name, such as \"Example mail authority\"");
    if (rc == CLI_OK && o->wish.is_authority)
        o->hosts[o->wish.host_count++] = xstrdup(argv[0]);
    for (int i = 0; i < argc && rc == CLI_OK && !o->wish.is_authority; i++)
        rc = o->wish.is_email ? take_address(o, argv[i]) : take_host(o, argv[i]);
    if (rc == CLI_OK && (o->wish.is_authority || o->wish.is_email) && o->name == NULL)
        rc = cli_fail(o->cli, "%s needs --name NAME for the list",
                      o->wish.is_authority ? "an authority" : "a certificate for mail");
    o->wish.hosts = (const char *const *)o->hosts;
    o->wish.key_type = o->key_type;
    if (o->name == NULL && o->wish.host_count > 0) /* "*.d.test" is d.test */
        o->name = o->hosts[0] + (o->hosts[0][0] == '*' ? 2 : 0);
    return rc;
}

/* TLS-02: it may be meant, for another domain. */
static void
point_out_host(const struct cert_place *place, bool names_it)
{
    const char *host = conf_str(place->conf, SYSTEM_HOSTNAME);

    if (!names_it)
        cli_warn(place->cli, "%s, the name of this server (system.hostname), is not in it", host);
}

static bool
names_server(const struct order *o, const char *server)
{
    for (size_t i = 0; i < o->wish.host_count; i++) {
        const char *host = o->hosts[i], *rest = strchr(server, '.');

        if (strcmp(host, server) == 0 ||
            (host[0] == '*' && rest != NULL && strcmp(host + 1, rest) == 0))
            return true;
    }
    return false;
}

/* Of a new entry: both, or neither. */
static int
write_pair(const struct cert_place *place, const char *path, const char *key_path,
           const struct strbuf *text, const struct strbuf *key)
{
    int rc = cert_place_write(place, key_path, strbuf_slice(key), 0600);

    if (rc != CLI_OK)
        return rc;
    rc = cert_place_write(place, path, strbuf_slice(text), 0644);
    if (rc != CLI_OK)
        unlink_keep_errno(AT_FDCWD, key_path);
    return rc;
}

/* The files, and what goes out as text. */
static int
make(struct order *o, struct cert_place *place, const struct cert_entry *entry, bool request,
     struct strbuf *text)
{
    struct strbuf key = strbuf_new(CERT_PEM_MAX), error = strbuf_new(1024);
    int rc = (request ? cert_make_request : cert_make_self_signed)(&o->wish, &key, text, &error);

    if (rc < 0)
        rc = cli_fail(o->cli, "%s", strbuf_cstr(&error));
    else
        rc = write_pair(place, request ? entry->csr : entry->crt, entry->key, text, &key);
    if (rc == CLI_OK && !o->wish.is_authority && !o->wish.is_email)
        point_out_host(place, names_server(o, conf_str(place->conf, SYSTEM_HOSTNAME)));
    if (key.ptr != NULL)
        mem_wipe(key.ptr, key.cap);
    strbuf_free(&key);
    strbuf_free(&error);
    return rc;
}

static int
make_and_tell(struct order *o, struct cert_place *place, const struct cert_entry *entry,
              bool request)
{
    struct strbuf text = strbuf_new(CERT_PEM_MAX);
    int rc = make(o, place, entry, request, &text);

    if (rc == CLI_OK && request)
        (void)fputs(strbuf_cstr(&text), stdout);
    else if (rc == CLI_OK && (o->wish.is_email || o->wish.is_authority))
        (void)printf("%s\n", entry->crt);
    else if (rc == CLI_OK)
        (void)printf("%s: posthorn cert activate %s has the services use it\n", entry->crt,
                     entry->name);
    strbuf_free(&text);
    return rc;
}

static void
free_hosts(struct order *o)
{
    for (size_t i = 0; i < o->wish.host_count; i++)
        free(o->hosts[i]);
}

static int
run_order(struct cli *cli, int argc, char **argv, bool request)
{
    struct order o = {.cli = cli, .key_type = "rsa2048"};
    struct cert_entry entry = {0};
    struct cert_place place;
    int rc;

    if (read_options(&o, &argc, argv) != 0)
        return CLI_USAGE;
    rc = take_words(&o, argc, argv);
    if (rc == CLI_OK) {
        rc = cert_place_open(&place, cli);
        if (rc == CLI_OK)
            rc = cert_place_new(&place, o.name, &entry);
        if (rc == CLI_OK)
            rc = make_and_tell(&o, &place, &entry, request);
        cert_entry_free(&entry);
        cert_place_close(&place);
    }
    free_hosts(&o);
    return rc;
}

int
cert_new_for_acme(struct cert_place *place, const struct cert_entry *entry, const char *key_type,
                  int argc, char **argv)
{
    struct order o = {.cli = place->cli, .name = entry->name, .key_type = key_type};
    struct strbuf text = strbuf_new(CERT_PEM_MAX);
    int rc = take_words(&o, argc, argv);

    for (size_t i = 0; i < o.wish.host_count && rc == CLI_OK; i++)
        if (o.hosts[i][0] == '*')
            rc = cli_fail(place->cli, "'%s': no challenge that acmed knows proves a name with '*'",
                          o.hosts[i]);
    if (rc == CLI_OK)
        rc = make(&o, place, entry, true, &text);
    strbuf_free(&text);
    free_hosts(&o);
    return rc;
}

int
cert_new_request(struct cli *cli, int argc, char **argv)
{
    return run_order(cli, argc, argv, true);
}

int
cert_new_self_signed(struct cli *cli, int argc, char **argv)
{
    return run_order(cli, argc, argv, false);
}

/* ---- import ---- */

struct import {
    struct cert_place *place;
    const char *certificate, *key; /* files; key NULL: the one in the list */
    struct strbuf chain_text, key_text;
};

/* All that can be wrong is seen before anything is written. */
static int
check(struct import *in, const char *key_path)
{
    const struct cert_place *place = in->place;
    struct strbuf error = strbuf_new(2048);
    struct cert_chain *chain = NULL;
    int rc = cert_place_read(place, in->certificate, &in->chain_text);

    if (rc == CLI_OK)
        rc = cert_place_read(place, key_path, &in->key_text);
    if (rc == CLI_OK) {
        chain = cert_chain_parse(strbuf_slice(&in->chain_text), in->certificate, &error);
        if (chain == NULL || cert_chain_check(chain, clock_real_ms(), &error) < 0 ||
            cert_chain_check_key(chain, strbuf_slice(&in->key_text), key_path, &error) < 0)
            rc = cli_fail(place->cli, "%s; nothing was changed", strbuf_cstr(&error));
    }
    if (rc == CLI_OK)
        point_out_host(place, cert_chain_names(chain, conf_str(place->conf, SYSTEM_HOSTNAME)));
    cert_chain_free(&chain);
    strbuf_free(&error);
    return rc;
}

/* Sessions that begin with the old certificate need the old key until they have ended. */
static int
import_for_old_key(struct import *in, struct cert_entry *entry)
{
    struct strbuf before = strbuf_new(CERT_PEM_MAX);
    int rc = CLI_OK;

    if (cert_place_is_managed(in->place, entry)) /* its file is a link to what acmed writes */
        rc = cli_fail(in->place->cli, "acmed renews '%s' (acme.certificates): import another name",
                      entry->name);
    if (rc == CLI_OK)
        rc = check(in, entry->key);
    if (rc == CLI_OK && entry->has_crt)
        rc = cert_place_read(in->place, entry->crt, &before);
    if (rc == CLI_OK && entry->has_crt && entry->state >= CERT_BY_HOST)
        rc = cert_place_put_in_force(in->place, entry->crt, strbuf_slice(&before),
                                     strbuf_slice(&in->chain_text));
    else if (rc == CLI_OK)
        rc = cert_place_write(in->place, entry->crt, strbuf_slice(&in->chain_text), 0644);
    if (rc == CLI_OK && !entry->has_crt && entry->state >= CERT_BY_HOST)
        rc = cert_place_reload(in->place); /* there was none to go back to */
    strbuf_free(&before);
    return rc;
}

static int
import_pair(struct import *in, struct cert_entry *entry)
{
    int rc = check(in, in->key);

    return rc == CLI_OK
               ? write_pair(in->place, entry->crt, entry->key, &in->chain_text, &in->key_text)
               : rc;
}

static int
import(struct import *in, const char *name)
{
    struct cert_entry entry = {0};
    int rc;

    if (in->key != NULL)
        rc = cert_place_new(in->place, name, &entry);
    else
        rc = cert_place_find(in->place, name, &entry);
    if (rc == CLI_OK)
        rc = in->key != NULL ? import_pair(in, &entry) : import_for_old_key(in, &entry);
    if (rc == CLI_OK && entry.state < CERT_BY_HOST)
        (void)printf("%s: posthorn cert activate %s has the services use it\n", entry.crt, name);
    cert_entry_free(&entry);
    return rc;
}

int
cert_new_import(struct cli *cli, int argc, char **argv)
{
    struct import in = {.chain_text = strbuf_new(CERT_PEM_MAX),
                        .key_text = strbuf_new(CERT_PEM_MAX)};
    const struct cli_option options[] = {{"--certificate", CLI_TEXT, &in.certificate},
                                         {"--key", CLI_TEXT, &in.key}};
    struct cert_place place;
    int rc;

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 1, 1) != 0)
        return CLI_USAGE;
    if (in.certificate == NULL)
        return cli_usage(cli, "--certificate FILE is missing");
    in.place = &place;
    rc = cert_place_open(&place, cli);
    if (rc == CLI_OK)
        rc = import(&in, argv[0]);
    cert_place_close(&place);
    if (in.key_text.ptr != NULL)
        mem_wipe(in.key_text.ptr, in.key_text.cap);
    strbuf_free(&in.key_text);
    strbuf_free(&in.chain_text);
    return rc;
}
