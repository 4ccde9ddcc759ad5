/*
 * lib/tls/alpn_challenge.c - the server of tls-alpn-01, by OpenSSL.
 *
 * Input: handshakes of strangers. The one key here has no other use: the proof is what the
 * certificate holds.
 */
#include "lib/tls/alpn_challenge.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "lib/base/mem.h"

#define PROTOCOL "acme-tls/1"           /* RFC 8737 section 4 */
#define IDENTIFIER "1.3.6.1.5.5.7.1.31" /* id-pe-acmeIdentifier, section 3 */
#define WEEK_S 604800L

enum { HOST_MAX = 253 };

struct shown {
    char host[HOST_MAX + 1];
    X509 *certificate;
};

struct alpn_server {
    SSL_CTX *ctx;
    EVP_PKEY *key;
    ASN1_OBJECT *identifier;
    struct shown items[ALPN_HOSTS_MAX];
    size_t count;
};

struct alpn_connection {
    SSL *ssl;
};

/* ---- certificates ---- */

/* Critical: nobody shall take it for a certificate of another use. */
static bool
add_proof(const struct alpn_server *server, X509 *x, const unsigned char proof[ALPN_PROOF])
{
    ASN1_OCTET_STRING *inner = ASN1_OCTET_STRING_new(), *outer = ASN1_OCTET_STRING_new();
    X509_EXTENSION *extension = NULL;
    unsigned char *der = NULL;
    bool ok =
        inner != NULL && outer != NULL && ASN1_OCTET_STRING_set(inner, proof, ALPN_PROOF) == 1;
    int len = ok ? i2d_ASN1_OCTET_STRING(inner, &der) : -1;

    ok = len > 0 && ASN1_OCTET_STRING_set(outer, der, len) == 1;
    if (ok)
        extension = X509_EXTENSION_create_by_OBJ(NULL, server->identifier, 1, outer);
    ok = extension != NULL && X509_add_ext(x, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    OPENSSL_free(der);
    ASN1_OCTET_STRING_free(inner);
    ASN1_OCTET_STRING_free(outer);
    return ok;
}

static bool
add_host(X509 *x, struct slice host)
{
    GENERAL_NAMES *list = sk_GENERAL_NAME_new_null();
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();
    bool ok = list != NULL && name != NULL && text != NULL &&
              ASN1_STRING_set(text, host.ptr, (int)host.len) == 1;

    if (ok) {
        GENERAL_NAME_set0_value(name, GEN_DNS, text);
        text = NULL; /* it is the name's */
        ok = sk_GENERAL_NAME_push(list, name) > 0;
        name = ok ? NULL : name;
    }
    ok = ok && X509_add1_ext_i2d(x, NID_subject_alt_name, list, 0, X509V3_ADD_DEFAULT) == 1;
    GENERAL_NAMES_free(list);
    GENERAL_NAME_free(name);
    ASN1_IA5STRING_free(text);
    return ok;
}

static X509 *
make_certificate(const struct alpn_server *server, struct slice host,
                 const unsigned char proof[ALPN_PROOF])
{
    X509 *x = X509_new();
    X509_NAME *name = X509_NAME_new();
    bool ok = x != NULL && name != NULL &&
              X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                         (const unsigned char *)"ACME challenge", -1, -1, 0) == 1 &&
              X509_set_version(x, X509_VERSION_3) == 1 &&
              ASN1_INTEGER_set(X509_get_serialNumber(x), 1) == 1 &&
              X509_gmtime_adj(X509_getm_notBefore(x), -WEEK_S) != NULL &&
              X509_gmtime_adj(X509_getm_notAfter(x), WEEK_S) != NULL &&
              X509_set_subject_name(x, name) == 1 && X509_set_issuer_name(x, name) == 1 &&
              X509_set_pubkey(x, server->key) == 1 && add_host(x, host) &&
              add_proof(server, x, proof) && X509_sign(x, server->key, EVP_sha256()) > 0;

    X509_NAME_free(name);
    ERR_clear_error();
    if (ok)
        return x;
    X509_free(x);
    return NULL;
}

int
alpn_server_set(struct alpn_server *server, struct slice host,
                const unsigned char proof[ALPN_PROOF])
{
    struct shown *at = &server->items[server->count];

    if (server->count == ALPN_HOSTS_MAX || host.len == 0 || host.len > HOST_MAX)
        return -1;
    at->certificate = make_certificate(server, host, proof);
    if (at->certificate == NULL)
        return -1;
    memcpy(at->host, host.ptr, host.len);
    at->host[host.len] = '\0';
    server->count++;
    return 0;
}

void
alpn_server_clear(struct alpn_server *server)
{
    while (server->count > 0)
        X509_free(server->items[--server->count].certificate);
}

/* ---- handshakes ---- */

/* The newest counts: an order that is begun again has another proof. */
static X509 *
find(const struct alpn_server *server, const char *name)
{
    for (size_t i = server->count; name != NULL && i > 0; i--)
        if (slice_eq_nocase(slice_of(name), slice_of(server->items[i - 1].host)))
            return server->items[i - 1].certificate;
    return NULL;
}

static int
show(SSL *ssl, void *arg)
{
    const struct alpn_server *server = arg;
    X509 *certificate = find(server, SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));

    return certificate != NULL && SSL_use_certificate(ssl, certificate) == 1 &&
           SSL_use_PrivateKey(ssl, server->key) == 1;
}

/* RFC 8737 section 3: the one protocol, alone. Who offers another, or none, is no authority and
 * gets no certificate. */
static int
judge_hello(SSL *ssl, int *alert, void *arg)
{
    static const unsigned char wanted[] = "\x00\x0b\x0a" PROTOCOL; /* RFC 7301 section 3.1 */
    const unsigned char *offered;
    size_t len;

    (void)arg;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &offered,
                                  &len) == 1 &&
        len == sizeof(wanted) - 1 && memcmp(offered, wanted, len) == 0)
        return SSL_CLIENT_HELLO_SUCCESS;
    *alert = SSL_AD_NO_APPLICATION_PROTOCOL;
    return SSL_CLIENT_HELLO_ERROR;
}

static int
select_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                const unsigned char *in, unsigned in_len, void *arg)
{
    (void)ssl, (void)arg, (void)in_len;
    *out = in + 1; /* judge_hello has seen that it is the one */
    *out_len = in[0];
    return SSL_TLSEXT_ERR_OK;
}

struct alpn_server *
alpn_server_new(void)
{
    struct alpn_server *server = xcalloc(1, sizeof(*server));

    server->ctx = SSL_CTX_new(TLS_server_method());
    server->key = EVP_EC_gen("P-256");
    server->identifier = OBJ_txt2obj(IDENTIFIER, 1);
    if (server->ctx == NULL || server->key == NULL || server->identifier == NULL ||
        SSL_CTX_set_min_proto_version(server->ctx, TLS1_2_VERSION) != 1) {
        alpn_server_free(&server);
        return NULL;
    }
    SSL_CTX_set_cert_cb(server->ctx, show, server);
    SSL_CTX_set_client_hello_cb(server->ctx, judge_hello, NULL);
    SSL_CTX_set_alpn_select_cb(server->ctx, select_protocol, NULL);
    (void)SSL_CTX_set_session_cache_mode(server->ctx, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_num_tickets(server->ctx, 0);
    return server;
}

void
alpn_server_free(struct alpn_server **serverp)
{
    struct alpn_server *server = *serverp;

    if (server == NULL)
        return;
    alpn_server_clear(server);
    SSL_CTX_free(server->ctx);
    EVP_PKEY_free(server->key);
    ASN1_OBJECT_free(server->identifier);
    xfree(serverp);
}

struct alpn_connection *
alpn_connection_new(struct alpn_server *server, int fd)
{
    struct alpn_connection *connection = xcalloc(1, sizeof(*connection));

    connection->ssl = SSL_new(server->ctx);
    if (connection->ssl == NULL || SSL_set_fd(connection->ssl, fd) != 1)
        alpn_connection_free(&connection);
    return connection;
}

void
alpn_connection_free(struct alpn_connection **connectionp)
{
    if (*connectionp != NULL)
        SSL_free((*connectionp)->ssl);
    ERR_clear_error();
    xfree(connectionp);
}

enum alpn_next
alpn_connection_step(struct alpn_connection *connection)
{
    int rc, error;

    ERR_clear_error();
    rc = SSL_accept(connection->ssl);
    error = SSL_get_error(connection->ssl, rc);
    if (rc == 1) {
        (void)SSL_shutdown(connection->ssl);
        return ALPN_SHOWN;
    }
    if (error == SSL_ERROR_WANT_READ)
        return ALPN_READ;
    return error == SSL_ERROR_WANT_WRITE ? ALPN_WRITE : ALPN_FAILED;
}
