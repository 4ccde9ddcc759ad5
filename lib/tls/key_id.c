/*
 * lib/tls/key_id.c - the SHA-256 of a public key. Reads one file by path, as the caller.
 */
#include "lib/tls/key_id.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

int
key_id(const EVP_PKEY *key, unsigned char id[TLS_KEY_ID])
{
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(key, &der);
    int ok = len > 0 && EVP_Digest(der, (size_t)len, id, NULL, EVP_sha256(), NULL) == 1;

    OPENSSL_free(der);
    ERR_clear_error();
    return ok ? 0 : -1;
}

int
key_id_of_certificate(const char *path, unsigned char id[TLS_KEY_ID], struct strbuf *error)
{
    FILE *file = fopen(path, "re");
    X509 *certificate;
    int rc = -1;

    if (file == NULL) {
        (void)strbuf_printf(error, "%s: %s", path, strerror(errno));
        return -1;
    }
    certificate = PEM_read_X509(file, NULL, NULL, NULL);
    if (certificate != NULL && X509_get0_pubkey(certificate) != NULL)
        rc = key_id(X509_get0_pubkey(certificate), id);
    if (rc < 0)
        (void)strbuf_printf(error, "%s: holds no certificate in PEM form", path);
    X509_free(certificate);
    (void)fclose(file); /* was only read */
    ERR_clear_error();
    return rc;
}
