/*
 * admind/session.c - one connection: reading requests, sending answers.
 *
 * The client is untrusted from its first byte. Runs in a worker that can open nothing and holds no
 * right: what it asks for goes to authd, which knows who has logged in, and from there to accountd,
 * which decides.
 */
#include "admind/session.h"

#include <stdlib.h>
#include <string.h>

#include "admind/call.h"
#include "admind/login.h"
#include "lib/api/api_request.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/conf/services.h"
#include "lib/http/http_stream.h"
#include "lib/http/response.h"
#include "lib/log/log.h"
#include "lib/sys/session_table.h"
#include "lib/tls/tls_conf.h"

enum {
    READ_MAX = 16384,
    HEAD_MAX = 16384,
    LINE_MAX = 1024,
    FIELDS_MAX = 64,
    ANSWER_MAX = 16u << 20,
    REQUESTS_MAX = 1000 /* on one connection */
};

#define API_PREFIX SLICE("/api/")

static bool
send_answer(struct session *s, unsigned status, const char *extra, struct slice json, bool keeps)
{
    return http_stream_answer(s->stream,
                              &(struct http_response){.status = status,
                                                      .type = "application/json",
                                                      .extra = extra,
                                                      .content = json,
                                                      .keeps_alive = keeps},
                              ANSWER_MAX);
}

/* An answer that is about HTTP; `text` is a constant. */
static bool
send_error(struct session *s, unsigned status, const char *extra, const char *text, bool keeps)
{
    struct strbuf json = strbuf_new(1024);
    bool goes_on;

    call_write_error(&json, API_BAD_PARAMETERS, text);
    goes_on = send_answer(s, status, extra, strbuf_slice(&json), keeps);
    strbuf_free(&json);
    return goes_on;
}

/* ---- reading ---- */

/* False: the connection is over, or the request was answered with an error. */
static bool
read_request(struct session *s)
{
    const struct http_times times = {s->server->idle_ms, s->server->request_ms};
    struct http_trouble trouble;

    if (http_stream_read(s->stream, s->request, &times, &trouble))
        return true;
    s->end_reason = trouble.text;
    if (trouble.status != 0)
        (void)send_error(s, trouble.status, NULL, trouble.text, false);
    return false;
}

/* ---- requests ---- */

/* Browsers send forms to anywhere; a media type of ours they send only where they are allowed to.
 */
static bool
is_json(const struct http_request *request)
{
    struct slice type = http_request_header(request, SLICE("Content-Type"));

    return slice_eq_nocase(slice_trim(slice_split(&type, ';')), SLICE("application/json"));
}

static bool
run_call(struct session *s, enum api_call_id id, bool keeps)
{
    struct strbuf json = strbuf_new(ANSWER_MAX);
    enum login_outcome login = id == API_LOGIN ? LOGIN_OK : login_by_header(s);
    bool goes_on;

    if (login == LOGIN_REFUSED) {
        goes_on =
            send_error(s, 401, "WWW-Authenticate: Basic realm=\"Posthorn\", charset=\"UTF-8\"\r\n",
                       "log in first", keeps);
    } else if (login == LOGIN_NEEDS_CODE) {
        goes_on = send_error(s, 401, "WWW-Authenticate: Bearer realm=\"Posthorn\"\r\n",
                             "a code is needed: call Login with name, password and code", keeps);
    } else if (login == LOGIN_AWAY) {
        goes_on =
            send_error(s, 503, "Retry-After: 5\r\n", "authentication is not available", false);
    } else {
        keeps = call_run(s, id, &json) && keeps;
        goes_on = send_answer(s, 200, NULL, strbuf_slice(&json), keeps);
    }
    if (json.ptr != NULL)
        mem_wipe(json.ptr, json.cap); /* a token may have been in it */
    strbuf_free(&json);
    return goes_on;
}

/* True: the connection goes on. */
static bool
answer(struct session *s)
{
    bool is_last = --s->requests_left == 0;
    struct slice path = http_request_path(s->request), method = http_request_method(s->request);
    bool keeps = http_request_keeps_alive(s->request) && !is_last;
    bool is_post = slice_eq(method, SLICE("POST"));
    int id;

    stats_add(s->server->count.requests, 1);
    if (slice_eq(path, SLICE("/api/openapi.json"))) {
        if (!slice_eq(method, SLICE("GET")))
            return send_error(s, 405, "Allow: GET\r\n", "this is read with GET", keeps);
        return send_answer(s, 200, NULL, strbuf_slice(&s->server->openapi), keeps);
    }
    id = slice_starts(path, API_PREFIX) ? api_call_find(slice_sub(path, API_PREFIX.len, path.len))
                                        : -1;
    if (id < 0)
        return send_error(s, 404, NULL, "there is no such call: see /api/openapi.json", keeps);
    if (!is_post)
        return send_error(s, 405, "Allow: POST\r\n", "calls are made with POST", keeps);
    if (http_request_body(s->request).len > 0 && !is_json(s->request))
        return send_error(s, 415, NULL, "expected Content-Type: application/json", keeps);
    return run_call(s, (enum api_call_id)id, keeps);
}

/* ---- the connection ---- */

static bool
start_tls(struct session *s)
{
    if (stream_start_tls(s->stream, s->server->tls, clock_mono_ms() + s->server->request_ms,
                         NULL) == 0) {
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
    static const struct http_limits limits = {.line_max = LINE_MAX,
                                              .head_max = HEAD_MAX,
                                              .fields_max = FIELDS_MAX,
                                              .body_max = API_BODY_MAX};
    struct session s = {.pool = pool,
                        .server = arg,
                        .stream = stream_new(pool->fd, READ_MAX),
                        .request = http_request_new(&limits),
                        .credentials = strbuf_new(HEAD_MAX),
                        .requests_left = REQUESTS_MAX,
                        .is_local = strcmp(pool->label, SERVICE_CONTROL) == 0,
                        .end_reason = "done"};

    stream_set_end_fd(s.stream, pool->end_fd);
    stream_set_key_fd(s.stream, pool->key_fd);
    stream_set_oldest_tls(s.stream, tls_conf_oldest(pool->daemon->conf, pool->label));
    if (s.is_local || start_tls(&s))
        while (read_request(&s) && answer(&s))
            http_request_reset(s.request);
    log_event(LOG_INFO, "disconnected", KV_STR("admin", s.name == NULL ? "" : s.name),
              KV_STR("reason", s.end_reason), KV_U64("in", stream_bytes_in(s.stream)),
              KV_U64("out", stream_bytes_out(s.stream)));
    login_forget(&s);
    http_request_free(&s.request);
    stream_free(&s.stream);
    return s.was_authenticated ? POOL_EXIT : POOL_REUSE;
}
