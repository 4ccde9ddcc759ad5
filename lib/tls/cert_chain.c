/*
 * lib/tls/cert_chain.c - reads and checks a chain of certificates, by OpenSSL.
 */
#include "lib/tls/cert_chain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "lib/base/encode.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/tls/cert_make.h"
#include "lib/tls/key_id.h"

struct cert_chain {
    char *name; /* of the file */
    X509 *certs[CERT_CHAIN_MAX];
    size_t count;
};

/* ---- reading ---- */

static unsigned
line_of(struct slice pem, BIO *bio)
{
    char *rest;
    size_t left = (size_t)BIO_get_mem_data(bio, &rest);
    unsigned line = 1;

    for (size_t i = 0; i + left < pem.len; i++)
        line += pem.ptr[i] == '\n';
    return line;
}

/* False at the end, or with a line in `error`. */
static bool
read_next(struct cert_chain *chain, struct slice pem, BIO *bio, struct strbuf *error)
{
    unsigned line = line_of(pem, bio);
    X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    unsigned long code = ERR_peek_last_error();

    ERR_clear_error();
    if (cert == NULL) {
        if (ERR_GET_REASON(code) != PEM_R_NO_START_LINE)
            (void)strbuf_printf(error, "%s: certificate %zu, from line %u on: damaged", chain->name,
                                chain->count + 1, line);
        return false;
    }
    if (chain->count == CERT_CHAIN_MAX) {
        X509_free(cert);
        (void)strbuf_printf(error, "%s: more than %d certificates", chain->name, CERT_CHAIN_MAX);
        return false;
    }
    chain->certs[chain->count++] = cert;
    return true;
}

struct cert_chain *
cert_chain_parse(struct slice pem, const char *name, struct strbuf *error)
{
    struct cert_chain *chain = xcalloc(1, sizeof(*chain));
    BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    size_t errors_before = error->len;

    chain->name = xstrdup(name);
    while (bio != NULL && read_next(chain, pem, bio, error))
        continue;
    BIO_free(bio);
    if (chain->count == 0 && error->len == errors_before)
        (void)strbuf_printf(error, "%s: holds no certificate in PEM form", name);
    if (error->len > errors_before)
        cert_chain_free(&chain);
    return chain;
}

struct cert_chain *
cert_chain_read(const char *path, struct strbuf *error)
{
    struct strbuf pem = strbuf_new(CERT_PEM_MAX);
    struct cert_chain *chain = NULL;

    if (read_file(AT_FDCWD, path, &pem) < 0)
        (void)strbuf_printf(error, "%s: %s", path, strerror(errno));
    else
        chain = cert_chain_parse(strbuf_slice(&pem), path, error);
    strbuf_free(&pem);
    return chain;
}

void
cert_chain_free(struct cert_chain **chainp)
{
    if (*chainp == NULL)
        return;
    for (size_t i = 0; i < (*chainp)->count; i++)
        X509_free((*chainp)->certs[i]);
    free((*chainp)->name);
    xfree(chainp);
}

size_t
cert_chain_count(const struct cert_chain *chain)
{
    return chain->count;
}

/* ---- what they say ---- */

static char *
steal_bio(BIO *bio)
{
    char *bytes, *text;
    long len = bio == NULL ? 0 : BIO_get_mem_data(bio, &bytes);

    text = len > 0 ? xasprintf("%.*s", (int)len, bytes) : xstrdup("");
    BIO_free(bio);
    return text;
}

static char *
name_text(const X509_NAME *name)
{
    BIO *bio = BIO_new(BIO_s_mem());

    if (bio != NULL)
        (void)X509_NAME_print_ex(bio, name, 0, XN_FLAG_ONELINE & ~XN_FLAG_SPC_EQ);
    return steal_bio(bio);
}

/* A name with bytes that no DNS name has is left out: it would be taken for something else. */
static bool
is_plain(struct slice host)
{
    for (size_t i = 0; i < host.len; i++)
        if (host.ptr[i] <= 0x20 || host.ptr[i] >= 0x7f)
            return false;
    return host.len > 0;
}

static char *
hosts_text(const GENERAL_NAMES *names)
{
    struct strbuf out = strbuf_new(CERT_PEM_MAX);

    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        struct slice host;

        if (name->type != GEN_DNS)
            continue;
        host = slice_make((const char *)ASN1_STRING_get0_data(name->d.dNSName),
                          (size_t)ASN1_STRING_length(name->d.dNSName));
        if (!is_plain(host))
            continue;
        if (out.len > 0)
            (void)strbuf_char(&out, ' ');
        (void)strbuf_append(&out, host);
    }
    return strbuf_steal(&out);
}

static char *
cert_hosts(const X509 *cert)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    char *text = hosts_text(names);

    GENERAL_NAMES_free(names);
    return text;
}

static char *
key_text(const EVP_PKEY *key)
{
    if (key == NULL)
        return xstrdup("unknown");
    if (EVP_PKEY_is_a(key, "ED25519") == 1)
        return xstrdup("Ed25519");
    return xasprintf("%s %d", EVP_PKEY_get0_type_name(key), EVP_PKEY_get_bits(key));
}

static char *
fingerprint_text(const X509 *cert)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    struct strbuf out = strbuf_new(3 * sizeof(digest));
    unsigned len = 0;

    (void)X509_digest(cert, EVP_sha256(), digest, &len); /* stays empty */
    for (unsigned i = 0; i < len; i++)
        (void)strbuf_printf(&out, "%s%02X", i > 0 ? ":" : "", digest[i]);
    return strbuf_steal(&out);
}

static char *
serial_text(const X509 *cert)
{
    BIO *bio = BIO_new(BIO_s_mem());

    if (bio != NULL)
        (void)i2a_ASN1_INTEGER(bio, X509_get0_serialNumber(cert));
    return steal_bio(bio);
}

static int64_t
time_ms(const ASN1_TIME *time)
{
    struct tm tm = {0};

    return ASN1_TIME_to_tm(time, &tm) == 1 ? (int64_t)timegm(&tm) * 1000 : 0;
}

static bool
is_for_mail(X509 *cert)
{
    uint32_t uses = X509_get_extended_key_usage(cert); /* without that extension: all of them */

    return (uses & XKU_SMIME) != 0 && (uses & XKU_SSL_SERVER) == 0;
}

struct cert_about
cert_chain_about(const struct cert_chain *chain, size_t i)
{
    X509 *cert = chain->certs[i];

    return (struct cert_about){
        .subject = name_text(X509_get_subject_name(cert)),
        .issuer = name_text(X509_get_issuer_name(cert)),
        .hosts = cert_hosts(cert),
        .key_type = key_text(X509_get0_pubkey(cert)),
        .serial = serial_text(cert),
        .fingerprint = fingerprint_text(cert),
        .not_before_ms = time_ms(X509_get0_notBefore(cert)),
        .not_after_ms = time_ms(X509_get0_notAfter(cert)),
        .self_signed = X509_check_issued(cert, cert) == X509_V_OK,
        .is_authority = X509_check_ca(cert) == 1,
        .is_email = is_for_mail(cert),
    };
}

static char *
request_hosts(X509_REQ *request)
{
    STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions(request);
    GENERAL_NAMES *names = X509V3_get_d2i(extensions, NID_subject_alt_name, NULL, NULL);
    char *text = hosts_text(names);

    GENERAL_NAMES_free(names);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    return text;
}

static X509_REQ *
parse_request(struct slice pem)
{
    BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    X509_REQ *request = bio == NULL ? NULL : PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL);

    BIO_free(bio);
    ERR_clear_error();
    return request;
}

int
cert_about_request(struct slice pem, const char *name, struct cert_about *about,
                   struct strbuf *error)
{
    X509_REQ *request = parse_request(pem);

    if (request == NULL) {
        (void)strbuf_printf(error, "%s: holds no request in PEM form", name);
        return -1;
    }
    *about = (struct cert_about){
        .subject = name_text(X509_REQ_get_subject_name(request)),
        .issuer = xstrdup(""),
        .hosts = request_hosts(request),
        .key_type = key_text(X509_REQ_get0_pubkey(request)),
        .serial = xstrdup(""),
        .fingerprint = xstrdup(""),
    };
    X509_REQ_free(request);
    return 0;
}

void
cert_about_free(struct cert_about *about)
{
    free(about->subject);
    free(about->issuer);
    free(about->hosts);
    free(about->key_type);
    free(about->serial);
    free(about->fingerprint);
    *about = (struct cert_about){0};
}

bool
cert_chain_names(const struct cert_chain *chain, const char *host)
{
    return X509_check_host(chain->certs[0], host, 0,
                           X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                               X509_CHECK_FLAG_NEVER_CHECK_SUBJECT,
                           NULL) == 1;
}

/* ---- whether they belong together ---- */

static bool
has_signed(X509 *issuer, X509 *subject)
{
    return X509_check_issued(issuer, subject) == X509_V_OK &&
           X509_verify(subject, X509_get0_pubkey(issuer)) == 1;
}

/* Certificate `i` is not followed by its issuer: where is that? */
static void
explain_order(const struct cert_chain *chain, size_t i, struct strbuf *error)
{
    (void)strbuf_printf(error, "%s: certificate %zu is not signed by certificate %zu", chain->name,
                        i + 1, i + 2);
    for (size_t other = 0; other < chain->count; other++)
        if (other != i && has_signed(chain->certs[other], chain->certs[i])) {
            (void)strbuf_printf(error, ": the order is wrong, certificate %zu has signed it",
                                other + 1);
            return;
        }
}

static int
check_times(const struct cert_chain *chain, size_t i, int64_t now_ms, struct strbuf *error)
{
    struct cert_about about = cert_chain_about(chain, i);
    int rc = -1;

    if (now_ms < about.not_before_ms)
        (void)strbuf_printf(error, "%s: certificate %zu (%s) is not valid yet", chain->name, i + 1,
                            about.subject);
    else if (now_ms > about.not_after_ms)
        (void)strbuf_printf(error, "%s: certificate %zu (%s) has expired", chain->name, i + 1,
                            about.subject);
    else
        rc = 0;
    cert_about_free(&about);
    return rc;
}

static int
check_leaf(const struct cert_chain *chain, struct strbuf *error)
{
    struct cert_about about = cert_chain_about(chain, 0);
    int rc = -1;

    /* one that signs itself, and nobody else: openssl req -x509 makes it so */
    if (about.is_authority && !(about.self_signed && chain->count == 1))
        (void)strbuf_printf(error, "%s: certificate 1 is an authority's; the server's comes first",
                            chain->name);
    else if (about.hosts[0] == '\0')
        (void)strbuf_printf(error, "%s: certificate 1 has no DNS name in its subjectAltName",
                            chain->name);
    else
        rc = 0;
    cert_about_free(&about);
    return rc;
}

int
cert_chain_check(const struct cert_chain *chain, int64_t now_ms, struct strbuf *error)
{
    if (check_leaf(chain, error) < 0)
        return -1;
    for (size_t i = 0; i < chain->count; i++) {
        if (check_times(chain, i, now_ms, error) < 0)
            return -1;
        if (i + 1 == chain->count)
            break;
        if (!has_signed(chain->certs[i + 1], chain->certs[i])) {
            explain_order(chain, i, error);
            ERR_clear_error();
            return -1;
        }
        if (X509_check_ca(chain->certs[i + 1]) != 1) {
            (void)strbuf_printf(error, "%s: certificate %zu is no authority's", chain->name, i + 2);
            return -1;
        }
    }
    ERR_clear_error();
    return 0;
}

static int
no_password(char *buf, int size, int for_writing, void *arg)
{
    (void)buf, (void)size, (void)for_writing, (void)arg;
    return -1;
}

int
cert_chain_check_key(const struct cert_chain *chain, struct slice key_pem, const char *key_name,
                     struct strbuf *error)
{
    BIO *bio = BIO_new_mem_buf(key_pem.ptr, (int)key_pem.len);
    EVP_PKEY *key = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
    unsigned char own[TLS_KEY_ID], wanted[TLS_KEY_ID];
    int rc = -1;

    if (key == NULL)
        (void)strbuf_printf(error, "%s: holds no private key in PEM form (without a password)",
                            key_name);
    else if (key_id(key, own) < 0 || key_id(X509_get0_pubkey(chain->certs[0]), wanted) < 0 ||
             memcmp(own, wanted, TLS_KEY_ID) != 0)
        (void)strbuf_printf(error, "%s: the private key does not belong to certificate 1 of %s",
                            key_name, chain->name);
    else
        rc = 0;
    EVP_PKEY_free(key);
    BIO_free(bio);
    ERR_clear_error();
    return rc;
}

/* The first name of the list that the certificate lacks is in `error`. */
static int
check_hosts(const struct cert_chain *chain, const char *hosts, struct strbuf *error)
{
    struct slice rest = slice_of(hosts);
    int rc = 0;

    while (rest.len > 0 && rc == 0) {
        char *host = xslicedup(slice_split(&rest, ' '));

        if (!cert_chain_names(chain, host)) {
            (void)strbuf_printf(error, "%s: certificate 1 is not for %s", chain->name, host);
            rc = -1;
        }
        free(host);
    }
    return rc;
}

int
cert_chain_check_request(const struct cert_chain *chain, struct slice csr_pem, struct strbuf *error)
{
    X509_REQ *request = parse_request(csr_pem);
    unsigned char own[TLS_KEY_ID], wanted[TLS_KEY_ID];
    char *hosts = NULL;
    int rc = -1;

    if (request == NULL) {
        (void)strbuf_str(error, "the request can't be read");
    } else if (key_id(X509_get0_pubkey(chain->certs[0]), own) < 0 ||
               key_id(X509_REQ_get0_pubkey(request), wanted) < 0 ||
               memcmp(own, wanted, TLS_KEY_ID) != 0) {
        (void)strbuf_printf(error, "%s: certificate 1 is for another key than the request",
                            chain->name);
    } else {
        hosts = request_hosts(request);
        rc = check_hosts(chain, hosts, error);
    }
    free(hosts);
    X509_REQ_free(request);
    return rc;
}

int
cert_chain_pem(const struct cert_chain *chain, struct strbuf *out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *bytes = NULL;
    bool ok = bio != NULL;
    long len;

    for (size_t i = 0; i < chain->count && ok; i++)
        ok = PEM_write_bio_X509(bio, chain->certs[i]) == 1;
    len = ok ? BIO_get_mem_data(bio, &bytes) : 0;
    ok = len > 0 && strbuf_append(out, slice_make(bytes, (size_t)len));
    BIO_free(bio);
    return ok ? 0 : -1;
}

/* The content of an INTEGER in DER: what OpenSSL writes has tag and a length of one byte before it
 * (RFC 5280 section 4.1.2.2: at most 20 octets). */
static bool
append_serial(const X509 *cert, struct strbuf *out)
{
    unsigned char *der = NULL;
    int len = i2d_ASN1_INTEGER(X509_get0_serialNumber(cert), &der);
    bool ok = len > 2 && len < 128 && base64url_encode(slice_make(der + 2, (size_t)len - 2), out);

    OPENSSL_free(der);
    return ok;
}

int
cert_chain_renewal_id(const struct cert_chain *chain, struct strbuf *out)
{
    const ASN1_OCTET_STRING *id = X509_get0_authority_key_id(chain->certs[0]);
    size_t before = out->len;

    if (id != NULL && ASN1_STRING_length(id) > 0 &&
        base64url_encode(slice_make(ASN1_STRING_get0_data(id), (size_t)ASN1_STRING_length(id)),
                         out) &&
        strbuf_char(out, '.') && append_serial(chain->certs[0], out))
        return 0;
    strbuf_truncate(out, before);
    return -1;
}

int
cert_chain_der(const struct cert_chain *chain, struct strbuf *out)
{
    unsigned char *der = NULL;
    int len = i2d_X509(chain->certs[0], &der);
    bool ok = len > 0 && strbuf_append(out, slice_make((const char *)der, (size_t)len));

    OPENSSL_free(der);
    return ok ? 0 : -1;
}
