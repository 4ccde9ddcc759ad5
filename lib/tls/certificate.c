/*
 * lib/tls/certificate.c - what a certificate file says. Reads two files by path, as the caller.
 */
#include "lib/tls/certificate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

static int64_t
time_ms(const ASN1_TIME *time)
{
    struct tm tm = {0};

    if (ASN1_TIME_to_tm(time, &tm) != 1)
        return 0;
    return (int64_t)timegm(&tm) * 1000;
}

static void *
read_pem(const char *path, const char *what, void *(*read)(FILE *file), struct strbuf *error)
{
    FILE *file = fopen(path, "re");
    void *found;

    if (file == NULL) {
        (void)strbuf_printf(error, "%s: %s", path, strerror(errno));
        return NULL;
    }
    found = read(file);
    (void)fclose(file); /* was only read */
    if (found == NULL)
        (void)strbuf_printf(error, "%s: holds no %s in PEM form", path, what);
    return found;
}

static void *
read_x509(FILE *file)
{
    return PEM_read_X509(file, NULL, NULL, NULL);
}

static void *
read_key(FILE *file)
{
    return PEM_read_PrivateKey(file, NULL, NULL, NULL);
}

int
certificate_read(const char *cert_path, const char *key_path, const char *host,
                 struct certificate *out, struct strbuf *error)
{
    X509 *cert = read_pem(cert_path, "certificate", read_x509, error);
    EVP_PKEY *key = cert == NULL ? NULL : read_pem(key_path, "private key", read_key, error);
    int rc = -1;

    if (key != NULL) {
        out->not_before_ms = time_ms(X509_get0_notBefore(cert));
        out->not_after_ms = time_ms(X509_get0_notAfter(cert));
        out->self_signed = X509_check_issued(cert, cert) == X509_V_OK;
        out->names_host = X509_check_host(cert, host, 0, 0, NULL) == 1;
        out->key_matches = X509_check_private_key(cert, key) == 1;
        rc = 0;
    }
    EVP_PKEY_free(key);
    X509_free(cert);
    return rc;
}
