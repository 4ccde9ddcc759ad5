/*
 * ldapd/session.c - one LDAP connection: reading requests, the table of operations, answers.
 *
 * The client is untrusted from its first byte. Runs in a worker that is in its sandbox already and
 * holds nothing: the contacts are directoryd's, passwords go to authd.
 */
#include "ldapd/session.h"

#include <stdlib.h>
#include <string.h>

#include "ldapd/operations.h"
#include "ldapd/sorted.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/ipc/client.h"
#include "lib/log/log.h"
#include "lib/sys/heap.h"
#include "lib/sys/session_table.h"
#include "lib/tls/tls_conf.h"

enum {
    READ_MAX = 16384,
    IDLE_AFTER_MS = 1000,
    REQUEST_MS = 60000, /* from the first byte of a request to its last */
    DIRECTORY_MS = 30000
};

/* Entries of a part of an answer are sent one by one, so this is one entry's. */
#define OUT_MAX ((size_t)8 << 20)
#define LABEL_TLS "ldaps"

static void unbind_run(struct session *s);
static void abandon_run(struct session *s);

static const struct {
    unsigned op;
    void (*run)(struct session *s);
} operations[] = {
    {LDAP_OP_BIND, bind_run},        /* RFC 4511 4.2 */
    {LDAP_OP_UNBIND, unbind_run},    /* 4.3 */
    {LDAP_OP_SEARCH, search_run},    /* 4.5 */
    {LDAP_OP_MODIFY, modify_run},    /* 4.6 */
    {LDAP_OP_ADD, add_run},          /* 4.7 */
    {LDAP_OP_DELETE, delete_run},    /* 4.8 */
    {LDAP_OP_RENAME, rename_run},    /* 4.9 */
    {LDAP_OP_COMPARE, compare_run},  /* 4.10 */
    {LDAP_OP_ABANDON, abandon_run},  /* 4.11 */
    {LDAP_OP_EXTENDED, extended_run} /* 4.12 */
};

/* ---- answers ---- */

size_t
session_begin(struct session *s, enum ldap_op op, size_t *op_start)
{
    size_t start = ber_begin(&s->out, BER_SEQUENCE);

    ber_put_number(&s->out, BER_INTEGER, s->message.id);
    *op_start = ber_begin(&s->out, op);
    return start;
}

void
session_put_result(struct session *s, enum ldap_result result, struct slice matched,
                   struct slice text)
{
    ber_put_number(&s->out, BER_ENUMERATED, result);
    ber_put(&s->out, BER_OCTETS, matched);
    ber_put(&s->out, BER_OCTETS, text);
}

void
session_send(struct session *s, size_t start)
{
    ber_end(&s->out, start);
    if (s->out.overflow) {
        s->is_over = true;
        s->end_reason = "answer too long";
        return;
    }
    (void)stream_write(s->stream, strbuf_slice(&s->out)); /* an error sticks */
    strbuf_clear(&s->out);
}

void
session_result(struct session *s, enum ldap_op op, enum ldap_result result, const char *text)
{
    size_t op_start, start = session_begin(s, op, &op_start);

    session_put_result(s, result, SLICE(""), slice_of(text));
    ber_end(&s->out, op_start);
    session_send(s, start);
}

/* RFC 4511 section 4.4.1. */
static void
disconnect(struct session *s, enum ldap_result result, const char *reason)
{
    size_t op_start, start;

    s->message.id = 0;
    start = session_begin(s, LDAP_OP_EXTENDED_RESPONSE, &op_start);
    session_put_result(s, result, SLICE(""), slice_of(reason));
    ber_put(&s->out, 0x8a, SLICE(LDAP_OID_DISCONNECTION));
    ber_end(&s->out, op_start);
    session_send(s, start);
    s->is_over = true;
    s->end_reason = reason;
}

static void
disconnect_ended(struct session *s)
{
    disconnect(s, LDAP_UNAVAILABLE, "the server ends this session");
}

int
session_ask(struct session *s, struct strbuf *request, uint16_t type, struct ipc_reply *answer)
{
    if (s->pool->backend != NULL &&
        ipc_client_call(s->pool->backend, request, -1, DIRECTORY_MS, answer) == 0 &&
        answer->type == type)
        return 0;
    s->is_over = true; /* a new connection gets a new channel to it */
    s->end_reason = "directoryd is away";
    return -1;
}

/* ---- reading ---- */

/* What the next request makes anew. */
static void
release_memory(struct session *s)
{
    stream_release_buffers(s->stream);
    sorted_free(&s->sorted); /* the next page is then told to search again */
    strbuf_free(&s->in);
    strbuf_free(&s->out);
    s->in = strbuf_new(LDAP_MESSAGE_MAX + 16);
    s->out = strbuf_new(OUT_MAX);
    s->has_assertion = false;
    ldap_filter_free(&s->assertion);
    if (s->pool->backend != NULL)
        ipc_client_release(s->pool->backend);
    heap_give_back();
}

/* Our output goes out; while nothing comes, memory goes back. False: there is no next request. */
static bool
wait_for_input(struct session *s)
{
    int64_t now = clock_mono_ms(), deadline = now + s->server->idle_ms, soon = now + IDLE_AFTER_MS;
    bool is_stranger = s->user == NULL && !s->may_write && !s->server->serves_strangers;
    int ready;

    if (is_stranger && deadline > s->began_ms + s->server->login_ms)
        deadline = s->began_ms + s->server->login_ms;

    log_flush();
    ready = stream_wait(s->stream, -1, soon < deadline ? soon : deadline);
    if (ready == 0 && soon < deadline) {
        release_memory(s);
        ready = stream_wait(s->stream, -1, deadline);
    }
    if (ready == 1)
        return true;
    if (ready == 3)
        disconnect_ended(s);
    else
        s->end_reason = ready == 0 ? "timeout" : "connection lost";
    s->is_over = true;
    return false;
}

/* One whole message into `to`. False: the connection is over. */
static bool
read_message(struct session *s, struct strbuf *to)
{
    int64_t deadline = clock_mono_ms() + REQUEST_MS, length;
    enum stream_status status;
    struct slice bytes;

    strbuf_clear(to);
    while ((length = message_length(strbuf_slice(to))) == 0 ||
           (length > 0 && to->len < (size_t)length)) {
        size_t want = length == 0 ? 1 : (size_t)length - to->len;

        status = stream_read_some(s->stream, want < READ_MAX ? want : READ_MAX, deadline, &bytes);
        if (status != STREAM_OK) {
            s->is_over = true;
            s->end_reason = status == STREAM_EOF       ? "closed by client"
                            : status == STREAM_TIMEOUT ? "timeout"
                                                       : "connection lost";
            return false;
        }
        (void)strbuf_append(to, bytes); /* message_length's limit is below the buffer's */
    }
    if (length > 0)
        return true;
    disconnect(s, LDAP_PROTOCOL_ERROR, "not LDAP, or a request is too long");
    return false;
}

/* Its operation and id, without looking further. */
static bool
is_about(struct slice bytes, unsigned op, uint32_t *id)
{
    struct message message;
    uint64_t number = 0;

    if (message_decode(bytes, &message) < 0 || message.op != op)
        return false;
    for (size_t i = 0; i < message.body.len && i < 4; i++)
        number = number << 8 | (unsigned char)message.body.ptr[i];
    *id = (uint32_t)number;
    return true;
}

bool
session_is_abandoned(struct session *s)
{
    uint32_t id = 0;

    if (pool_session_is_ended(s->pool))
        return true; /* next_request says so */
    if (s->ahead.len == 0) {
        if (!stream_has_input(s->stream) && stream_wait(s->stream, -1, clock_mono_ms()) != 1)
            return false;
        if (!read_message(s, &s->ahead))
            return true;
    }
    if (is_about(strbuf_slice(&s->ahead), LDAP_OP_UNBIND, &id))
        return true;
    if (!is_about(strbuf_slice(&s->ahead), LDAP_OP_ABANDON, &id))
        return false;
    strbuf_clear(&s->ahead);
    return id == s->message.id;
}

static bool
next_message(struct session *s)
{
    struct strbuf swap = s->in;

    if (s->ahead.len > 0) {
        s->in = s->ahead;
        s->ahead = swap;
        strbuf_clear(&s->ahead);
        return true;
    }
    if (!stream_has_input(s->stream) && !wait_for_input(s))
        return false;
    return read_message(s, &s->in);
}

/* ---- operations ---- */

static void
unbind_run(struct session *s)
{
    s->is_over = true;
    s->end_reason = "unbind";
}

/* What it is about is done already. */
static void
abandon_run(struct session *s)
{
    (void)s;
}

/* Operations that a control may come with. */
enum { WITH_SEARCH = 1, WITH_COMPARE = 2, WITH_CHANGE = 4, WITH_RENAME = 8 };

static unsigned
with_op(unsigned op)
{
    switch (op) {
    case LDAP_OP_SEARCH:
        return WITH_SEARCH;
    case LDAP_OP_COMPARE:
        return WITH_COMPARE;
    case LDAP_OP_ADD:
    case LDAP_OP_MODIFY:
    case LDAP_OP_DELETE:
        return WITH_CHANGE;
    case LDAP_OP_RENAME:
        return WITH_RENAME;
    default:
        return 0;
    }
}

static bool
is_known(const struct message_control *control, unsigned op)
{
    static const struct {
        const char *oid;
        unsigned with;
    } known[] = {
        {LDAP_OID_PAGED, WITH_SEARCH},
        {LDAP_OID_SORT, WITH_SEARCH},
        {LDAP_OID_MATCHED_VALUES, WITH_SEARCH},
        {LDAP_OID_MANAGE_DSA_IT, WITH_SEARCH | WITH_COMPARE | WITH_CHANGE | WITH_RENAME},
        {LDAP_OID_ASSERTION, WITH_SEARCH | WITH_COMPARE | WITH_CHANGE},
    };

    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (slice_eq(control->oid, slice_of(known[i].oid)))
            return (known[i].with & with_op(op)) != 0;
    return false;
}

/* RFC 4528 section 3: the value is a filter. */
static enum ldap_result
take_assertion(struct session *s, const struct message_control *control, const char **text)
{
    struct slice value = control->value;

    if (s->assertion == NULL)
        s->assertion = ldap_filter_new();
    s->assertion->base = &s->server->names.base;
    *text = "malformed assertion";
    if (message_take_filter(&value, s->assertion) < 0 || value.len > 0)
        return LDAP_PROTOCOL_ERROR;
    *text = "the assertion's values are too long";
    if (ldap_filter_fold(s->assertion) < 0)
        return LDAP_ADMIN_LIMIT_EXCEEDED;
    s->has_assertion = true;
    return LDAP_SUCCESS;
}

/* A critical one that the operation does not know is an error (RFC 4511 section 4.1.11). */
static enum ldap_result
take_controls(struct session *s, const char **text)
{
    const struct message_control *assertion = message_control_find(&s->message, LDAP_OID_ASSERTION);

    s->has_assertion = false;
    for (size_t i = 0; i < s->message.control_count; i++)
        if (s->message.controls[i].critical && !is_known(&s->message.controls[i], s->message.op)) {
            *text = "a critical control is not supported";
            return LDAP_UNAVAILABLE_CRITICAL_EXTENSION;
        }
    if (assertion == NULL || !is_known(assertion, s->message.op))
        return LDAP_SUCCESS;
    return take_assertion(s, assertion, text);
}

static enum ldap_op
response_to(unsigned op)
{
    if (op == LDAP_OP_SEARCH)
        return LDAP_OP_SEARCH_DONE;
    return op == LDAP_OP_DELETE ? LDAP_OP_DELETE_RESPONSE : (enum ldap_op)(op + 1);
}

static void
dispatch(struct session *s)
{
    const char *text = NULL;
    enum ldap_result result = LDAP_SUCCESS;

    if (s->message.op != LDAP_OP_UNBIND && s->message.op != LDAP_OP_ABANDON)
        result = take_controls(s, &text);
    for (size_t i = 0; i < ARRAY_LEN(operations); i++) {
        if (operations[i].op != s->message.op)
            continue;
        if (result == LDAP_SUCCESS)
            operations[i].run(s);
        else
            session_result(s, response_to(s->message.op), result, text);
        return;
    }
    disconnect(s, LDAP_PROTOCOL_ERROR, "unknown operation");
}

static void
next_request(struct session *s)
{
    if (!next_message(s))
        return;
    if (pool_session_is_ended(s->pool)) /* who never pauses, too */
        disconnect_ended(s);
    else if (message_decode(strbuf_slice(&s->in), &s->message) < 0)
        disconnect(s, LDAP_PROTOCOL_ERROR, "malformed request");
    else
        dispatch(s);
    if (s->in.ptr != NULL && (s->message.op == LDAP_OP_BIND || s->message.op == LDAP_OP_EXTENDED))
        mem_wipe(s->in.ptr, s->in.cap); /* a password may have been in it */
}

bool
session_password_allowed(const struct session *s)
{
    bool loopback =
        strncmp(s->pool->client_ip, "127.", 4) == 0 || strcmp(s->pool->client_ip, "::1") == 0;

    return mechanisms_login_allowed(s->server->mechanisms, stream_tls(s->stream) != NULL,
                                    s->server->plain_on_loopback && loopback);
}

/* ---- the session ---- */

static bool
start_with_tls(struct session *s)
{
    if (strcmp(s->pool->label, LABEL_TLS) != 0)
        return true;
    if (stream_start_tls(s->stream, s->server->tls, clock_mono_ms() + s->server->tls_ms, NULL) ==
        0) {
        session_table_tls();
        return true;
    }
    pool_session_failed(s->pool);
    log_event(LOG_INFO, "tls_failed", KV_STR("reason", tls_last_error()));
    s->end_reason = "no TLS";
    return false;
}

static void
log_end(const struct session *s)
{
    const struct tls *tls = stream_tls(s->stream);

    log_event(LOG_INFO, "disconnected", KV_STR("user", s->user != NULL ? s->user : ""),
              KV_STR("reason", s->end_reason), KV_U64("in", stream_bytes_in(s->stream)),
              KV_U64("out", stream_bytes_out(s->stream)),
              KV_STR("tls", tls != NULL ? tls_version(tls) : ""));
}

static void
end_session(struct session *s)
{
    (void)stream_flush(s->stream); /* whoever has gone does not read it */
    log_end(s);
    sorted_free(&s->sorted);
    ldap_filter_free(&s->filter);
    ldap_filter_free(&s->values_filter);
    ldap_filter_free(&s->assertion);
    strbuf_free(&s->in);
    strbuf_free(&s->ahead);
    strbuf_free(&s->out);
    stream_free(&s->stream);
    xfree(&s->user);
}

enum pool_next
session_serve(struct pool_session *pool, void *arg)
{
    struct session s = {
        .pool = pool,
        .server = arg,
        .stream = stream_new(pool->fd, READ_MAX),
        .in = strbuf_new(LDAP_MESSAGE_MAX + 16),
        .ahead = strbuf_new(LDAP_MESSAGE_MAX + 16),
        .out = strbuf_new(OUT_MAX),
        .filter = ldap_filter_new(),
        .values_filter = ldap_filter_new(),
        .began_ms = clock_mono_ms(),
        .end_reason = "unknown",
    };

    stream_set_end_fd(s.stream, pool->end_fd);
    stream_set_key_fd(s.stream, pool->key_fd);
    stream_set_oldest_tls(s.stream, tls_conf_oldest(pool->daemon->conf, pool->label));
    log_event(LOG_DEBUG, "connected", KV_STR("listener", pool->label));
    s.is_over = !start_with_tls(&s);
    while (!s.is_over)
        next_request(&s);
    end_session(&s);
    return POOL_REUSE; /* it has held no capability: whose contacts it saw, directoryd decides */
}
