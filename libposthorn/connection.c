/*
 * libposthorn/connection.c - bytes to and from the server: under TLS, or over a Unix socket of this
 * host.
 *
 * Sends nothing before the certificate has been checked. Opens the file of certificates that the
 * caller names.
 */
#include "libposthorn/connection.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

struct connection {
    int fd;
    SSL_CTX *ctx;
    SSL *ssl;
};

/* ---- a connection that the server has closed must not end the program by SIGPIPE ---- */

struct quiet {
    sigset_t before;
    bool was_pending;
};

static bool
pipe_pending(void)
{
    sigset_t pending;

    return sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1;
}

static struct quiet
quiet_begin(void)
{
    struct quiet quiet = {.was_pending = pipe_pending()};
    sigset_t pipe_only;

    (void)sigemptyset(&pipe_only); /* these three fail only for numbers that are no signals */
    (void)sigaddset(&pipe_only, SIGPIPE);
    (void)pthread_sigmask(SIG_BLOCK, &pipe_only, &quiet.before);
    return quiet;
}

/* Takes our own signal away, none that somebody else has sent before. */
static void
quiet_end(const struct quiet *quiet)
{
    static const struct timespec now = {0};
    sigset_t pipe_only;

    (void)sigemptyset(&pipe_only);
    (void)sigaddset(&pipe_only, SIGPIPE);
    if (!quiet->was_pending && pipe_pending())
        (void)sigtimedwait(&pipe_only, NULL, &now);
    (void)pthread_sigmask(SIG_SETMASK, &quiet->before, NULL);
}

/* ---- TCP ---- */

/* Blocking afterwards, each read and write within the time. */
static int
connect_one(const struct addrinfo *address, int timeout_ms)
{
    const struct timeval wait = {timeout_ms / 1000, timeout_ms % 1000 * 1000L};
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)); /* also of connect() */
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (connect(fd, address->ai_addr, address->ai_addrlen) == 0)
        return fd;
    {
        int saved = errno == EINPROGRESS ? ETIMEDOUT : errno;

        (void)close(fd);
        errno = saved;
    }
    return -1;
}

static int
connect_socket(const struct connection_target *t, int *error, char *text, size_t size)
{
    const struct timeval wait = {t->timeout_ms / 1000, t->timeout_ms % 1000 * 1000L};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), saved;

    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", t->socket);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    saved = errno;
    *error = saved == ECONNREFUSED || saved == ENOENT ? POSTHORN_NOT_RUNNING : POSTHORN_UNREACHABLE;
    (void)snprintf(text, size, "%s: %s", t->socket, strerror(saved));
    if (fd >= 0)
        (void)close(fd);
    return -1;
}

static int
connect_host(const struct connection_target *t, int *error, char *text, size_t size)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    char port[16];
    int fd = -1, rc, failure = EHOSTUNREACH;

    (void)snprintf(port, sizeof(port), "%u", t->port);
    rc = getaddrinfo(t->host, port, &hints, &list);
    if (rc != 0) {
        *error = POSTHORN_UNREACHABLE;
        (void)snprintf(text, size, "%s: %s", t->host, gai_strerror(rc));
        return -1;
    }
    for (const struct addrinfo *a = list; a != NULL && fd < 0; a = a->ai_next) {
        fd = connect_one(a, t->timeout_ms);
        failure = errno;
    }
    freeaddrinfo(list);
    if (fd < 0) {
        *error = failure == ECONNREFUSED ? POSTHORN_NOT_RUNNING : POSTHORN_UNREACHABLE;
        (void)snprintf(text, size, "%s port %u: %s%s", t->host, t->port, strerror(failure),
                       failure == ECONNREFUSED ? "; is the mail server running there?" : "");
    }
    return fd;
}

/* ---- TLS ---- */

static SSL_CTX *
make_context(const struct connection_target *t, char *text, size_t size)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    int rc = ctx != NULL && SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1;

    if (rc != 1) {
        (void)snprintf(text, size, "TLS cannot be set up");
    } else if (t->ca_file != NULL) {
        rc = SSL_CTX_load_verify_locations(ctx, t->ca_file, NULL);
        /* The file may be the server's own certificate. */
        (void)X509_STORE_set_flags(SSL_CTX_get_cert_store(ctx), X509_V_FLAG_PARTIAL_CHAIN);
        if (rc != 1)
            (void)snprintf(text, size, "%s: no certificates can be read from it", t->ca_file);
    } else {
        rc = SSL_CTX_set_default_verify_paths(ctx);
    }
    if (rc == 1) {
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
        return ctx;
    }
    SSL_CTX_free(ctx);
    return NULL;
}

static bool
is_address(const char *name)
{
    unsigned char bytes[16];

    return inet_pton(AF_INET, name, bytes) == 1 || inet_pton(AF_INET6, name, bytes) == 1;
}

static bool
expect_name(SSL *ssl, const char *name)
{
    if (is_address(name))
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
    return SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
}

static void
tell_handshake(const struct connection *c, int *error, char *text, size_t size)
{
    long verdict = SSL_get_verify_result(c->ssl);
    unsigned long reason = ERR_peek_last_error();

    if (verdict != X509_V_OK) {
        *error = POSTHORN_CERTIFICATE;
        (void)snprintf(text, size, "the server's certificate: %s",
                       X509_verify_cert_error_string(verdict));
    } else if (reason != 0) {
        *error = POSTHORN_MISMATCH;
        (void)snprintf(text, size, "TLS: %s", ERR_reason_error_string(reason));
    } else {
        *error = POSTHORN_UNREACHABLE;
        (void)snprintf(text, size, "the server gave no answer");
    }
}

struct connection *
connection_open(const struct connection_target *t, int *error, char *text, size_t size)
{
    struct connection *c = calloc(1, sizeof(*c));

    *error = POSTHORN_UNREACHABLE;
    (void)snprintf(text, size, "no memory");
    if (c == NULL)
        return NULL;
    c->fd = t->socket != NULL ? connect_socket(t, error, text, size)
                              : connect_host(t, error, text, size);
    if (c->fd < 0) {
        free(c);
        return NULL;
    }
    if (t->socket != NULL)
        return c;
    ERR_clear_error();
    *error = POSTHORN_CERTIFICATE;
    c->ctx = make_context(t, text, size);
    c->ssl = c->ctx == NULL ? NULL : SSL_new(c->ctx);
    if (c->ssl != NULL && SSL_set_fd(c->ssl, c->fd) == 1 &&
        expect_name(c->ssl, t->name != NULL ? t->name : t->host)) {
        struct quiet quiet = quiet_begin();
        int rc = SSL_connect(c->ssl);

        quiet_end(&quiet);
        if (rc == 1)
            return c;
        tell_handshake(c, error, text, size);
    }
    connection_close(&c);
    return NULL;
}

void
connection_close(struct connection **cp)
{
    struct connection *c = *cp;
    struct quiet quiet;

    if (c == NULL)
        return;
    quiet = quiet_begin();
    if (c->ssl != NULL)
        (void)SSL_shutdown(c->ssl); /* best effort */
    quiet_end(&quiet);
    SSL_free(c->ssl);
    SSL_CTX_free(c->ctx);
    (void)close(c->fd);
    free(c);
    *cp = NULL;
}

bool
connection_is_over(const struct connection *c)
{
    char byte;
    ssize_t n = recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

    return n >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

static bool
write_plain(const struct connection *c, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(c->fd, bytes, len);

        if (n <= 0)
            return false;
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

bool
connection_write(struct connection *c, const char *bytes, size_t len)
{
    struct quiet quiet = quiet_begin();
    size_t written;
    bool done = c->ssl == NULL ? write_plain(c, bytes, len)
                               : SSL_write_ex(c->ssl, bytes, len, &written) == 1;

    quiet_end(&quiet);
    return done;
}

size_t
connection_read(struct connection *c, char *bytes, size_t len)
{
    struct quiet quiet = quiet_begin(); /* TLS may have to write */
    size_t got;
    bool done;

    if (c->ssl == NULL) {
        ssize_t n = read(c->fd, bytes, len);

        done = n > 0;
        got = (size_t)n;
    } else {
        done = SSL_read_ex(c->ssl, bytes, len, &got) == 1;
    }
    quiet_end(&quiet);
    return done ? got : 0;
}
