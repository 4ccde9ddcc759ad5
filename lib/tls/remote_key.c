/*
 * lib/tls/remote_key.c - the provider: what OpenSSL may ask of a key whose private half is in keyd.
 *
 * Keys: a public key and its id. They tell what the public key tells, and cannot be exported, so
 * OpenSSL has no way but to sign with them here. Signatures: EVP_DigestSign in one go, which is
 * what libssl does: the content goes to keyd whole (provider-keymgmt(7), provider-signature(7)).
 */
#include "lib/tls/remote_key.h"

#include <string.h>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>

#include "lib/base/mem.h"
#include "lib/tls/key_channel.h"
#include "lib/tls/key_id.h"

#define PROVIDER "posthorn-keyd"

enum { SHA1_BITS = 160, MD5_SHA1_BITS = 288 };

typedef void (*function)(void);

struct remote_key {
    const char *type;
    EVP_PKEY *public; /* of OpenSSL's own provider */
    unsigned char id[TLS_KEY_ID];
};

struct signature { /* one EVP_DigestSign */
    const struct remote_key *key;
    bool is_pss;
    unsigned hash_bits; /* 0: the algorithm has its own */
};

/* ---- keys ---- */

static void *
new_of_type(const char *type)
{
    struct remote_key *key = xcalloc(1, sizeof(*key));

    key->type = type;
    return key;
}

static void *
rsa_new(void *provider)
{
    (void)provider;
    return new_of_type("RSA");
}

static void *
ec_new(void *provider)
{
    (void)provider;
    return new_of_type("EC");
}

static void *
ed25519_new(void *provider)
{
    (void)provider;
    return new_of_type("ED25519");
}

static void
key_free(void *data)
{
    struct remote_key *key = data;

    EVP_PKEY_free(key->public);
    xfree(&key);
}

static int
key_has(const void *data, int selection)
{
    const struct remote_key *key = data;

    (void)selection; /* the private half is there, in its way */
    return key->public != NULL;
}

/* For a comparison with a certificate's key, which is imported first. */
static int
key_match(const void *one, const void *other, int selection)
{
    const struct remote_key *a = one, *b = other;

    (void)selection;
    return memcmp(a->id, b->id, TLS_KEY_ID) == 0;
}

/* A public key, in the terms of OpenSSL's own provider, whose key it becomes. */
static int
key_import(void *data, int selection, const OSSL_PARAM params[])
{
    struct remote_key *key = data;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, key->type, NULL);
    bool made = (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) == 0 && key->public == NULL &&
                ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
                EVP_PKEY_fromdata(ctx, &key->public, EVP_PKEY_PUBLIC_KEY,
                                  (OSSL_PARAM *)(uintptr_t)params) == 1 && /* it only reads them */
                key_id(key->public, key->id) == 0;

    EVP_PKEY_CTX_free(ctx);
    return made;
}

static const OSSL_PARAM *
key_import_types(int selection)
{
    static const OSSL_PARAM types[] = {
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
        OSSL_PARAM_END,
    };

    return (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0 ? NULL : types;
}

static int
key_get_params(void *data, OSSL_PARAM params[])
{
    const struct remote_key *key = data;

    return EVP_PKEY_get_params(key->public, params);
}

static const OSSL_PARAM *
key_gettable_params(void *provider)
{
    static const OSSL_PARAM params[] = {
        OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
        OSSL_PARAM_END,
    };

    (void)provider;
    return params;
}

static const char *
ec_operation_name(int operation)
{
    return operation == OSSL_OP_SIGNATURE ? "ECDSA" : NULL;
}

/* There is no export: OpenSSL would take a key that it can export to its own provider for one that
 * it can sign with there. */
#define KEY_FUNCTIONS(NEW)                                                                         \
    {OSSL_FUNC_KEYMGMT_NEW, (function)(NEW)}, {OSSL_FUNC_KEYMGMT_FREE, (function)key_free},        \
        {OSSL_FUNC_KEYMGMT_HAS, (function)key_has},                                                \
        {OSSL_FUNC_KEYMGMT_MATCH, (function)key_match},                                            \
        {OSSL_FUNC_KEYMGMT_IMPORT, (function)key_import},                                          \
        {OSSL_FUNC_KEYMGMT_IMPORT_TYPES, (function)key_import_types},                              \
        {OSSL_FUNC_KEYMGMT_GET_PARAMS, (function)key_get_params},                                  \
    {                                                                                              \
        OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, (function)key_gettable_params                           \
    }

static const OSSL_DISPATCH rsa_functions[] = {KEY_FUNCTIONS(rsa_new), {0, NULL}};
static const OSSL_DISPATCH ed25519_functions[] = {KEY_FUNCTIONS(ed25519_new), {0, NULL}};
static const OSSL_DISPATCH ec_functions[] = {
    KEY_FUNCTIONS(ec_new),
    {OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, (function)ec_operation_name},
    {0, NULL}};

/* ---- signatures ---- */

static void *
signature_new(void *provider, const char *properties)
{
    (void)provider, (void)properties;
    return xcalloc(1, sizeof(struct signature));
}

static void
signature_free(void *data)
{
    struct signature *s = data;

    xfree(&s);
}

/* OpenSSL gives it as a number or as a word. */
static bool
set_padding(struct signature *s, const OSSL_PARAM *p)
{
    int mode = 0;

    if (p == NULL)
        return true;
    if (p->data_type == OSSL_PARAM_UTF8_STRING)
        mode = strcmp(p->data, OSSL_PKEY_RSA_PAD_MODE_PSS) == 0 ? RSA_PKCS1_PSS_PADDING
                                                                : RSA_PKCS1_PADDING;
    else if (OSSL_PARAM_get_int(p, &mode) != 1)
        return false;
    s->is_pss = mode == RSA_PKCS1_PSS_PADDING;
    return s->is_pss || mode == RSA_PKCS1_PADDING;
}

/* The salt is as long as the hash: TLS has no other (RFC 8446 section 4.2.3). */
static int
signature_set_params(void *data, const OSSL_PARAM params[])
{
    return params == NULL ||
           set_padding(data, OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE));
}

static const OSSL_PARAM *
signature_settable_params(void *data, void *provider)
{
    static const OSSL_PARAM params[] = {
        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0),
        OSSL_PARAM_END,
    };

    (void)data, (void)provider;
    return params;
}

static bool
set_hash(struct signature *s, const char *name)
{
    static const struct {
        const char *name;
        unsigned bits;
    } hashes[] = {
        {"MD5-SHA1", MD5_SHA1_BITS}, {"SHA1", SHA1_BITS}, {"SHA2-256", 256}, {"SHA256", 256},
        {"SHA2-384", 384},           {"SHA384", 384},     {"SHA2-512", 512}, {"SHA512", 512}};

    s->hash_bits = 0;
    for (size_t i = 0; name != NULL && i < ARRAY_LEN(hashes); i++)
        if (strcmp(name, hashes[i].name) == 0)
            s->hash_bits = hashes[i].bits;
    return s->hash_bits != 0 || name == NULL || name[0] == '\0';
}

static int
signature_begin(void *data, const char *hash, void *key, const OSSL_PARAM params[])
{
    struct signature *s = data;

    s->key = key;
    return set_hash(s, hash) && signature_set_params(s, params);
}

/* Before TLS 1.2 each type of key had its one hash (RFC 4346 section 7.4.3, RFC 8422 section 5.4).
 */
static uint16_t
old_scheme_of(const struct signature *s)
{
    int type = EVP_PKEY_get_base_id(s->key->public);

    if (type == EVP_PKEY_RSA && s->hash_bits == MD5_SHA1_BITS && !s->is_pss)
        return TLS_RSA_MD5_SHA1;
    return type == EVP_PKEY_EC && s->hash_bits == SHA1_BITS ? TLS_ECDSA_SHA1 : 0;
}

/* enum tls_scheme of what was asked for, or 0. */
static uint16_t
scheme_of(const struct signature *s)
{
    unsigned by_hash = s->hash_bits == 256 ? 0 : s->hash_bits == 384 ? 1 : 2;

    if (s->hash_bits == MD5_SHA1_BITS || s->hash_bits == SHA1_BITS)
        return old_scheme_of(s);
    switch (EVP_PKEY_get_base_id(s->key->public)) {
    case EVP_PKEY_RSA:
        if (s->hash_bits == 0)
            return 0;
        return (uint16_t)(s->is_pss ? TLS_RSA_PSS_SHA256 + by_hash
                                    : TLS_RSA_PKCS1_SHA256 + (by_hash << 8));
    case EVP_PKEY_EC:
        return s->hash_bits == 0 ? 0 : (uint16_t)(TLS_ECDSA_SHA256 + (by_hash << 8));
    case EVP_PKEY_ED25519:
        return TLS_ED25519;
    default:
        return 0;
    }
}

static int
signature_make(void *data, unsigned char *signature, size_t *len, size_t cap,
               const unsigned char *content, size_t content_len)
{
    const struct signature *s = data;
    const struct tls_key_ask ask = {
        .key = slice_make((const char *)s->key->id, TLS_KEY_ID),
        .scheme = scheme_of(s),
        .content = slice_make((const char *)content, content_len),
    };
    ssize_t made;

    if (ask.scheme == 0)
        return 0;
    if (signature == NULL) {
        *len = (size_t)EVP_PKEY_get_size(s->key->public);
        return 1;
    }
    made = key_channel_sign(&ask, signature, cap);
    if (made < 0)
        return 0;
    *len = (size_t)made;
    return 1;
}

static const OSSL_DISPATCH signature_functions[] = {
    {OSSL_FUNC_SIGNATURE_NEWCTX, (function)signature_new},
    {OSSL_FUNC_SIGNATURE_FREECTX, (function)signature_free},
    {OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, (function)signature_set_params},
    {OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, (function)signature_settable_params},
    {OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, (function)signature_begin},
    {OSSL_FUNC_SIGNATURE_DIGEST_SIGN, (function)signature_make},
    {0, NULL}};

/* ---- the provider ---- */

static const OSSL_ALGORITHM *
query(void *provider, int operation, int *no_cache)
{
    /* libssl looks for the long names */
    static const OSSL_ALGORITHM keys[] = {
        {"RSA:rsaEncryption", "provider=" PROVIDER, rsa_functions, NULL},
        {"EC:id-ecPublicKey", "provider=" PROVIDER, ec_functions, NULL},
        {"ED25519", "provider=" PROVIDER, ed25519_functions, NULL},
        {NULL, NULL, NULL, NULL}};
    static const OSSL_ALGORITHM signatures[] = {
        {"RSA:rsaEncryption", "provider=" PROVIDER, signature_functions, NULL},
        {"ECDSA", "provider=" PROVIDER, signature_functions, NULL},
        {"ED25519", "provider=" PROVIDER, signature_functions, NULL},
        {NULL, NULL, NULL, NULL}};

    (void)provider;
    *no_cache = 0;
    if (operation == OSSL_OP_KEYMGMT)
        return keys;
    return operation == OSSL_OP_SIGNATURE ? signatures : NULL;
}

static int
provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out,
              void **provider)
{
    static const OSSL_DISPATCH functions[] = {{OSSL_FUNC_PROVIDER_QUERY_OPERATION, (function)query},
                                              {0, NULL}};
    static char token;

    (void)handle, (void)in;
    *out = functions;
    *provider = &token; /* there is no state, but NULL would be a failure */
    return 1;
}

/* Made once, and there for as long as the process is. */
static OSSL_LIB_CTX *
library(void)
{
    static OSSL_LIB_CTX *made;

    if (made == NULL && (made = OSSL_LIB_CTX_new()) != NULL &&
        (OSSL_PROVIDER_add_builtin(made, PROVIDER, provider_init) != 1 ||
         OSSL_PROVIDER_load(made, PROVIDER) == NULL)) {
        OSSL_LIB_CTX_free(made);
        made = NULL;
    }
    return made;
}

static const char *
type_name(const EVP_PKEY *public)
{
    switch (EVP_PKEY_get_base_id(public)) {
    case EVP_PKEY_RSA:
        return "RSA";
    case EVP_PKEY_EC:
        return "EC";
    case EVP_PKEY_ED25519:
        return "ED25519";
    default:
        return NULL;
    }
}

EVP_PKEY *
remote_key_new(const EVP_PKEY *public)
{
    const char *type = type_name(public);
    OSSL_LIB_CTX *own = type == NULL ? NULL : library();
    EVP_PKEY_CTX *ctx = own == NULL ? NULL : EVP_PKEY_CTX_new_from_name(own, type, NULL);
    OSSL_PARAM *params = NULL;
    EVP_PKEY *made = NULL;

    if (ctx != NULL && EVP_PKEY_todata(public, EVP_PKEY_PUBLIC_KEY, &params) == 1 &&
        EVP_PKEY_fromdata_init(ctx) == 1 &&
        EVP_PKEY_fromdata(ctx, &made, EVP_PKEY_PUBLIC_KEY, params) != 1)
        made = NULL;
    OSSL_PARAM_free(params);
    EVP_PKEY_CTX_free(ctx);
    return made;
}
