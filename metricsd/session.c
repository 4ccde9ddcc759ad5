/*
 * metricsd/session.c - reads requests, fetches the figures from figured, answers.
 *
 * The client is untrusted from its first byte. Runs in a worker that can open nothing and has one
 * connection, to figured, which gives it the same text whatever it asks.
 */
#include "metricsd/session.h"

#include "lib/base/clock.h"
#include "lib/figures/exposition.h"
#include "lib/ipc/client.h"
#include "lib/ipc/figured.h"
#include "lib/log/log.h"
#include "lib/sys/session_table.h"
#include "lib/tls/tls_conf.h"

enum {
    READ_MAX = 8192,
    LINE_MAX = 1024,
    HEAD_MAX = 8192,
    FIELDS_MAX = 64,
    ASK_TIMEOUT_MS = 10000,
    REQUESTS_MAX = 10000 /* on one connection */
};

#define PATH SLICE("/metrics")

struct session {
    struct pool_session *pool;
    const struct server *server;
    struct stream *stream;
    struct http_request *request;
    const char *end_reason;
};

static bool
answer(struct session *s, const struct http_response *response)
{
    return http_stream_answer(s->stream, response, FIGURED_PAYLOAD_MAX);
}

static bool
is_head(const struct session *s)
{
    return slice_eq(http_request_method(s->request), SLICE("HEAD"));
}

static bool
answer_error(struct session *s, unsigned status, const char *extra, struct slice text, bool keeps)
{
    return answer(s, &(struct http_response){.status = status,
                                             .type = "text/plain; charset=utf-8",
                                             .extra = extra,
                                             .content = text,
                                             .keeps_alive = keeps,
                                             .head_only = is_head(s)});
}

/* "Bearer TOKEN" (RFC 6750 section 2.1). */
static bool
has_token(const struct session *s)
{
    struct slice rest = http_request_header(s->request, SLICE("Authorization"));
    struct slice scheme = slice_split(&rest, ' ');
    unsigned char digest[DIGEST_MAX];
    size_t size = digest_size(DIGEST_SHA256);

    if (!s->server->wants_token)
        return true;
    if (!slice_eq_nocase(scheme, SLICE("Bearer")))
        return false;
    digest_of(DIGEST_SHA256, rest, SLICE(""), digest);
    return digest_equal(slice_make((const char *)digest, size),
                        slice_make((const char *)s->server->token_digest, size));
}

static bool
show_figures(struct session *s, bool keeps)
{
    struct strbuf question = strbuf_new(FIGURED_QUESTION_MAX);
    struct ipc_reply reply;
    struct slice text;
    bool known = figured_metrics_encode(&question) == 0 && s->pool->backend != NULL &&
                 ipc_client_call(s->pool->backend, &question, -1, ASK_TIMEOUT_MS, &reply) == 0 &&
                 reply.type == FIGURED_TEXT && figured_text_decode(reply.payload, &text) == 0;

    strbuf_free(&question);
    if (!known)
        return answer_error(s, 503, "Retry-After: 15\r\n", SLICE("figured does not answer\n"),
                            false);
    return answer(s, &(struct http_response){.status = 200,
                                             .type = EXPOSITION_TYPE,
                                             .content = text,
                                             .keeps_alive = keeps,
                                             .head_only = is_head(s)});
}

/* True: the connection goes on. */
static bool
serve_request(struct session *s)
{
    bool keeps = http_request_keeps_alive(s->request);

    stats_add(s->server->requests, 1);
    if (!has_token(s)) {
        stats_add(s->server->refused, 1);
        log_note(LOG_INFO, "token_refused");
        return answer_error(s, 401, "WWW-Authenticate: Bearer realm=\"Posthorn\"\r\n",
                            SLICE("the bearer token is missing or wrong\n"), false);
    }
    if (!slice_eq(http_request_path(s->request), PATH))
        return answer_error(s, 404, NULL, SLICE("the figures are at /metrics\n"), keeps);
    if (!is_head(s) && !slice_eq(http_request_method(s->request), SLICE("GET")))
        return answer_error(s, 405, "Allow: GET, HEAD\r\n", SLICE("this is read with GET\n"),
                            keeps);
    return show_figures(s, keeps);
}

static bool
read_request(struct session *s)
{
    struct http_trouble trouble;

    if (http_stream_read(s->stream, s->request, &s->server->times, &trouble))
        return true;
    s->end_reason = trouble.text;
    if (trouble.status != 0)
        (void)answer_error(s, trouble.status, NULL, slice_of(trouble.text), false);
    return false;
}

static bool
start_tls(struct session *s)
{
    int64_t deadline = clock_mono_ms() + s->server->times.request_ms;

    if (s->server->tls == NULL)
        return true;
    if (stream_start_tls(s->stream, s->server->tls, deadline, NULL) == 0) {
        session_table_tls();
        return true;
    }
    pool_session_failed(s->pool);
    log_event(LOG_INFO, "tls_failed", KV_STR("reason", tls_last_error()));
    s->end_reason = "no TLS";
    return false;
}

enum pool_next
session_serve(struct pool_session *pool, void *arg)
{
    static const struct http_limits limits = {
        .line_max = LINE_MAX, .head_max = HEAD_MAX, .fields_max = FIELDS_MAX, .body_max = 0};
    struct session s = {.pool = pool,
                        .server = arg,
                        .stream = stream_new(pool->fd, READ_MAX),
                        .request = http_request_new(&limits),
                        .end_reason = "done"};

    stream_set_end_fd(s.stream, pool->end_fd);
    stream_set_key_fd(s.stream, pool->key_fd);
    stream_set_oldest_tls(s.stream, tls_conf_oldest(pool->daemon->conf, pool->label));
    if (start_tls(&s))
        for (int i = 0; i < REQUESTS_MAX && read_request(&s) && serve_request(&s); i++)
            http_request_reset(s.request);
    log_event(LOG_DEBUG, "disconnected", KV_STR("reason", s.end_reason),
              KV_U64("in", stream_bytes_in(s.stream)), KV_U64("out", stream_bytes_out(s.stream)));
    http_request_free(&s.request);
    stream_free(&s.stream);
    return POOL_REUSE;
}
