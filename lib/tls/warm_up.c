/*
 * lib/tls/warm_up.c - a handshake in memory. Reads nothing from outside.
 */
#include "lib/tls/warm_up.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#define ROUNDS_MAX 10
#define PIPE_MAX 32768 /* bytes in one direction: a flight with a long chain fits */

static SSL *
side_new(SSL_CTX *ctx, BIO *bio)
{
    SSL *ssl = SSL_new(ctx);

    if (ssl == NULL) {
        BIO_free(bio);
        return NULL;
    }
    SSL_set_bio(ssl, bio, bio);
    return ssl;
}

static void
shake_hands(SSL *server, SSL *client)
{
    char byte = 'x';

    SSL_set_accept_state(server);
    SSL_set_connect_state(client);
    for (int i = 0; i < ROUNDS_MAX; i++)
        if (SSL_do_handshake(client) == 1 && SSL_do_handshake(server) == 1)
            break;
        else
            (void)SSL_do_handshake(server); /* its turn; the result shows in the next round */
    /* one record each way: that brings the ciphers of the application data along */
    (void)SSL_write(client, &byte, 1);
    (void)SSL_read(server, &byte, 1);
    (void)SSL_write(server, &byte, 1);
    (void)SSL_read(client, &byte, 1);
}

/* A key of our own, for once: the server's is keyd's, who is not asked yet. */
static void
use_throw_away_key(SSL *server)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();

    if (key != NULL && x != NULL && X509_gmtime_adj(X509_getm_notBefore(x), 0) != NULL &&
        X509_gmtime_adj(X509_getm_notAfter(x), 60) != NULL && X509_set_pubkey(x, key) == 1 &&
        X509_sign(x, key, EVP_sha256()) > 0 && SSL_use_certificate(server, x) == 1)
        (void)SSL_use_PrivateKey(server, key); /* else the handshake fails */
    X509_free(x);
    EVP_PKEY_free(key);
}

static void
rehearse(SSL_CTX *server_ctx, SSL_CTX *client_ctx, bool own_key)
{
    SSL *server = NULL, *client = NULL;
    BIO *ends[2] = {NULL, NULL};

    if (BIO_new_bio_pair(&ends[0], PIPE_MAX, &ends[1], PIPE_MAX) != 1)
        return;
    server = side_new(server_ctx, ends[0]);
    client = side_new(client_ctx, ends[1]);
    if (server != NULL && own_key)
        use_throw_away_key(server);
    if (server != NULL && client != NULL)
        shake_hands(server, client);
    SSL_free(server);
    SSL_free(client);
}

void
warm_up_server(SSL_CTX *server_ctx, bool key_is_remote)
{
    SSL_CTX *client_ctx = SSL_CTX_new(TLS_client_method());

    if (client_ctx != NULL) {
        rehearse(server_ctx, client_ctx, false);
        if (key_is_remote) /* that one came as far as the signature */
            rehearse(server_ctx, client_ctx, true);
    }
    SSL_CTX_free(client_ctx);
    ERR_clear_error();
}
