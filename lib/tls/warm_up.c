/*
 * lib/tls/warm_up.c - a handshake in memory. Reads nothing from outside.
 */
#include "lib/tls/warm_up.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

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

void
warm_up_server(struct ssl_ctx_st *server_ctx)
{
    SSL_CTX *client_ctx = SSL_CTX_new(TLS_client_method());
    SSL *server = NULL, *client = NULL;
    BIO *ends[2] = {NULL, NULL};

    if (client_ctx != NULL && BIO_new_bio_pair(&ends[0], PIPE_MAX, &ends[1], PIPE_MAX) == 1) {
        server = side_new(server_ctx, ends[0]);
        client = side_new(client_ctx, ends[1]);
        if (server != NULL && client != NULL)
            shake_hands(server, client);
    }
    SSL_free(server);
    SSL_free(client);
    SSL_CTX_free(client_ctx);
    ERR_clear_error();
}
