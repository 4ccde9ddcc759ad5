/*
 * lib/tls/verify.c - names and TLSA records that a server's certificate is held against.
 *
 * Input: names from the configuration or DNS, TLSA records from DNS (untrusted: OpenSSL parses
 * them, and what it cannot use is left out). No I/O.
 */
#include "lib/tls/verify.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

enum { USAGE_DANE_TA = 2, USAGE_DANE_EE = 3 }; /* RFC 7218 section 2.1 */

/* RFC 7672 section 3.1.3: the usages that need a public authority besides are of no use in SMTP,
 * where clients have no list of them in common. */
static bool
add_record(SSL *ssl, const struct tls_tlsa *t)
{
    bool added = (t->usage == USAGE_DANE_TA || t->usage == USAGE_DANE_EE) &&
                 SSL_dane_tlsa_add(ssl, t->usage, t->selector, t->matching,
                                   (const unsigned char *)t->data.ptr, t->data.len) > 0;

    ERR_clear_error();
    return added;
}

static size_t
add_records(SSL *ssl, const struct tls_tlsa *tlsa, size_t count)
{
    size_t added = 0;

    for (size_t i = 0; i < count; i++)
        added += add_record(ssl, &tlsa[i]);
    return added;
}

size_t
verify_usable(SSL *ssl, const struct tls_tlsa *tlsa, size_t count)
{
    return SSL_dane_enable(ssl, NULL) == 1 ? add_records(ssl, tlsa, count) : 0;
}

static bool
is_address(const char *name)
{
    struct in6_addr ignored;

    return inet_pton(AF_INET, name, &ignored) == 1 || inet_pton(AF_INET6, name, &ignored) == 1;
}

/* RFC 7672 section 3.1.1: with DANE-EE(3) names and dates in the certificate count for nothing. */
static int
prepare_dane(SSL *ssl, const struct tls_check *check)
{
    if (SSL_dane_enable(ssl, check->server_name) != 1 ||
        add_records(ssl, check->tlsa, check->tlsa_count) == 0)
        return -1;
    (void)SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
    return 0;
}

static int
prepare_names(SSL *ssl, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (SSL_add1_host(ssl, names[i]) != 1)
            return -1;
    return 0;
}

/* An address is a matter of the certificate alone: SNI takes no address, and servers refuse one
 * (RFC 6066 section 3). */
int
verify_prepare(SSL *ssl, const struct tls_check *check)
{
    if (is_address(check->server_name))
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), check->server_name) == 1 ? 0 : -1;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (SSL_set_tlsext_host_name(ssl, check->server_name) != 1 ||
        (check->tlsa_count > 0 && prepare_dane(ssl, check) < 0))
        return -1;
    return check->name_count == 0 ? prepare_names(ssl, &check->server_name, 1)
                                  : prepare_names(ssl, check->names, check->name_count);
}

enum tls_distrust
verify_distrust(const SSL *ssl)
{
    switch (SSL_get_verify_result(ssl)) {
    case X509_V_OK:
        return TLS_DISTRUST_NONE;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return TLS_DISTRUST_NAME;
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return TLS_DISTRUST_EXPIRED;
    default:
        return TLS_DISTRUST_CHAIN;
    }
}

const char *
verify_reason(const SSL *ssl)
{
    long result = SSL_get_verify_result(ssl);

    return result == X509_V_OK ? NULL : X509_verify_cert_error_string(result);
}
