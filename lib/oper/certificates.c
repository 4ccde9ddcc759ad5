/*
 * lib/oper/certificates.c - certificates by the API: one is shown, made, imported, put in use,
 * removed.
 *
 * Input: an administrator's words, and PEM text from anywhere, in base64 because it has lines. All
 * of it is checked before a file is written. No private key is ever given out: for that one has to
 * be on the host.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "lib/account/canonical.h"
#include "lib/base/clock.h"
#include "lib/base/encode.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/conf/conf_edit.h"
#include "lib/conf/tls_place.h"
#include "lib/oper/cert_list.h"
#include "lib/oper/in_force.h"
#include "lib/tls/cert_chain.h"
#include "lib/tls/cert_make.h"

enum { ERRORS_MAX = 65536, SHIPPED_DAYS = 825, DAYS_MAX = 36500 };

struct work {
    struct oper *op;
    struct conf *conf;
    struct cert_entry entry;
    int lock_fd; /* one change of the list at a time, also beside `posthorn cert` */
    struct strbuf why;
};

/* ---- the list ---- */

static int
refuse(struct work *w, uint32_t result)
{
    oper_fail_line(w->op, result, strbuf_slice(&w->why));
    return -1;
}

static int
lock_list(struct work *w)
{
    char *path = xasprintf("%s/" TLS_PLACE_DIR "/.lock", w->op->inst->etc);

    w->lock_fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (w->lock_fd < 0 || flock(w->lock_fd, LOCK_EX | LOCK_NB) < 0)
        (void)strbuf_printf(&w->why, "%s: %s", path,
                            errno == EWOULDBLOCK ? "another change is on its way"
                                                 : strerror(errno));
    free(path);
    return w->why.len > 0 ? refuse(w, OPER_REFUSED) : 0;
}

/* Reads the settings, and what is there of the certificate that the request names. */
static int
work_begin(struct work *w, struct oper *op, bool to_change)
{
    char *name = xslicedup(op->request->name);
    int rc;

    *w = (struct work){.op = op, .lock_fd = -1, .why = strbuf_new(ERRORS_MAX)};
    rc = to_change ? lock_list(w) : 0;
    if (rc == 0) { /* not before: who had the lock may have changed them */
        w->conf = conf_load(op->inst->conf_path, &w->why);
        rc = w->conf == NULL ? refuse(w, OPER_REFUSED) : 0;
    }
    if (rc == 0)
        cert_entry_find(op->inst, w->conf, name, &w->entry);
    free(name);
    return rc;
}

static void
work_end(struct work *w)
{
    cert_entry_free(&w->entry);
    conf_free(&w->conf);
    close_keep_errno(w->lock_fd);
    strbuf_free(&w->why);
}

static int
must_be_there(struct work *w)
{
    if (w->entry.has_crt || w->entry.has_csr)
        return 0;
    oper_fail(w->op, OPER_UNKNOWN, "there is no certificate and no request of that name");
    return -1;
}

static void
count_entry(void *arg, struct cert_entry *entry)
{
    size_t *count = arg;

    *count += !cert_entry_is_other(entry->name);
}

static int
must_be_new(struct work *w)
{
    size_t count = 0;

    if (w->entry.name == NULL || cert_entry_is_other(w->entry.name))
        oper_fail(w->op, OPER_BAD, "expected a name of a-z, 0-9, '-', '_' and '.', at most %d long",
                  TLS_PLACE_NAME_MAX);
    else if (w->entry.has_crt || w->entry.has_csr || w->entry.has_key)
        oper_fail(w->op, OPER_REFUSED, "'%s' is in the list already", w->entry.name);
    else if (cert_list_each(w->op->inst, w->conf, count_entry, &count) < 0)
        oper_fail(w->op, OPER_REFUSED, "the certificates cannot be read: %s", strerror(errno));
    else if (count >= TLS_PLACE_MAX) /* keyd would leave out the keys of more */
        oper_fail(w->op, OPER_REFUSED, "the list has %zu entries, and no room for more", count);
    return w->op->result == 0 ? 0 : -1;
}

/* ---- files ---- */

static int
write_text(struct work *w, const char *path, struct slice text, mode_t mode)
{
    if (replace_file(AT_FDCWD, path, text, mode) == 0)
        return 0;
    oper_fail(w->op, OPER_REFUSED, "%s: %s", path, strerror(errno));
    return -1;
}

/* Of a new entry: both, or neither. */
static int
write_pair(struct work *w, const char *path, const struct strbuf *text, const struct strbuf *key)
{
    if (write_text(w, w->entry.key, strbuf_slice(key), 0600) < 0)
        return -1;
    if (write_text(w, path, strbuf_slice(text), 0644) == 0)
        return 0;
    unlink_keep_errno(AT_FDCWD, w->entry.key);
    return -1;
}

static int
read_text(struct work *w, const char *path, struct strbuf *text)
{
    if (read_file(AT_FDCWD, path, text) == 0)
        return 0;
    oper_fail(w->op, OPER_REFUSED, "%s: %s", path, strerror(errno));
    return -1;
}

static void
wipe(struct strbuf *key)
{
    if (key->ptr != NULL)
        mem_wipe(key->ptr, key->cap);
    strbuf_free(key);
}

static void
answer_text(struct oper *op, struct slice text)
{
    object_add(&op->data, &(struct object_field){SLICE("content"), text}, 1);
}

/* ---- show, content ---- */

void
oper_certificates_show(struct oper *op)
{
    struct work w;

    if (work_begin(&w, op, false) == 0 && must_be_there(&w) == 0)
        cert_entry_fields(&w.entry, oper_list_row, op);
    work_end(&w);
}

void
oper_certificates_content(struct oper *op)
{
    bool request = slice_eq(oper_field(op, "request"), SLICE("yes"));
    struct strbuf text = strbuf_new(CERT_PEM_MAX);
    struct work w;

    if (work_begin(&w, op, false) == 0 && must_be_there(&w) == 0) {
        if (request ? !w.entry.has_csr : !w.entry.has_crt)
            oper_fail(op, OPER_UNKNOWN, "there is no %s of that name",
                      request ? "request" : "certificate");
        else if (read_text(&w, request ? w.entry.csr : w.entry.crt, &text) == 0)
            answer_text(op, strbuf_slice(&text));
    }
    strbuf_free(&text);
    work_end(&w);
}

/* ---- activate, deactivate ---- */

/* What the services would refuse, or clients. */
static int
check_chain(struct work *w, struct cert_chain *chain, const struct strbuf *key)
{
    if (chain != NULL && cert_chain_check(chain, clock_real_ms(), &w->why) == 0 &&
        cert_chain_check_key(chain, strbuf_slice(key), "the key", &w->why) == 0)
        return 0;
    return refuse(w, OPER_REFUSED);
}

static int
check_entry(struct work *w)
{
    struct strbuf key = strbuf_new(CERT_PEM_MAX);
    struct cert_chain *chain = NULL;
    int rc = read_text(w, w->entry.key, &key);

    if (rc == 0) {
        chain = cert_chain_read(w->entry.crt, &w->why);
        rc = check_chain(w, chain, &key);
    }
    cert_chain_free(&chain);
    wipe(&key);
    return rc;
}

/* Under in_force_lock(). */
static void
change_settings(struct work *w, const struct conf_edit *edits, size_t count)
{
    const char *path = w->op->inst->conf_path;
    struct strbuf before = strbuf_new(CONF_FILE_MAX), after = strbuf_new(CONF_FILE_MAX);
    int rc;

    if (read_text(w, path, &before) == 0) {
        rc = conf_edit_prepare(path, edits, count, &after, &w->why);
        if (rc == 0)
            rc = in_force_replace(w->op->inst, path, strbuf_slice(&before), strbuf_slice(&after),
                                  &w->why);
        in_force_answer(w->op, rc, &w->why);
        for (size_t i = 0; i < count && rc != -1; i++)
            oper_tell(w->op, slice_of(conf_settings[edits[i].id].name), SLICE(""),
                      slice_of(edits[i].value));
    }
    strbuf_free(&before);
    strbuf_free(&after);
}

static void
list_by_host(const struct conf *conf, const char *name, bool add, struct strbuf *value)
{
    for (size_t i = 0; i < conf_list_count(conf, TLS_BY_HOST); i++)
        if (strcmp(conf_list_item(conf, TLS_BY_HOST, i), name) != 0)
            (void)strbuf_printf(value, "%s%s", value->len > 0 ? " " : "",
                                conf_list_item(conf, TLS_BY_HOST, i));
    if (add)
        (void)strbuf_printf(value, "%s%s", value->len > 0 ? " " : "", name);
}

/* From what is set now: others may have changed the settings since work_begin(). */
static void
change_by_host(struct work *w, bool add)
{
    struct strbuf value = strbuf_new((size_t)CONF_LIST_MAX * (TLS_PLACE_NAME_MAX + 1));
    int lock = in_force_lock(w->op);
    struct conf *now = lock < 0 ? NULL : conf_load(w->op->inst->conf_path, &w->why);

    if (now != NULL) {
        list_by_host(now, w->entry.name, add, &value);
        change_settings(w, &(const struct conf_edit){TLS_BY_HOST, strbuf_cstr(&value)}, 1);
    } else if (lock >= 0) {
        (void)refuse(w, OPER_REFUSED);
    }
    conf_free(&now);
    close_keep_errno(lock);
    strbuf_free(&value);
}

/* As it stands in the settings: below etc. */
static const char *
below_etc(const struct work *w, const char *path)
{
    size_t len = strlen(w->op->inst->etc);

    return strncmp(path, w->op->inst->etc, len) == 0 && path[len] == '/' ? path + len + 1 : path;
}

static void
change_active(struct work *w)
{
    const struct conf_edit edits[] = {{TLS_CERTIFICATE, below_etc(w, w->entry.crt)},
                                      {TLS_KEY, below_etc(w, w->entry.key)}};
    int lock = in_force_lock(w->op);

    if (lock >= 0)
        change_settings(w, edits, ARRAY_LEN(edits));
    close_keep_errno(lock);
}

void
oper_certificates_activate(struct oper *op)
{
    bool by_host = slice_eq(oper_field(op, "by_host"), SLICE("yes"));
    struct work w;

    if (work_begin(&w, op, true) == 0 && must_be_there(&w) == 0) {
        if (!w.entry.has_crt)
            oper_fail(op, OPER_REFUSED, "it is a request: its certificate is still to be imported");
        else if (by_host && w.entry.csr == NULL)
            oper_fail(op, OPER_REFUSED, "it is not in the list; import it");
        else if (check_entry(&w) == 0)
            by_host ? change_by_host(&w, true) : change_active(&w);
    }
    work_end(&w);
}

void
oper_certificates_deactivate(struct oper *op)
{
    struct work w;

    if (work_begin(&w, op, true) == 0 && must_be_there(&w) == 0) {
        if (w.entry.state == CERT_ACTIVE)
            oper_fail(op, OPER_REFUSED, "it is for all clients: activate another one in its place");
        else
            change_by_host(&w, false);
    }
    work_end(&w);
}

/* ---- import ---- */

static bool
is_managed(const struct work *w)
{
    for (size_t i = 0; i < conf_list_count(w->conf, ACME_CERTIFICATES); i++)
        if (strcmp(conf_list_item(w->conf, ACME_CERTIFICATES, i), w->entry.name) == 0)
            return true;
    return false;
}

static int
decode(struct work *w, const char *field, struct strbuf *text)
{
    if (base64_decode(oper_field(w->op, field), text) == 0)
        return 0;
    oper_fail(w->op, OPER_BAD, "%s: expected PEM text in base64", field);
    return -1;
}

/* With its key it is a new entry. */
static void
import_pair(struct work *w, const struct strbuf *text, const struct strbuf *key)
{
    if (must_be_new(w) == 0 && write_pair(w, w->entry.crt, text, key) == 0)
        oper_tell(w->op, SLICE("certificate"), SLICE(""), w->op->request->name);
}

/* acmed's is a link to what acmed writes: a file in its place would end the renewals. */
static int
may_be_replaced(struct work *w)
{
    if (must_be_there(w) < 0)
        return -1;
    if (!is_managed(w))
        return 0;
    oper_fail(w->op, OPER_REFUSED, "acmed renews it (acme.certificates): import another name");
    return -1;
}

/* For a request, or a renewal: sessions that begin with the old one need the key that is there. */
static void
import_for_key(struct work *w, const struct strbuf *text)
{
    struct strbuf before = strbuf_new(CERT_PEM_MAX);
    bool used = w->entry.has_crt && w->entry.state >= CERT_BY_HOST;
    int rc = used ? read_text(w, w->entry.crt, &before)
                  : write_text(w, w->entry.crt, strbuf_slice(text), 0644);

    if (used && rc == 0) {
        rc = in_force_replace(w->op->inst, w->entry.crt, strbuf_slice(&before), strbuf_slice(text),
                              &w->why);
        in_force_answer(w->op, rc, &w->why);
    }
    if (rc != -1)
        oper_tell(w->op, SLICE("certificate"), SLICE(""), w->op->request->name);
    strbuf_free(&before);
}

void
oper_certificates_import(struct oper *op)
{
    bool has_key = oper_field(op, "key").len > 0;
    struct strbuf text = strbuf_new(CERT_PEM_MAX), key = strbuf_new(CERT_PEM_MAX);
    struct cert_chain *chain = NULL;
    struct work w;
    int rc = work_begin(&w, op, true);

    if (rc == 0 && !has_key)
        rc = may_be_replaced(&w);
    if (rc == 0)
        rc = decode(&w, "certificate", &text);
    if (rc == 0)
        rc = has_key ? decode(&w, "key", &key) : read_text(&w, w.entry.key, &key);
    if (rc == 0) {
        chain = cert_chain_parse(strbuf_slice(&text), "certificate", &w.why);
        rc = check_chain(&w, chain, &key);
    }
    if (rc == 0 && has_key)
        import_pair(&w, &text, &key);
    else if (rc == 0)
        import_for_key(&w, &text);
    cert_chain_free(&chain);
    strbuf_free(&text);
    wipe(&key);
    work_end(&w);
}

/* ---- remove ---- */

/* A key alone, which a crash has left, can be removed, too. */
static void
remove_files(struct work *w)
{
    const char *paths[] = {w->entry.crt, w->entry.csr, w->entry.key};

    for (size_t i = 0; i < ARRAY_LEN(paths) && w->op->result == 0; i++)
        if (paths[i] != NULL && unlink(paths[i]) < 0 && errno != ENOENT)
            oper_fail(w->op, OPER_REFUSED, "%s: %s", paths[i], strerror(errno));
    if (w->op->result != 0)
        return;
    oper_tell(w->op, SLICE("certificate"), w->op->request->name, SLICE(""));
    (void)in_force_reload(w->op->inst, SLICE(""), &w->why); /* keyd forgets it then, or later */
}

static int
may_be_removed(struct work *w)
{
    bool is_listed = w->entry.csr != NULL;

    return is_listed && w->entry.has_key ? 0 : must_be_there(w);
}

void
oper_certificates_remove(struct oper *op)
{
    struct work w;

    if (work_begin(&w, op, true) == 0 && may_be_removed(&w) == 0) {
        if (w.entry.state >= CERT_BY_HOST)
            oper_fail(op, OPER_REFUSED, "it is in use (%s)", cert_state_name(w.entry.state));
        else if (cert_entry_has_active_key(op->inst, w.conf, &w.entry))
            oper_fail(op, OPER_REFUSED, "its key is in use (tls.key)");
        else if (is_managed(&w))
            oper_fail(op, OPER_REFUSED,
                      "acmed renews it (acme.certificates): posthorn cert remove, on the host");
        else
            remove_files(&w);
    }
    work_end(&w);
}

/* ---- request ---- */

struct wish {
    struct cert_wish cert;
    char *hosts[CERT_HOSTS_MAX], *texts[6];
    size_t text_count;
};

/* NULL: it is not given. */
static const char *
text_of(struct wish *wish, const struct oper *op, const char *field)
{
    struct slice value = oper_field(op, field);

    if (value.len == 0)
        return NULL;
    return wish->texts[wish->text_count++] = xslicedup(value);
}

static int
take_hosts(struct wish *wish, struct oper *op)
{
    struct slice rest = oper_field(op, "hosts"), word;

    while ((word = slice_trim(slice_split(&rest, ' '))).len > 0 || rest.len > 0) {
        bool wildcard = slice_starts(word, SLICE("*."));
        struct strbuf host = strbuf_new(CANONICAL_DOMAIN_MAX + 2);

        if (word.len == 0)
            continue;
        if (wildcard)
            (void)strbuf_str(&host, "*.");
        if (wish->cert.host_count == CERT_HOSTS_MAX ||
            canonical_domain(slice_sub(word, wildcard ? 2 : 0, word.len), &host) < 0) {
            oper_fail(op, OPER_BAD, "hosts: expected at most %d host names, not '%.*s'",
                      CERT_HOSTS_MAX, (int)slice_sub(word, 0, 255).len, word.ptr);
            strbuf_free(&host);
            return -1;
        }
        wish->hosts[wish->cert.host_count++] = strbuf_steal(&host);
    }
    return 0;
}

static int
take_wish(struct wish *wish, struct oper *op)
{
    uint64_t days = SHIPPED_DAYS;
    const char *type = text_of(wish, op, "key_type");

    wish->cert.key_type = type == NULL ? "rsa2048" : type;
    wish->cert.country = text_of(wish, op, "country");
    wish->cert.state = text_of(wish, op, "state");
    wish->cert.city = text_of(wish, op, "city");
    wish->cert.organisation = text_of(wish, op, "organisation");
    wish->cert.unit = text_of(wish, op, "unit");
    if (oper_field(op, "days").len > 0)
        (void)parse_u64(oper_field(op, "days"), DAYS_MAX, &days); /* the API has seen to it */
    wish->cert.days = (int64_t)days;
    wish->cert.hosts = (const char *const *)wish->hosts;
    if (!cert_make_is_key_type(wish->cert.key_type)) {
        oper_fail(op, OPER_BAD, "key_type: expected " CERT_KEY_TYPES);
        return -1;
    }
    return take_hosts(wish, op);
}

static void
wish_free(struct wish *wish)
{
    for (size_t i = 0; i < wish->cert.host_count; i++)
        free(wish->hosts[i]);
    for (size_t i = 0; i < wish->text_count; i++)
        free(wish->texts[i]);
}

static void
make(struct work *w, const struct cert_wish *wish, bool self_signed)
{
    struct strbuf key = strbuf_new(CERT_PEM_MAX), text = strbuf_new(CERT_PEM_MAX);
    int rc = self_signed ? cert_make_self_signed(wish, &key, &text, &w->why)
                         : cert_make_request(wish, &key, &text, &w->why);

    if (rc < 0)
        (void)refuse(w, OPER_BAD);
    else if (write_pair(w, self_signed ? w->entry.crt : w->entry.csr, &text, &key) == 0) {
        oper_tell(w->op, SLICE("certificate"), SLICE(""), w->op->request->name);
        answer_text(w->op, strbuf_slice(&text));
    }
    strbuf_free(&text);
    wipe(&key);
}

void
oper_certificates_make(struct oper *op)
{
    bool self_signed = slice_eq(oper_field(op, "self_signed"), SLICE("yes"));
    struct wish wish = {0};
    struct work w;

    if (work_begin(&w, op, true) == 0 && must_be_new(&w) == 0 && take_wish(&wish, op) == 0)
        make(&w, &wish.cert, self_signed);
    wish_free(&wish);
    work_end(&w);
}
