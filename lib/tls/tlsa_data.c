/*
 * lib/tls/tlsa_data.c - what a TLSA record says about a certificate of ours. Reads one file by
 * path, as the caller.
 */
#include "lib/tls/tlsa_data.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/pem.h>

static X509 *
read_certificate(const char *path, struct strbuf *error)
{
    FILE *file = fopen(path, "re");
    X509 *cert;

    if (file == NULL) {
        (void)strbuf_printf(error, "%s: %s", path, strerror(errno));
        return NULL;
    }
    cert = PEM_read_X509(file, NULL, NULL, NULL);
    (void)fclose(file); /* was only read */
    if (cert == NULL)
        (void)strbuf_printf(error, "%s: holds no certificate in PEM form", path);
    return cert;
}

static int
encode(const X509 *cert, unsigned selector, unsigned char **der)
{
    if (selector == TLSA_SELECTOR_CERT)
        return i2d_X509(cert, der);
    return selector == TLSA_SELECTOR_SPKI ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), der) : -1;
}

static bool
append(const unsigned char *der, size_t len, unsigned matching, struct strbuf *out)
{
    const EVP_MD *md = matching == TLSA_MATCH_SHA256 ? EVP_sha256() : EVP_sha512();
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned digest_len;

    if (matching == TLSA_MATCH_ALL)
        return strbuf_append(out, slice_make(der, len));
    if (matching > TLSA_MATCH_SHA512 || EVP_Digest(der, len, digest, &digest_len, md, NULL) != 1)
        return false;
    return strbuf_append(out, slice_make(digest, digest_len));
}

int
tlsa_data(const char *cert_path, unsigned selector, unsigned matching, struct strbuf *out,
          struct strbuf *error)
{
    X509 *cert = read_certificate(cert_path, error);
    unsigned char *der = NULL;
    int len = cert == NULL ? -1 : encode(cert, selector, &der), rc = 0;

    if (len < 0 || !append(der, (size_t)len, matching, out)) {
        if (cert != NULL)
            (void)strbuf_printf(error, "a TLSA record %u %u of it cannot be computed", selector,
                                matching);
        rc = -1;
    }
    OPENSSL_free(der);
    X509_free(cert);
    return rc;
}
