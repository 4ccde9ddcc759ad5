/*
 * lib/tls/cert_make.c - makes keys, requests and certificates in memory, by OpenSSL.
 */
#include "lib/tls/cert_make.h"

#include <string.h>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "lib/base/mem.h"

#define HOUR_S 3600L
#define SERIAL_BITS 127 /* positive, at most 20 octets (RFC 5280 section 4.1.2.2) */

/* ---- keys ---- */

static EVP_PKEY *
make_rsa(unsigned bits)
{
    return EVP_RSA_gen(bits);
}

static const struct {
    const char *name;
    unsigned rsa_bits;
    const char *curve;
} key_types[] = {
    {"rsa2048", 2048, NULL}, {"rsa3072", 3072, NULL}, {"rsa4096", 4096, NULL},
    {"p256", 0, "P-256"},    {"p384", 0, "P-384"},    {"ed25519", 0, NULL},
};

bool
cert_make_is_key_type(const char *type)
{
    for (size_t i = 0; i < ARRAY_LEN(key_types); i++)
        if (strcmp(type, key_types[i].name) == 0)
            return true;
    return false;
}

static EVP_PKEY *
make_key(const char *type)
{
    for (size_t i = 0; i < ARRAY_LEN(key_types); i++) {
        if (strcmp(type, key_types[i].name) != 0)
            continue;
        if (key_types[i].rsa_bits != 0)
            return make_rsa(key_types[i].rsa_bits);
        return key_types[i].curve != NULL ? EVP_EC_gen(key_types[i].curve)
                                          : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    }
    return NULL;
}

/* Ed25519 has a hash of its own. */
static const EVP_MD *
hash_for(const EVP_PKEY *key)
{
    return EVP_PKEY_is_a(key, "ED25519") == 1 ? NULL : EVP_sha256();
}

/* ---- what is in it ---- */

static bool
add_word(X509_NAME *name, const char *field, const char *word, struct strbuf *error)
{
    if (word == NULL || X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                                                   (const unsigned char *)word, -1, -1, 0) == 1)
        return true;
    (void)strbuf_printf(error, "'%s' can't be the %s of a certificate", word, field);
    return false;
}

/* RFC 5280 appendix A.1: a common name has at most 64 characters. subjectAltName holds all. */
static X509_NAME *
make_subject(const struct cert_wish *wish, struct strbuf *error)
{
    X509_NAME *name = X509_NAME_new();
    char *common = xstrdup(wish->hosts[0]);

    if (strlen(common) > 64 && !wish->is_authority)
        common[64] = '\0';
    if (name == NULL || !add_word(name, "C", wish->country, error) ||
        !add_word(name, "ST", wish->state, error) || !add_word(name, "L", wish->city, error) ||
        !add_word(name, "O", wish->organisation, error) ||
        !add_word(name, "OU", wish->unit, error) || !add_word(name, "CN", common, error)) {
        X509_NAME_free(name);
        name = NULL;
    }
    xfree(&common);
    return name;
}

/* A DNS name, or for mail an address (RFC 5280 section 4.2.1.6). */
static bool
push_host(GENERAL_NAMES *list, const char *host, int type)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();

    if (name != NULL && text != NULL && ASN1_STRING_set(text, host, -1) == 1) {
        GENERAL_NAME_set0_value(name, type, text);
        if (sk_GENERAL_NAME_push(list, name) > 0)
            return true;
        text = NULL; /* it is the name's */
    }
    GENERAL_NAME_free(name);
    ASN1_IA5STRING_free(text);
    return false;
}

static bool
add_hosts(STACK_OF(X509_EXTENSION) * *extensions, const struct cert_wish *wish)
{
    GENERAL_NAMES *list = sk_GENERAL_NAME_new_null();
    bool ok = list != NULL;

    for (size_t i = 0; i < wish->host_count && ok; i++)
        ok = push_host(list, wish->hosts[i], wish->is_email ? GEN_EMAIL : GEN_DNS);
    ok = ok && X509V3_add1_i2d(extensions, NID_subject_alt_name, list, 0, X509V3_ADD_DEFAULT) == 1;
    GENERAL_NAMES_free(list);
    return ok;
}

static bool
add_extension(STACK_OF(X509_EXTENSION) * *extensions, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    bool ok = extension != NULL && X509v3_add_ext(extensions, extension, -1) != NULL;

    X509_EXTENSION_free(extension);
    return ok;
}

static bool
add_authority(STACK_OF(X509_EXTENSION) * *extensions, const struct cert_wish *wish)
{
    return add_extension(extensions, NID_basic_constraints, "critical,CA:TRUE") &&
           add_extension(extensions, NID_key_usage, "critical,keyCertSign,cRLSign") &&
           (!wish->is_email || add_extension(extensions, NID_ext_key_usage, "emailProtection"));
}

/* RFC 8550 section 4.4: what mail is signed with, and its key is wrapped for. */
static bool
add_email(STACK_OF(X509_EXTENSION) * *extensions, const struct cert_wish *wish)
{
    bool is_rsa = strncmp(wish->key_type, "rsa", 3) == 0;
    bool is_ec = strncmp(wish->key_type, "p", 1) == 0;

    return add_extension(extensions, NID_key_usage,
                         is_rsa  ? "critical,digitalSignature,keyEncipherment"
                         : is_ec ? "critical,digitalSignature,keyAgreement"
                                 : "critical,digitalSignature") &&
           add_extension(extensions, NID_ext_key_usage, "emailProtection");
}

/* RFC 5280 section 4.2. NULL: no memory. */
static STACK_OF(X509_EXTENSION) * make_extensions(const struct cert_wish *wish)
{
    STACK_OF(X509_EXTENSION) *extensions = NULL;
    bool ok =
        wish->is_authority
            ? add_authority(&extensions, wish)
            : add_extension(&extensions, NID_basic_constraints, "critical,CA:FALSE") &&
                  (wish->is_email ? add_email(&extensions, wish)
                                  : add_extension(&extensions, NID_ext_key_usage, "serverAuth")) &&
                  add_hosts(&extensions, wish);

    if (ok)
        return extensions;
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    return NULL;
}

static bool
set_serial(X509 *x)
{
    BIGNUM *number = BN_new();
    bool ok = number != NULL &&
              BN_rand(number, SERIAL_BITS, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
              BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x)) != NULL;

    BN_free(number);
    return ok;
}

/* ---- text ---- */

static bool
append_pem(BIO *bio, struct strbuf *out)
{
    char *bytes;
    long len = BIO_get_mem_data(bio, &bytes);

    return len > 0 && strbuf_append(out, slice_make(bytes, (size_t)len));
}

static bool
write_key(EVP_PKEY *key, struct strbuf *out)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    bool ok = bio != NULL && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1 &&
              append_pem(bio, out);

    BIO_free(bio);
    return ok;
}

static bool
write_text(X509 *x, X509_REQ *request, struct strbuf *out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    bool ok =
        bio != NULL &&
        (x != NULL ? PEM_write_bio_X509(bio, x) : PEM_write_bio_X509_REQ(bio, request)) == 1 &&
        append_pem(bio, out);

    BIO_free(bio);
    return ok;
}

/* ---- making ---- */

struct parts {
    EVP_PKEY *key;
    X509_NAME *subject;
    STACK_OF(X509_EXTENSION) * extensions;
};

static bool
make_parts(const struct cert_wish *wish, struct parts *parts, struct strbuf *error)
{
    *parts = (struct parts){.subject = make_subject(wish, error)};
    if (parts->subject == NULL)
        return false;
    parts->key = make_key(wish->key_type);
    parts->extensions = make_extensions(wish);
    return parts->key != NULL && parts->extensions != NULL;
}

static void
free_parts(struct parts *parts)
{
    EVP_PKEY_free(parts->key);
    X509_NAME_free(parts->subject);
    sk_X509_EXTENSION_pop_free(parts->extensions, X509_EXTENSION_free);
    ERR_clear_error();
}

static int
finish(bool ok, struct parts *parts, struct strbuf *error)
{
    free_parts(parts);
    if (!ok && error->len == 0)
        (void)strbuf_str(error, "the key or what it signs could not be made");
    return ok ? 0 : -1;
}

int
cert_make_request(const struct cert_wish *wish, struct strbuf *key, struct strbuf *out,
                  struct strbuf *error)
{
    X509_REQ *request = X509_REQ_new();
    struct parts p;
    bool ok = make_parts(wish, &p, error) && request != NULL &&
              X509_REQ_set_version(request, X509_REQ_VERSION_1) == 1 &&
              X509_REQ_set_subject_name(request, p.subject) == 1 &&
              X509_REQ_set_pubkey(request, p.key) == 1 &&
              X509_REQ_add_extensions(request, p.extensions) == 1 &&
              X509_REQ_sign(request, p.key, hash_for(p.key)) > 0 && write_key(p.key, key) &&
              write_text(NULL, request, out);

    X509_REQ_free(request);
    return finish(ok, &p, error);
}

static bool
set_extensions(X509 *x, const struct parts *p)
{
    for (int i = 0; i < sk_X509_EXTENSION_num(p->extensions); i++)
        if (X509_add_ext(x, sk_X509_EXTENSION_value(p->extensions, i), -1) != 1)
            return false;
    return true;
}

int
cert_make_self_signed(const struct cert_wish *wish, struct strbuf *key, struct strbuf *out,
                      struct strbuf *error)
{
    X509 *x = X509_new();
    struct parts p;
    bool ok = make_parts(wish, &p, error) && x != NULL &&
              X509_set_version(x, X509_VERSION_3) == 1 && set_serial(x) &&
              X509_gmtime_adj(X509_getm_notBefore(x), -HOUR_S) != NULL && /* clocks differ */
              X509_time_adj_ex(X509_getm_notAfter(x), (int)wish->days, 0, NULL) != NULL &&
              X509_set_subject_name(x, p.subject) == 1 && X509_set_issuer_name(x, p.subject) == 1 &&
              X509_set_pubkey(x, p.key) == 1 && set_extensions(x, &p) &&
              X509_sign(x, p.key, hash_for(p.key)) > 0 && write_key(p.key, key) &&
              write_text(x, NULL, out);

    X509_free(x);
    return finish(ok, &p, error);
}
