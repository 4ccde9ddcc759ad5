/*
 * lib/oper/cert_list.c - the certificates of an instance. Reads files, changes nothing.
 */
#include "lib/oper/cert_list.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/conf/tls_place.h"
#include "lib/oper/oper.h"
#include "lib/tls/cert_chain.h"
#include "lib/tls/cert_make.h"

#define OF_SETTINGS "tls.certificate" /* name of a pair that lies outside the list */
#define DAY_MS INT64_C(86400000)
enum { LIST_MAX = 1000 };

struct place {
    const struct instance *inst;
    const struct conf *conf;
};

const char *
cert_state_name(enum cert_state state)
{
    static const char *const names[] = {[CERT_REQUEST] = "request",
                                        [CERT_INACTIVE] = "inactive",
                                        [CERT_BY_HOST] = "by host",
                                        [CERT_ACTIVE] = "active"};

    return names[state];
}

static bool
is_by_host(const struct place *place, const char *name)
{
    for (size_t i = 0; i < conf_list_count(place->conf, TLS_BY_HOST); i++)
        if (strcmp(conf_list_item(place->conf, TLS_BY_HOST, i), name) == 0)
            return true;
    return false;
}

static void
see_what_is_there(const struct place *place, struct cert_entry *entry)
{
    char *active = tls_place(place->conf, place->inst, TLS_CERTIFICATE);

    entry->has_crt = access(entry->crt, F_OK) == 0;
    entry->has_csr = entry->csr != NULL && access(entry->csr, F_OK) == 0;
    entry->has_key = access(entry->key, F_OK) == 0;
    if (strcmp(active, entry->crt) == 0)
        entry->state = CERT_ACTIVE;
    else if (is_by_host(place, entry->name))
        entry->state = CERT_BY_HOST;
    else
        entry->state = entry->has_crt ? CERT_INACTIVE : CERT_REQUEST;
    free(active);
}

static void
listed_entry(const struct place *place, const char *name, struct cert_entry *entry)
{
    const struct instance *inst = place->inst;

    *entry = (struct cert_entry){.name = xstrdup(name),
                                 .crt = tls_place_listed(inst, name, "crt"),
                                 .csr = tls_place_listed(inst, name, "csr"),
                                 .key = tls_place_listed(inst, name, "key")};
    see_what_is_there(place, entry);
}

/* The pair that setup made, or that of the settings. */
static void
other_entry(const struct place *place, const char *name, struct cert_entry *entry)
{
    bool of_settings = strcmp(name, OF_SETTINGS) == 0;
    const struct instance *inst = place->inst;

    *entry = (struct cert_entry){.name = xstrdup(name)};
    entry->crt = of_settings ? tls_place(place->conf, inst, TLS_CERTIFICATE)
                             : xasprintf("%s/%s", inst->etc, conf_settings[TLS_CERTIFICATE].dflt);
    entry->key = of_settings ? tls_place(place->conf, inst, TLS_KEY)
                             : xasprintf("%s/%s", inst->etc, conf_settings[TLS_KEY].dflt);
    see_what_is_there(place, entry);
}

static const char *
name_of_default(void)
{
    return strrchr(conf_settings[TLS_CERTIFICATE].dflt, '/') + 1;
}

void
cert_entry_free(struct cert_entry *entry)
{
    free(entry->name);
    free(entry->crt);
    free(entry->csr);
    free(entry->key);
    *entry = (struct cert_entry){0};
}

bool
cert_entry_is_other(const char *name)
{
    return strcmp(name, OF_SETTINGS) == 0 || strcmp(name, name_of_default()) == 0;
}

void
cert_entry_find(const struct instance *inst, const struct conf *conf, const char *name,
                struct cert_entry *entry)
{
    const struct place place = {inst, conf};

    *entry = (struct cert_entry){0};
    if (cert_entry_is_other(name))
        other_entry(&place, name, entry);
    else if (tls_place_is_name(name))
        listed_entry(&place, name, entry);
}

bool
cert_entry_has_active_key(const struct instance *inst, const struct conf *conf,
                          const struct cert_entry *entry)
{
    char *active = tls_place(conf, inst, TLS_KEY);
    bool is_same = strcmp(active, entry->key) == 0;

    free(active);
    return is_same;
}

/* ---- the list ---- */

struct names {
    char *items[LIST_MAX];
    size_t count;
};

static int
by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool
is_known(const struct names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->items[i], name) == 0)
            return true;
    return false;
}

static void
note_file(struct names *names, const char *file)
{
    size_t len = strlen(file);
    char *name;

    if (len < 5 || (strcmp(file + len - 4, ".crt") != 0 && strcmp(file + len - 4, ".csr") != 0))
        return;
    name = xasprintf("%.*s", (int)(len - 4), file);
    if (tls_place_is_name(name) && !is_known(names, name) && names->count < LIST_MAX)
        names->items[names->count++] = name;
    else
        free(name);
}

static int
read_names(const struct place *place, struct names *names)
{
    char *path = xasprintf("%s/" TLS_PLACE_DIR, place->inst->etc);
    DIR *dir = opendir(path);
    const struct dirent *file;

    free(path);
    if (dir == NULL)
        return -1;
    while ((file = readdir(dir)) != NULL)
        note_file(names, file->d_name);
    (void)closedir(dir); /* was only read */
    qsort(names->items, names->count, sizeof(names->items[0]), by_name);
    return 0;
}

struct each {
    void (*run)(void *arg, struct cert_entry *entry);
    void *arg;
    bool active_seen;
};

static void
visit(struct each *each, struct cert_entry *entry)
{
    if (entry->has_crt || entry->has_csr) {
        each->active_seen = each->active_seen || entry->state == CERT_ACTIVE;
        each->run(each->arg, entry);
    }
    cert_entry_free(entry);
}

int
cert_list_each(const struct instance *inst, const struct conf *conf,
               void (*run)(void *arg, struct cert_entry *entry), void *arg)
{
    const struct place of_instance = {inst, conf}, *place = &of_instance;
    struct names *names = xcalloc(1, sizeof(*names));
    struct each each = {.run = run, .arg = arg};
    int rc = read_names(place, names);
    struct cert_entry entry;

    for (size_t i = 0; i < names->count; i++) {
        listed_entry(place, names->items[i], &entry);
        visit(&each, &entry);
        free(names->items[i]);
    }
    other_entry(place, name_of_default(), &entry);
    visit(&each, &entry);
    if (!each.active_seen) {
        other_entry(place, OF_SETTINGS, &entry);
        visit(&each, &entry);
    }
    free(names);
    return rc;
}

/* ---- what is known about one ---- */

struct row {
    struct cert_about about;
    size_t chain;        /* certificates; 0: a request */
    struct strbuf error; /* why nothing else is known */
};

static struct row
read_row(const struct cert_entry *entry)
{
    struct row row = {.error = strbuf_new(1024)};
    struct cert_chain *chain;
    struct strbuf text;

    if (entry->has_crt) {
        chain = cert_chain_read(entry->crt, &row.error);
        if (chain != NULL) {
            row.about = cert_chain_about(chain, 0);
            row.chain = cert_chain_count(chain);
        }
        cert_chain_free(&chain);
        return row;
    }
    text = strbuf_new(CERT_PEM_MAX);
    if (read_file(AT_FDCWD, entry->csr, &text) < 0)
        (void)strbuf_printf(&row.error, "%s: %s", entry->csr, strerror(errno));
    else
        (void)cert_about_request(strbuf_slice(&text), entry->csr, &row.about, &row.error);
    strbuf_free(&text);
    return row;
}

static const char *
type_of(const struct row *row, const struct cert_entry *entry)
{
    if (!entry->has_crt)
        return "request";
    if (row->about.is_email)
        return row->about.is_authority ? "e-mail authority" : "e-mail";
    return row->about.is_authority ? "authority" : "certificate";
}

static struct slice
time_text(int64_t ms, struct strbuf *out)
{
    if (ms != 0)
        (void)clock_rfc3339(ms, out); /* it fits */
    return strbuf_slice(out);
}

static struct slice
or_empty(const char *text)
{
    return slice_of(text == NULL ? "" : text);
}

void
cert_entry_fields(const struct cert_entry *entry,
                  void (*use)(void *arg, const struct object_field *fields, uint32_t count),
                  void *arg)
{
    struct row row = read_row(entry);
    struct strbuf from = strbuf_new(64), until = strbuf_new(64), days = strbuf_new(32);
    char chain[24];

    (void)snprintf(chain, sizeof(chain), "%zu", row.chain);
    if (row.about.not_after_ms != 0)
        (void)strbuf_printf(&days, "%lld",
                            (long long)((row.about.not_after_ms - clock_real_ms()) / DAY_MS));
    const struct object_field fields[] = {
        {SLICE("name"), slice_of(entry->name)},
        {SLICE("type"), slice_of(type_of(&row, entry))},
        {SLICE("state"), slice_of(cert_state_name(entry->state))},
        {SLICE("expires"), time_text(row.about.not_after_ms, &until)},
        {SLICE("days"), strbuf_slice(&days)},
        {SLICE("hosts"), or_empty(row.about.hosts)},
        {SLICE("subject"), or_empty(row.about.subject)},
        {SLICE("issuer"), or_empty(row.about.issuer)},
        {SLICE("key"), or_empty(row.about.key_type)},
        {SLICE("serial"), or_empty(row.about.serial)},
        {SLICE("valid_from"), time_text(row.about.not_before_ms, &from)},
        {SLICE("sha256"), or_empty(row.about.fingerprint)},
        {SLICE("chain"), slice_of(chain)},
        {SLICE("file"), slice_of(entry->has_crt ? entry->crt : entry->csr)},
        {SLICE("error"), strbuf_slice(&row.error)},
    };
    use(arg, fields, (uint32_t)ARRAY_LEN(fields));
    cert_about_free(&row.about);
    strbuf_free(&row.error);
    strbuf_free(&from);
    strbuf_free(&until);
    strbuf_free(&days);
}

/* ---- the operation ---- */

static void
add_entry(void *arg, struct cert_entry *entry)
{
    cert_entry_fields(entry, oper_list_row, arg);
}

void
oper_certificates_list(struct oper *op)
{
    struct strbuf errors = strbuf_new(65536);
    struct conf *conf = conf_load(op->inst->conf_path, &errors);

    if (conf == NULL)
        oper_fail_line(op, OPER_REFUSED, strbuf_slice(&errors));
    else if (cert_list_each(op->inst, conf, add_entry, op) < 0)
        oper_fail(op, OPER_REFUSED, "the certificates cannot be read: %s", strerror(errno));
    conf_free(&conf);
    strbuf_free(&errors);
}
