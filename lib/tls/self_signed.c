/*
 * lib/tls/self_signed.c - a new key and a certificate that it signs itself (RFC 5280).
 *
 * Names come from the administrator. Writes no file.
 */
#include "lib/tls/self_signed.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#define SERIAL_BYTES 16
#define HOUR_S 3600L
#define DAY_S (24 * HOUR_S)

/* A serial number that nobody has used: 128 random bits (section 4.1.2.2). */
static int
set_serial(X509 *x)
{
    unsigned char bytes[SERIAL_BYTES];
    BIGNUM *number;
    int ok = RAND_bytes(bytes, sizeof(bytes)) == 1;

    bytes[0] &= 0x7f;
    bytes[0] |= 0x40; /* positive, and of full length */
    number = ok ? BN_bin2bn(bytes, sizeof(bytes), NULL) : NULL;
    ok = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x)) != NULL;
    BN_free(number);
    return ok;
}

static int
set_subject(X509 *x, const char *name)
{
    X509_NAME *subject = X509_get_subject_name(x);
    /* A common name has 64 characters at most (appendix A.1); the alternative name holds all. */
    int len = (int)(slice_of(name).len > 64 ? 64 : slice_of(name).len);

    return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, len,
                                      -1, 0) == 1 &&
           X509_set_issuer_name(x, subject) == 1;
}

static int
add_names(X509 *x, const char *const *names, size_t count)
{
    GENERAL_NAMES *list = sk_GENERAL_NAME_new_null();
    int ok = list != NULL;

    for (size_t i = 0; i < count && ok; i++) {
        GENERAL_NAME *name = GENERAL_NAME_new();
        ASN1_IA5STRING *text = ASN1_IA5STRING_new();

        ok = name != NULL && text != NULL && ASN1_STRING_set(text, names[i], -1) == 1;
        if (ok) {
            GENERAL_NAME_set0_value(name, GEN_DNS, text);
            text = NULL;
            ok = sk_GENERAL_NAME_push(list, name) > 0;
        }
        if (ok)
            name = NULL;
        GENERAL_NAME_free(name);
        ASN1_IA5STRING_free(text);
    }
    ok = ok && X509_add1_ext_i2d(x, NID_subject_alt_name, list, 0, X509V3_ADD_DEFAULT) == 1;
    GENERAL_NAMES_free(list);
    return ok;
}

static int
add_extension(X509 *x, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    int ok = extension != NULL && X509_add_ext(x, extension, -1) == 1;

    X509_EXTENSION_free(extension);
    return ok;
}

static X509 *
make_certificate(EVP_PKEY *key, const char *const *names, size_t count)
{
    X509 *x = X509_new();

    if (x != NULL && X509_set_version(x, X509_VERSION_3) == 1 && set_serial(x) &&
        X509_gmtime_adj(X509_getm_notBefore(x), -HOUR_S) != NULL &&
        X509_gmtime_adj(X509_getm_notAfter(x), SELF_SIGNED_DAYS * DAY_S) != NULL &&
        set_subject(x, names[0]) && X509_set_pubkey(x, key) == 1 && add_names(x, names, count) &&
        add_extension(x, NID_basic_constraints, "critical,CA:FALSE") &&
        add_extension(x, NID_ext_key_usage, "serverAuth") && X509_sign(x, key, EVP_sha256()) > 0)
        return x;
    X509_free(x);
    return NULL;
}

static int
append_pem(BIO *bio, struct strbuf *out)
{
    char *bytes;
    long len = BIO_get_mem_data(bio, &bytes);

    return len > 0 && strbuf_append(out, slice_make(bytes, (size_t)len));
}

static int
write_pem(EVP_PKEY *key, X509 *x, struct strbuf *key_out, struct strbuf *certificate_out)
{
    BIO *key_bio = BIO_new(BIO_s_secmem()), *cert_bio = BIO_new(BIO_s_mem());
    int ok = key_bio != NULL && cert_bio != NULL &&
             PEM_write_bio_PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL) == 1 &&
             PEM_write_bio_X509(cert_bio, x) == 1 && append_pem(key_bio, key_out) &&
             append_pem(cert_bio, certificate_out);

    BIO_free(key_bio);
    BIO_free(cert_bio);
    return ok;
}

int
self_signed_make(const char *const *names, size_t count, struct strbuf *key,
                 struct strbuf *certificate)
{
    EVP_PKEY *pair = EVP_EC_gen("P-256");
    X509 *x = pair == NULL ? NULL : make_certificate(pair, names, count);
    int ok = x != NULL && write_pem(pair, x, key, certificate);

    X509_free(x);
    EVP_PKEY_free(pair);
    return ok ? 0 : -1;
}
