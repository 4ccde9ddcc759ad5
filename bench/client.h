/*
 * bench/client.h - a blocking line client (plain or TLS) for the load generators. Test code: it
 * trusts the server under test and exits on any surprise.
 */
#ifndef POSTHORN_BENCH_CLIENT_H
#define POSTHORN_BENCH_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

struct client;

struct client *client_open(const char *host, int port);
void client_start_tls(struct client *c); /* now; the certificate is not verified */
void client_close(struct client *c);
void client_send(struct client *c, const char *data, size_t len);
__attribute__((format(printf, 2, 3))) void client_printf(struct client *c, const char *format, ...);
const char *client_line(struct client *c);      /* without CRLF; valid until the next read */
void client_skip(struct client *c, size_t len); /* reads and drops */
void client_skip_to_dot(struct client *c);      /* drops up to the line "." (POP3) */
double client_now(void);                        /* seconds, monotonic */
int client_fd(const struct client *c);

/* Percentile of `count` durations (sorted in place). */
double client_percentile(double *values, size_t count, double p);

#endif
