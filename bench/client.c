/*
 * bench/client.c - a blocking line client (plain or TLS) for the load generators.
 */
#include "bench/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BUFFER 65536

struct client {
    int fd;
    SSL *ssl;
    size_t start, end;
    char in[BUFFER];
};

static void
die(const char *what)
{
    (void)fprintf(stderr, "load generator: %s: %s\n", what, strerror(errno));
    exit(1);
}

struct client *
client_open(const char *host, int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    struct client *c = malloc(sizeof(*c));
    int on = 1;

    if (c == NULL || inet_pton(AF_INET, host, &to.sin_addr) != 1)
        die(host);
    c->ssl = NULL;
    c->start = c->end = 0;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof(to)) < 0)
        die("connect");
    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return c;
}

void
client_start_tls(struct client *c)
{
    static SSL_CTX *ctx;

    if (__atomic_load_n(&ctx, __ATOMIC_ACQUIRE) == NULL) {
        SSL_CTX *made = SSL_CTX_new(TLS_client_method());

        SSL_CTX_set_session_cache_mode(made, SSL_SESS_CACHE_OFF);
        SSL_CTX_set_mode(made, SSL_MODE_RELEASE_BUFFERS);
        __atomic_store_n(&ctx, made, __ATOMIC_RELEASE);
    }
    c->start = c->end = 0;
    c->ssl = SSL_new(ctx);
    SSL_set_fd(c->ssl, c->fd);
    if (SSL_connect(c->ssl) != 1)
        die("TLS handshake");
}

void
client_close(struct client *c)
{
    if (c->ssl != NULL)
        SSL_free(c->ssl);
    (void)close(c->fd);
    free(c);
}

void
client_send(struct client *c, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = c->ssl != NULL ? SSL_write(c->ssl, data, (int)len)
                                   : send(c->fd, data, len, MSG_NOSIGNAL);

        if (n <= 0)
            die("send");
        data += n;
        len -= (size_t)n;
    }
}

void
client_printf(struct client *c, const char *format, ...)
{
    char line[65536];
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    client_send(c, line, (size_t)len);
}

static void
fill(struct client *c)
{
    ssize_t n;

    if (c->start > 0) {
        memmove(c->in, c->in + c->start, c->end - c->start);
        c->end -= c->start;
        c->start = 0;
    }
    if (c->end == BUFFER) {
        errno = EMSGSIZE;
        die("line");
    }
    n = c->ssl != NULL ? SSL_read(c->ssl, c->in + c->end, (int)(BUFFER - c->end))
                       : recv(c->fd, c->in + c->end, BUFFER - c->end, 0);
    if (n <= 0)
        die("the server closed the connection");
    c->end += (size_t)n;
}

const char *
client_line(struct client *c)
{
    for (;;) {
        char *nl = memchr(c->in + c->start, '\n', c->end - c->start);

        if (nl != NULL) {
            const char *line = c->in + c->start;

            c->start = (size_t)(nl - c->in) + 1;
            *nl = '\0';
            if (nl > line && nl[-1] == '\r')
                nl[-1] = '\0';
            return line;
        }
        fill(c);
    }
}

void
client_skip(struct client *c, size_t len)
{
    while (len > 0) {
        size_t have = c->end - c->start;
        size_t take = have < len ? have : len;

        c->start += take;
        len -= take;
        if (len > 0)
            fill(c);
    }
}

void
client_skip_to_dot(struct client *c)
{
    static const char end[] = "\r\n.\r\n";

    for (;;) {
        char *from = c->in + c->start, *at = memmem(from, c->end - c->start, end, 5);

        if (at != NULL) {
            c->start = (size_t)(at - c->in) + 5;
            return;
        }
        if (c->end - c->start > 4)
            c->start = c->end - 4;
        fill(c);
    }
}

double
client_now(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int
client_fd(const struct client *c)
{
    return c->fd;
}

static int
by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double
client_percentile(double *values, size_t count, double p)
{
    if (count == 0)
        return 0;
    qsort(values, count, sizeof(*values), by_value);
    return values[(size_t)((double)(count - 1) * p)];
}
