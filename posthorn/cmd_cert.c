/*
 * posthorn/cmd_cert.c - `cert`: the list of certificates, and which of them the services use.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "posthorn/cert_acme.h"
#include "posthorn/cert_activate.h"
#include "posthorn/cert_new.h"
#include "posthorn/cert_place.h"
#include "posthorn/oper_columns.h"
#include "posthorn/remote.h"

/* ---- list, show ---- */

static void
add_to_table(void *arg, const struct object_field *fields, uint32_t count)
{
    table_add(arg, fields, count);
}

static void
add_entry(void *arg, struct cert_entry *entry)
{
    cert_entry_fields(entry, add_to_table, arg);
}

static int
cert_list(struct cli *cli, int argc, char **argv)
{
    struct table *table;
    struct cert_place place;
    int rc;

    if (cli_options(cli, &argc, argv, NULL, 0, 0, 0) != 0)
        return CLI_USAGE;
    table = oper_table(OPER_CERTIFICATE);
    if (cli->remote != NULL) {
        rc = remote_each(cli, OPER_CERTIFICATE, NULL, 0, oper_add_row, table);
    } else {
        rc = cert_place_open(&place, cli);
        if (rc == CLI_OK)
            rc = cert_place_list(&place, add_entry, table);
        cert_place_close(&place);
    }
    if (rc == CLI_OK)
        table_print(&table, cli->json);
    else
        table_free(&table);
    return rc;
}

/* Runs a verb on what is found. */
static int
with_found(struct cli *cli, const char *name,
           int (*find)(struct cert_place *place, const char *name, struct cert_entry *entry),
           int (*run)(struct cert_place *place, struct cert_entry *entry, const void *wish),
           const void *wish)
{
    struct cert_entry entry = {0};
    struct cert_place place;
    int rc = cert_place_open(&place, cli);

    if (rc == CLI_OK)
        rc = find(&place, name, &entry);
    if (rc == CLI_OK)
        rc = run(&place, &entry, wish);
    cert_entry_free(&entry);
    cert_place_close(&place);
    return rc;
}

/* On an entry of the list. */
static int
with_entry(struct cli *cli, const char *name,
           int (*run)(struct cert_place *place, struct cert_entry *entry, const void *wish),
           const void *wish)
{
    return with_found(cli, name, cert_place_find, run, wish);
}

static void
show_fields(void *arg, const struct object_field *fields, uint32_t count)
{
    const struct columns *columns = oper_columns(OPER_CERTIFICATE);
    const struct cli *cli = arg;

    output_show(columns->items, columns->count, fields, count, cli->json);
}

static int
show(struct cert_place *place, struct cert_entry *entry, const void *wish)
{
    (void)wish;
    cert_entry_fields(entry, show_fields, place->cli);
    return CLI_OK;
}

static int
cert_show(struct cli *cli, int argc, char **argv)
{
    if (cli_options(cli, &argc, argv, NULL, 0, 1, 1) != 0)
        return CLI_USAGE;
    return with_entry(cli, argv[0], show, NULL);
}

/* ---- export ---- */

struct export
{
    bool request, key, der;
    const char *to; /* NULL: stdout */
};

static int
read_der(const struct cert_place *place, const char *path, struct strbuf *out)
{
    struct strbuf error = strbuf_new(1024);
    struct cert_chain *chain = cert_chain_read(path, &error);
    int rc = CLI_OK;

    if (chain == NULL || cert_chain_der(chain, out) < 0)
        rc = cli_fail(place->cli, "%s", strbuf_cstr(&error));
    cert_chain_free(&chain);
    strbuf_free(&error);
    return rc;
}

static int export(struct cert_place *place, struct cert_entry *entry, const void *wish)
{
    const struct export *what = wish;
    const char *path = what->key ? entry->key : what->request ? entry->csr : entry->crt;
    struct strbuf text = strbuf_new(CERT_PEM_MAX);
    int rc;

    if (path == NULL || !(what->key       ? entry->has_key
                          : what->request ? entry->has_csr
                                          : entry->has_crt))
        rc = cli_fail(place->cli, "'%s' has none", entry->name);
    else
        rc = what->der ? read_der(place, path, &text) : cert_place_read(place, path, &text);
    if (rc == CLI_OK && what->to != NULL)
        rc = cert_place_write(place, what->to, strbuf_slice(&text), what->key ? 0600 : 0644);
    else if (rc == CLI_OK && fwrite(text.ptr, 1, text.len, stdout) != text.len)
        rc = cli_fail(place->cli, "%s", strerror(errno));
    if (text.ptr != NULL)
        mem_wipe(text.ptr, text.cap);
    strbuf_free(&text);
    return rc;
}

static int
cert_export(struct cli *cli, int argc, char **argv)
{
    struct export wish = {.to = NULL};
    const struct cli_option options[] = {{"--request", CLI_FLAG, &wish.request},
                                         {"--key", CLI_FLAG, &wish.key},
                                         {"--der", CLI_FLAG, &wish.der},
                                         {"--to", CLI_TEXT, &wish.to}};

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 1, 1) != 0)
        return CLI_USAGE;
    if (wish.request + wish.key + wish.der > 1)
        return cli_usage(cli, "only one of --request, --key and --der");
    return with_entry(cli, argv[0], export, &wish);
}

/* ---- remove ---- */

static int
remove_file(const struct cert_place *place, const char *path, bool is_there)
{
    if (!is_there || remove(path) == 0)
        return CLI_OK;
    return cli_fail(place->cli, "%s: %s", path, strerror(errno));
}

/* keyd, and acmed, forget it. */
static int
forget(struct cert_place *place, const struct cert_entry *entry)
{
    if (cert_place_is_managed(place, entry))
        return cert_place_manage(place, entry, false);
    return entry->has_crt ? cert_place_reload(place) : CLI_OK;
}

static int
remove_entry(struct cert_place *place, struct cert_entry *entry, const void *wish)
{
    const bool *yes = wish;
    int rc;

    if (entry->state >= CERT_BY_HOST)
        return cli_fail(place->cli, "'%s' is in use (%s); activate another one, or deactivate it",
                        entry->name, cert_state_name(entry->state));
    if (cert_entry_has_active_key(&place->cli->inst, place->conf, entry))
        return cli_fail(place->cli, "the key of '%s' is in use (tls.key)", entry->name);
    if (!*yes && !cli_confirm("Remove it and its private key for good?"))
        return cli_fail(place->cli, "nothing was removed; --yes answers the question");
    rc = remove_file(place, entry->crt, entry->has_crt);
    if (rc == CLI_OK)
        rc = remove_file(place, entry->csr, entry->has_csr);
    if (rc == CLI_OK)
        rc = remove_file(place, entry->key, entry->has_key);
    return rc == CLI_OK ? forget(place, entry) : rc;
}

static int
cert_remove(struct cli *cli, int argc, char **argv)
{
    bool yes = false;
    const struct cli_option options[] = {{"--yes", CLI_FLAG, &yes}};

    if (cli_options(cli, &argc, argv, options, 1, 1, 1) != 0)
        return CLI_USAGE;
    return with_found(cli, argv[0], cert_place_find_remains, remove_entry, &yes);
}

/* ---- activate, deactivate ---- */

static int
activate(struct cert_place *place, struct cert_entry *entry, const void *wish)
{
    const bool *by_host = wish;

    return cert_activate_entry(place, entry, *by_host);
}

static int
cert_activate(struct cli *cli, int argc, char **argv)
{
    bool by_host = false;
    const struct cli_option options[] = {{"--by-host", CLI_FLAG, &by_host}};

    if (cli_options(cli, &argc, argv, options, 1, 1, 1) != 0)
        return CLI_USAGE;
    return with_entry(cli, argv[0], activate, &by_host);
}

static int
deactivate(struct cert_place *place, struct cert_entry *entry, const void *wish)
{
    (void)wish;
    if (entry->state == CERT_ACTIVE)
        return cli_fail(place->cli, "'%s' is for all clients: activate another one in its place",
                        entry->name);
    return cert_place_use_by_host(place, entry, false);
}

static int
cert_deactivate(struct cli *cli, int argc, char **argv)
{
    if (cli_options(cli, &argc, argv, NULL, 0, 1, 1) != 0)
        return CLI_USAGE;
    return with_entry(cli, argv[0], deactivate, NULL);
}

#define SUBJECT                                                                                    \
    "[--name NAME] [--key TYPE] [--email] [--authority] [--country C] [--state S] [--city C] "     \
    "[--organisation O] [--unit U]"

static const struct cli_verb verbs[] = {
    {"list", "[--json]", "certificates and requests: for whom, and until when", cert_list},
    {"show", "NAME [--json]", "one of them in full", cert_show},
    {"request", "HOST... | ADDRESS... " SUBJECT,
     "makes a key and a request, for an authority to sign", cert_new_request},
    {"self-signed", "HOST... | ADDRESS... [--days N] " SUBJECT,
     "makes a key and a certificate of its own", cert_new_self_signed},
    {"import", "NAME --certificate FILE [--key FILE]",
     "a certificate with its chain, and its key or one that is in the list", cert_new_import},
    {"export", "NAME [--request | --key | --der] [--to FILE]",
     "prints the certificate, or what is asked for", cert_export},
    {"activate", "NAME [--by-host]", "has all services use it", cert_activate},
    {"deactivate", "NAME", "no longer by host", cert_deactivate},
    {"acme", CERT_ACME_SYNOPSIS, "has an authority sign it, and renews it (RFC 8555)", cert_acme},
    {"remove", "NAME [--yes]", "removes it with its key", cert_remove},
    {0},
};

const struct command command_cert = {
    .name = "cert",
    .summary = "certificates of the services: list, request, import, activate",
    .help =
        "The list is etc/certs: NAME.crt (the certificate, then its chain), NAME.csr and "
        "NAME.key.\n"
        "One certificate is active: all services use it. Others can be in use by host: a client\n"
        "that asks for a host name which such a certificate holds gets that one (SNI), exact "
        "names\n"
        "before those with \"*.\". A change reaches running services without ending a session.\n"
        "The name in the list is the first HOST, without \"*.\", unless --name says otherwise.\n"
        "TYPE of a key is rsa2048 (as shipped), rsa3072, rsa4096, p256, p384 or ed25519.\n"
        "--authority makes a certificate that can sign others, by other programs.\n"
        "--email makes one for mail addresses in place of hosts (S/MIME); no service uses it.\n"
        "import without --key is for what an authority made of a request here, and for a renewal\n"
        "with the same key: it takes the place of the old certificate. The chain has to be in\n"
        "order, each certificate signed by the one that follows; the root need not be there.\n"
        "acme request makes a key and has the authority of acme.directory sign a certificate for "
        "it;\n"
        "--activate or --by-host puts it in use when it comes. It is renewed with the same key.\n"
        "export --der is the form that programs on clients import. Keys are not encrypted.\n",
    .verbs = verbs,
    .remote = "list",
};
