/*
 * metricsd/session.h - one connection: scrapes, one after the other.
 */
#ifndef POSTHORN_METRICSD_SESSION_H
#define POSTHORN_METRICSD_SESSION_H

#include "lib/auth/digest.h"
#include "lib/http/http_stream.h"
#include "lib/sys/pool.h"

struct server {
    struct tls_context *tls; /* NULL: HTTP without TLS */
    struct http_times times;
    bool wants_token;
    unsigned char token_digest[DIGEST_MAX]; /* SHA-256 of it */
    _Atomic uint64_t *requests, *refused;
};

enum pool_next session_serve(struct pool_session *pool, void *arg);

#endif
