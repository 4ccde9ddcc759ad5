/*
 * keyd/tls_keys.c - reads the TLS keys and signs with them what keyd/tls_form lets pass.
 */
#include "keyd/tls_keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "keyd/tls_form.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"
#include "lib/tls/key_id.h"

enum { KEY_FILE_MAX = 65536 };

struct tls_key {
    unsigned char id[TLS_KEY_ID];
    EVP_PKEY *key;
};

struct tls_keys {
    struct tls_key items[TLS_FILES_MAX];
    size_t count;
};

/* ---- reading ---- */

/* An encrypted key has nobody here to ask. */
static int
no_password(char *buf, int size, int for_writing, void *arg)
{
    (void)buf, (void)size, (void)for_writing, (void)arg;
    return -1;
}

static EVP_PKEY *
parse_key(struct slice pem)
{
    BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    EVP_PKEY *key = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);

    BIO_free(bio);
    ERR_clear_error();
    return key;
}

static EVP_PKEY *
read_key(int fd)
{
    struct stat st;
    EVP_PKEY *key = NULL;
    char *bytes;
    size_t len;

    if (fstat(fd, &st) < 0)
        return NULL;
    if (st.st_size > KEY_FILE_MAX) {
        errno = EFBIG;
        return NULL;
    }
    len = (size_t)st.st_size;
    bytes = xmalloc(len + 1);
    if (pread_exact(fd, bytes, len, 0) == 0) {
        key = parse_key(slice_make(bytes, len));
        errno = EBADMSG;
    }
    mem_wipe(bytes, len);
    free(bytes);
    return key;
}

/* Why it is no good; NULL: it is in `keys`. */
static const char *
load_file(struct tls_keys *keys, const struct tls_file *file)
{
    struct tls_key *at = &keys->items[keys->count];

    at->key = read_key(file->fd);
    if (at->key == NULL)
        return errno == EBADMSG ? "holds no private key in PEM form (without a password)"
                                : strerror(errno);
    if (key_id(at->key, at->id) < 0 || memcmp(at->id, file->id, TLS_KEY_ID) != 0) {
        EVP_PKEY_free(at->key);
        return "does not belong to its certificate";
    }
    keys->count++;
    return NULL;
}

struct tls_keys *
tls_keys_load(const struct tls_files *files, struct strbuf *error)
{
    struct tls_keys *keys = xcalloc(1, sizeof(*keys));

    for (size_t i = 0; i < files->count; i++) {
        const struct tls_file *file = &files->items[i];
        const char *why = load_file(keys, file);

        if (why == NULL)
            continue;
        log_event(LOG_ERROR, "tls_key_unusable", KV_STR("file", file->path), KV_STR("reason", why));
        if (!file->required)
            continue;
        (void)strbuf_printf(error, "%s: %s", file->path, why);
        tls_keys_free(&keys);
        return NULL;
    }
    return keys;
}

void
tls_keys_free(struct tls_keys **keysp)
{
    if (*keysp == NULL)
        return;
    for (size_t i = 0; i < (*keysp)->count; i++)
        EVP_PKEY_free((*keysp)->items[i].key);
    xfree(keysp);
}

size_t
tls_keys_count(const struct tls_keys *keys)
{
    return keys->count;
}

/* ---- signing ---- */

static const struct scheme {
    uint16_t scheme;
    int type; /* of the key */
    const char *hash;
    bool is_pss;
} schemes[] = {
    {TLS_RSA_MD5_SHA1, EVP_PKEY_RSA, "MD5-SHA1", false},
    {TLS_ECDSA_SHA1, EVP_PKEY_EC, "SHA1", false},
    {TLS_RSA_PKCS1_SHA256, EVP_PKEY_RSA, "SHA256", false},
    {TLS_RSA_PKCS1_SHA384, EVP_PKEY_RSA, "SHA384", false},
    {TLS_RSA_PKCS1_SHA512, EVP_PKEY_RSA, "SHA512", false},
    {TLS_RSA_PSS_SHA256, EVP_PKEY_RSA, "SHA256", true},
    {TLS_RSA_PSS_SHA384, EVP_PKEY_RSA, "SHA384", true},
    {TLS_RSA_PSS_SHA512, EVP_PKEY_RSA, "SHA512", true},
    {TLS_ECDSA_SHA256, EVP_PKEY_EC, "SHA256", false},
    {TLS_ECDSA_SHA384, EVP_PKEY_EC, "SHA384", false},
    {TLS_ECDSA_SHA512, EVP_PKEY_EC, "SHA512", false},
    {TLS_ED25519, EVP_PKEY_ED25519, NULL, false},
};

static EVP_PKEY *
find_key(const struct tls_keys *keys, struct slice id)
{
    for (size_t i = 0; i < keys->count; i++)
        if (memcmp(keys->items[i].id, id.ptr, TLS_KEY_ID) == 0)
            return keys->items[i].key;
    return NULL;
}

/* NULL: the key cannot do that. */
static const struct scheme *
find_scheme(uint16_t wanted, EVP_PKEY *key)
{
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
        if (schemes[i].scheme == wanted && EVP_PKEY_get_base_id(key) == schemes[i].type)
            return &schemes[i];
    return NULL;
}

static bool
set_padding(EVP_PKEY_CTX *ctx, const struct scheme *scheme)
{
    return !scheme->is_pss || (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
                               EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1);
}

static size_t
sign(EVP_PKEY *key, const struct scheme *scheme, struct slice content, unsigned char *buf)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *key_ctx;
    size_t len = TLS_KEY_SIGNATURE_MAX;
    bool done =
        ctx != NULL &&
        EVP_DigestSignInit_ex(ctx, &key_ctx, scheme->hash, NULL, NULL, key, NULL) == 1 &&
        set_padding(key_ctx, scheme) &&
        EVP_DigestSign(ctx, buf, &len, (const unsigned char *)content.ptr, content.len) == 1;

    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return done ? len : 0;
}

struct tls_key_answer
tls_keys_sign(const struct tls_keys *keys, const struct tls_key_ask *ask, bool old_too,
              unsigned char *buf)
{
    EVP_PKEY *key = find_key(keys, ask->key);
    const struct scheme *scheme;
    size_t len;

    if (key == NULL)
        return (struct tls_key_answer){.result = TLS_KEY_UNKNOWN};
    scheme = find_scheme(ask->scheme, key);
    if (scheme == NULL || (tls_form_is_old(ask->scheme) && !old_too) ||
        !tls_form_is_handshake(ask->scheme, ask->content))
        return (struct tls_key_answer){.result = TLS_KEY_REFUSED};
    len = sign(key, scheme, ask->content, buf);
    if (len == 0)
        return (struct tls_key_answer){.result = TLS_KEY_REFUSED};
    return (struct tls_key_answer){TLS_KEY_SIGNED, slice_make((const char *)buf, len)};
}
