/*
 * acmed/account.c - registers the account, and keeps its key and its URL.
 *
 * The key is made here and leaves in no message. Both files are our own.
 */
#include "acmed/account.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/acme/url.h"
#include "lib/base/io.h"
#include "lib/base/json_writer.h"
#include "lib/base/mem.h"

#define KEY_FILE "account.key"
#define NEXT_KEY_FILE "account.key.next" /* while the authority is told of it */
#define ACCOUNT_FILE "account"           /* lines: directory, URL of the account, contacts */

enum { PAYLOAD_MAX = 65536, ACCOUNT_MAX = 32768 };

/* ---- the key ---- */

static int
fail_file(struct ca *ca, const char *file)
{
    return ca_fail(ca, "db/acme/%s: %s", file, strerror(errno));
}

/* NULL with errno: ENOENT, or EBADMSG of a file that holds no such key. */
static struct jws_key *
read_key(int dirfd, const char *file)
{
    struct strbuf pem = strbuf_new(JWS_PEM_MAX);
    struct jws_key *key = NULL;

    if (read_file(dirfd, file, &pem) == 0) {
        key = jws_key_parse(strbuf_slice(&pem));
        errno = EBADMSG;
    }
    if (pem.ptr != NULL)
        mem_wipe(pem.ptr, pem.cap);
    strbuf_free(&pem);
    return key;
}

/* On disk before anybody hears of it. */
static struct jws_key *
make_key(int dirfd, const char *file)
{
    struct strbuf pem = strbuf_new(JWS_PEM_MAX);
    struct jws_key *key = jws_key_new();

    errno = ENOMEM;
    if (key != NULL &&
        (jws_key_pem(key, &pem) < 0 || replace_file(dirfd, file, strbuf_slice(&pem), 0600) < 0))
        jws_key_free(&key);
    if (pem.ptr != NULL)
        mem_wipe(pem.ptr, pem.cap);
    strbuf_free(&pem);
    return key;
}

/* A damaged key is not replaced: certificates could no longer be revoked by its account. */
static int
open_key(struct ca *ca, int dirfd)
{
    ca->key = read_key(dirfd, KEY_FILE);
    if (ca->key == NULL && errno == ENOENT)
        ca->key = make_key(dirfd, KEY_FILE);
    return ca->key == NULL ? fail_file(ca, KEY_FILE) : 0;
}

/* ---- what is known of the account ---- */

static void
contacts_text(const struct conf *conf, struct strbuf *out)
{
    for (size_t i = 0; i < conf_list_count(conf, ACME_CONTACT); i++)
        (void)strbuf_printf(out, "%s%s", i > 0 ? " " : "", conf_list_item(conf, ACME_CONTACT, i));
}

static int
remember(struct ca *ca, const struct account_options *o)
{
    struct strbuf text = strbuf_new(ACCOUNT_MAX);
    int rc;

    (void)strbuf_printf(&text, "%s\n%s\n", conf_str(o->conf, ACME_DIRECTORY_URL), ca->kid);
    contacts_text(o->conf, &text);
    (void)strbuf_char(&text, '\n');
    rc = replace_file(o->dirfd, ACCOUNT_FILE, strbuf_slice(&text), 0600);
    strbuf_free(&text);
    return rc < 0 ? fail_file(ca, ACCOUNT_FILE) : 0;
}

/* Sets ca->kid if the account is one of this directory. False: its contacts have changed. */
static bool
recall(struct ca *ca, const struct account_options *o)
{
    struct strbuf text = strbuf_new(ACCOUNT_MAX), contacts = strbuf_new(ACCOUNT_MAX);
    struct slice rest, directory, kid;
    bool same;

    (void)read_file(o->dirfd, ACCOUNT_FILE, &text); /* there is none at first */
    contacts_text(o->conf, &contacts);
    rest = strbuf_slice(&text);
    directory = slice_split(&rest, '\n');
    kid = slice_split(&rest, '\n');
    if (slice_eq(directory, slice_of(conf_str(o->conf, ACME_DIRECTORY_URL))) &&
        acme_url_parse(kid, NULL))
        ca->kid = xslicedup(kid);
    same = slice_eq(slice_split(&rest, '\n'), strbuf_slice(&contacts));
    strbuf_free(&text);
    strbuf_free(&contacts);
    return same;
}

void
account_forget(const struct account_options *options)
{
    unlink_keep_errno(options->dirfd, ACCOUNT_FILE);
}

/* ---- registration ---- */

static void
write_contacts(struct json_writer *w, const struct conf *conf)
{
    json_writer_open(w, "contact", '[');
    for (size_t i = 0; i < conf_list_count(conf, ACME_CONTACT); i++) {
        char *url = xasprintf("mailto:%s", conf_list_item(conf, ACME_CONTACT, i));

        json_writer_text(w, NULL, slice_of(url));
        free(url);
    }
    json_writer_close(w, ']');
}

/* RFC 8555 section 7.3.4 */
static int
write_binding(struct ca *ca, const struct account_options *o, struct strbuf *out)
{
    struct strbuf jwk = strbuf_new(JWS_JWK_MAX);
    int rc = jws_key_jwk(ca->key, &jwk);

    (void)strbuf_str(out, ",\"externalAccountBinding\":");
    if (rc == 0)
        rc = jws_bind(o->binding_key, slice_of(conf_str(o->conf, ACME_BINDING_KID)),
                      slice_of(ca->url[ACME_NEW_ACCOUNT]), strbuf_slice(&jwk), out);
    strbuf_free(&jwk);
    return rc < 0 ? ca_fail(ca, "new account: the binding can't be signed") : 0;
}

static int
check_terms(struct ca *ca, const struct account_options *o)
{
    if (ca->url[ACME_TERMS] != NULL && !conf_bool(o->conf, ACME_AGREE_TERMS))
        return ca_fail(ca,
                       "the authority wants its terms of service agreed to: read %s, then: "
                       "posthorn config set acme.agree_terms yes, posthorn reload",
                       ca->url[ACME_TERMS]);
    if (ca->binding_required && o->binding_key.len == 0)
        return ca_fail(ca, "the authority wants an account of its own bound to this one: set "
                           "acme.binding_kid and acme.binding_key");
    return 0;
}

/* Registering again gives the account that the key has (RFC 8555 section 7.3.1): nothing is lost
 * when the answer was. */
static int
register_account(struct ca *ca, const struct account_options *o)
{
    struct strbuf payload = strbuf_new(PAYLOAD_MAX);
    struct json_writer w = {&payload, false};
    struct ca_request request = {.what = "new account",
                                 .url = slice_of(ca->url[ACME_NEW_ACCOUNT]),
                                 .with_key = true,
                                 .kind = ACME_NOTHING};
    int rc = check_terms(ca, o);

    json_writer_open(&w, NULL, '{');
    if (ca->url[ACME_TERMS] != NULL)
        json_writer_bool(&w, "termsOfServiceAgreed", true);
    write_contacts(&w, o->conf);
    if (rc == 0 && o->binding_key.len > 0)
        rc = write_binding(ca, o, &payload);
    json_writer_close(&w, '}');
    request.payload = strbuf_slice(&payload);
    if (rc == 0)
        rc = ca_post(ca, &request);
    if (rc == 0 && ca->answer.text[ACME_LOCATION].len == 0)
        rc = ca_fail(ca, "new account: the authority does not name it");
    if (rc == 0) {
        ca->kid = xslicedup(ca->answer.text[ACME_LOCATION]);
        rc = remember(ca, o);
    }
    strbuf_free(&payload);
    return rc;
}

static int
update_contacts(struct ca *ca, const struct account_options *o)
{
    struct strbuf payload = strbuf_new(PAYLOAD_MAX);
    struct json_writer w = {&payload, false};
    int rc;

    json_writer_open(&w, NULL, '{');
    write_contacts(&w, o->conf);
    json_writer_close(&w, '}');
    rc = ca_post(ca, &(const struct ca_request){.what = "account",
                                                .url = slice_of(ca->kid),
                                                .payload = strbuf_slice(&payload),
                                                .kind = ACME_NOTHING});
    strbuf_free(&payload);
    return rc == 0 ? remember(ca, o) : rc;
}

/* ---- another key ---- */

/* Has the authority the account under this key? 1, 0, or -1. */
static int
key_is_known(struct ca *ca, struct jws_key *key)
{
    struct jws_key *own = ca->key;
    int rc;

    ca->key = key;
    ca->other_key = own;
    rc = ca_post(ca, &(const struct ca_request){.what = "account by its new key",
                                                .url = slice_of(ca->url[ACME_NEW_ACCOUNT]),
                                                .payload = SLICE("{\"onlyReturnExisting\":true}"),
                                                .with_key = true,
                                                .kind = ACME_NOTHING});
    ca->key = own;
    ca->other_key = NULL;
    if (rc == 0)
        return 1;
    return strcmp(ca->problem, "accountDoesNotExist") == 0 ? 0 : -1;
}

/* A change that was cut off: the authority says whether it has happened. */
static int
settle_key(struct ca *ca, const struct account_options *o)
{
    struct jws_key *next = read_key(o->dirfd, NEXT_KEY_FILE);
    int known;

    if (next == NULL)
        return errno == ENOENT ? 0 : fail_file(ca, NEXT_KEY_FILE);
    known = key_is_known(ca, next);
    if (known == 1 && renameat(o->dirfd, NEXT_KEY_FILE, o->dirfd, KEY_FILE) < 0)
        known = fail_file(ca, KEY_FILE);
    if (known == 1) {
        jws_key_free(&ca->key);
        ca->key = next;
        next = NULL;
    } else if (known == 0) {
        unlink_keep_errno(o->dirfd, NEXT_KEY_FILE);
    }
    jws_key_free(&next);
    return known < 0 ? -1 : 0;
}

/* {"account": its URL, "oldKey": the key so far}, signed by the new one. */
static int
write_change(struct ca *ca, const struct jws_key *next, struct strbuf *out)
{
    struct strbuf inner = strbuf_new(PAYLOAD_MAX), jwk = strbuf_new(JWS_JWK_MAX);
    const struct jws_header header = {.url = slice_of(ca->url[ACME_KEY_CHANGE])};
    struct json_writer w = {&inner, false};
    int rc = jws_key_jwk(ca->key, &jwk);

    json_writer_open(&w, NULL, '{');
    json_writer_text(&w, "account", slice_of(ca->kid));
    (void)strbuf_printf(&inner, ",\"oldKey\":%s", strbuf_cstr(&jwk));
    json_writer_close(&w, '}');
    if (rc == 0)
        rc = jws_sign(next, &header, strbuf_slice(&inner), out);
    strbuf_free(&inner);
    strbuf_free(&jwk);
    return rc < 0 ? ca_fail(ca, "key change: the request can't be signed") : 0;
}

int
account_roll_over(struct ca *ca, const struct account_options *options)
{
    struct strbuf payload = strbuf_new(PAYLOAD_MAX);
    struct jws_key *next;
    int rc = -1;

    if (ca->url[ACME_KEY_CHANGE] == NULL)
        return ca_fail(ca, "the authority changes no keys");
    next = make_key(options->dirfd, NEXT_KEY_FILE);
    if (next == NULL)
        return fail_file(ca, NEXT_KEY_FILE);
    ca->other_key = next;
    if (write_change(ca, next, &payload) == 0)
        rc = ca_post(ca, &(const struct ca_request){.what = "key change",
                                                    .url = slice_of(ca->url[ACME_KEY_CHANGE]),
                                                    .payload = strbuf_slice(&payload),
                                                    .kind = ACME_NOTHING});
    if (rc == 0 && renameat(options->dirfd, NEXT_KEY_FILE, options->dirfd, KEY_FILE) < 0)
        rc = fail_file(ca, KEY_FILE); /* the next job settles it */
    ca->other_key = NULL;
    jws_key_free(&next);
    strbuf_free(&payload);
    return rc;
}

/* ---- opening ---- */

int
account_open(struct ca *ca, const struct account_options *options)
{
    bool same;

    if (open_key(ca, options->dirfd) < 0)
        return -1;
    same = recall(ca, options);
    if (settle_key(ca, options) < 0)
        return -1;
    if (ca->kid == NULL)
        return register_account(ca, options);
    return same ? 0 : update_contacts(ca, options);
}
