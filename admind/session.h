/*
 * admind/session.h - one connection: HTTP requests over TLS, one after the other.
 */
#ifndef POSTHORN_ADMIND_SESSION_H
#define POSTHORN_ADMIND_SESSION_H

#include "lib/http/request.h"
#include "lib/sys/pool.h"
#include "lib/tls/stream.h"

struct server {
    struct tls_context *tls;
    int64_t idle_ms, request_ms;
    uint64_t session_s; /* how long a token is good without being used */
    struct strbuf openapi;
    struct {
        _Atomic uint64_t *requests, *calls, *logins, *login_failures;
    } count;
};

struct session {
    struct pool_session *pool;
    struct server *server;
    struct stream *stream;
    struct http_request *request;
    struct strbuf credentials; /* the header field by which the one below has logged in; secret */
    char *name;                /* the administrator, as authd says; NULL: nobody */
    int64_t proved_ms;         /* when authd said so (clock_mono_ms) */
    unsigned requests_left;    /* on this connection */
    bool is_local;             /* over run/admin.sock: no TLS */
    bool was_authenticated;
    const char *end_reason;
};

enum pool_next session_serve(struct pool_session *pool, void *arg);

#endif
