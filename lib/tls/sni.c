/*
 * lib/tls/sni.c - the table of certificates by host name.
 *
 * Filled before the fork; looked up in the workers with a name that the client sends, untrusted.
 * One context holds it all: a certificate takes a few kilobytes, a context of its own fifty.
 */
#include "lib/tls/sni.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/tls/remote_key.h"

enum { HOST_MAX = 255 }; /* RFC 1035 section 2.3.4 */

struct pair {
    X509 *certificate;
    STACK_OF(X509) * chain;
    EVP_PKEY *key;
};

struct sni {
    struct map *hosts; /* struct pair; in lower case, perhaps with "*." in front */
    struct pair *pairs[SNI_CERTS_MAX];
    size_t count;
    struct pair own; /* stands for the context's certificate */
};

/* ---- looking up ---- */

static size_t
lower(const char *text, size_t len, char *out)
{
    for (size_t i = 0; i < len; i++)
        out[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] | 0x20) : text[i];
    return len;
}

/* RFC 9525 section 6.3: a "*" stands for the first label, whole. */
static const struct pair *
find(const struct sni *sni, const char *name)
{
    char host[HOST_MAX + 1];
    size_t len = strnlen(name, HOST_MAX + 1), dot;
    const struct pair *pair;

    if (len > HOST_MAX)
        return NULL;
    (void)lower(name, len, host + 1);
    pair = map_get(sni->hosts, slice_make(host + 1, len));
    dot = slice_index(slice_make(host + 1, len), '.');
    if (pair != NULL || dot == 0 || dot >= len)
        return pair;
    host[dot] = '*'; /* in place of the label's last byte */
    return map_get(sni->hosts, slice_make(host + dot, len + 1 - dot));
}

/* OpenSSL asks when it has read the client's greeting. 1: go on. */
static int
choose(SSL *ssl, void *arg)
{
    const struct sni *sni = arg;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    const struct pair *pair = name == NULL ? NULL : find(sni, name);

    if (pair == NULL || pair == &sni->own)
        return 1;
    SSL_certs_clear(ssl); /* of another type, it could be chosen instead */
    return SSL_use_cert_and_key(ssl, pair->certificate, pair->key, pair->chain, 1);
}

/* ---- filling ---- */

static void
add_name(struct sni *sni, const ASN1_STRING *name, struct pair *pair)
{
    char host[HOST_MAX];
    size_t len = (size_t)ASN1_STRING_length(name);
    void **at;

    if (len == 0 || len > HOST_MAX)
        return;
    (void)lower((const char *)ASN1_STRING_get0_data(name), len, host);
    at = map_at(sni->hosts, slice_make(host, len));
    if (at != NULL && *at == NULL)
        *at = pair;
}

static void
add_names(struct sni *sni, X509 *certificate, struct pair *pair)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);

    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

        if (name->type == GEN_DNS)
            add_name(sni, name->d.dNSName, pair);
    }
    GENERAL_NAMES_free(names);
}

static void
pair_free(struct pair *pair)
{
    X509_free(pair->certificate);
    sk_X509_pop_free(pair->chain, X509_free);
    EVP_PKEY_free(pair->key);
    free(pair);
}

/* NULL: there is none in it. */
static struct pair *
read_pair(FILE *file)
{
    struct pair *pair = xcalloc(1, sizeof(*pair));
    X509 *next;

    pair->certificate = PEM_read_X509(file, NULL, NULL, NULL);
    pair->chain = sk_X509_new_null();
    while (pair->certificate != NULL && pair->chain != NULL &&
           (next = PEM_read_X509(file, NULL, NULL, NULL)) != NULL)
        if (sk_X509_push(pair->chain, next) <= 0)
            X509_free(next);
    ERR_clear_error();
    if (pair->certificate != NULL && pair->chain != NULL)
        return pair;
    pair_free(pair);
    return NULL;
}

static const char *
add_pair(struct sni *sni, struct pair *pair)
{
    pair->key = remote_key_new(X509_get0_pubkey(pair->certificate));
    if (pair->key == NULL)
        return "the key is of a type that is not supported: expected RSA, EC or Ed25519";
    if (sni->count == ARRAY_LEN(sni->pairs))
        return "too many certificates";
    /* OpenSSL compares them in each handshake and keeps what that takes: once, before the fork */
    if (X509_check_private_key(pair->certificate, pair->key) != 1)
        return "the certificate can't be used";
    sni->pairs[sni->count++] = pair;
    add_names(sni, pair->certificate, pair);
    return NULL;
}

int
sni_add(struct sni *sni, const char *cert_path, struct strbuf *error)
{
    FILE *file = fopen(cert_path, "re");
    const char *why = NULL;
    struct pair *pair;

    if (file == NULL) {
        (void)strbuf_printf(error, "%s: %s", cert_path, strerror(errno));
        return -1;
    }
    pair = read_pair(file);
    (void)fclose(file); /* was only read */
    why = pair == NULL ? "holds no certificate in PEM form" : add_pair(sni, pair);
    if (why == NULL)
        return 0;
    if (pair != NULL)
        pair_free(pair);
    (void)strbuf_printf(error, "%s: %s", cert_path, why);
    ERR_clear_error();
    return -1;
}

struct sni *
sni_new(SSL_CTX *ctx)
{
    struct sni *sni = xcalloc(1, sizeof(*sni));

    sni->hosts = map_new(SNI_HOSTS_MAX);
    add_names(sni, SSL_CTX_get0_certificate(ctx), &sni->own);
    SSL_CTX_set_cert_cb(ctx, choose, sni);
    return sni;
}

void
sni_free(struct sni **snip)
{
    struct sni *sni = *snip;

    if (sni == NULL)
        return;
    map_free(&sni->hosts, NULL);
    for (size_t i = 0; i < sni->count; i++)
        pair_free(sni->pairs[i]);
    xfree(snip);
}
