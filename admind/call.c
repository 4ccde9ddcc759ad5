/*
 * admind/call.c - one call of the API: dispatch, the session's own calls, the answer in JSON.
 */
#include "admind/call.h"

#include <stdarg.h>
#include <stdlib.h>

#include "admind/login.h"
#include "lib/base/mem.h"
#include "lib/ipc/authd_call.h"
#include "lib/log/log.h"

enum { TEXT_MAX = 2048, DATA_MAX = 15u << 20 };

void
call_fail(struct call *call, uint32_t result, const char *format, ...)
{
    va_list args;

    call->result = result;
    strbuf_clear(&call->text);
    va_start(args, format);
    if (!strbuf_vprintf(&call->text, format, args))
        (void)strbuf_str(&call->text, "a value is too long");
    va_end(args);
}

bool
call_ask(struct call *call, const struct accountd_admin *request,
         struct accountd_admin_reply *reply)
{
    *reply = (struct accountd_admin_reply){0};
    if (authd_call_admin(call->session->pool->auth, request, reply) < 0)
        call_fail(call, CALL_AWAY, "authd does not answer, try later");
    else if (reply->result != 0)
        call_fail(call, reply->result, "%.*s", (int)reply->text.len, reply->text.ptr);
    else
        return true;
    return false;
}

/* ---- objects ---- */

void
call_write_list(struct json_writer *w, const char *key, struct slice words)
{
    struct slice word;

    json_writer_open(w, key, '[');
    while ((word = property_next_word(&words)).len > 0)
        json_writer_text(w, NULL, word);
    json_writer_close(w, ']');
}

static bool
is_number(struct slice value)
{
    for (size_t i = 0; i < value.len; i++)
        if (value.ptr[i] < '0' || value.ptr[i] > '9')
            return false;
    return value.len > 0 && value.len <= 19;
}

void
call_write_number(struct json_writer *w, const char *key, struct slice value)
{
    uint64_t number = 0;

    if (!is_number(value)) {
        json_writer_null(w, key);
        return;
    }
    for (size_t i = 0; i < value.len; i++)
        number = number * 10 + (uint64_t)(value.ptr[i] - '0');
    json_writer_number(w, key, number);
}

static void
write_property(struct json_writer *w, const struct property *p, struct slice value)
{
    switch (p->type) {
    case PROPERTY_BOOL:
        if (value.len == 0)
            json_writer_null(w, p->name);
        else
            json_writer_bool(w, p->name, slice_eq(value, SLICE("yes")));
        break;
    case PROPERTY_INT:
    case PROPERTY_SIZE:
        call_write_number(w, p->name, value);
        break;
    case PROPERTY_ADDRESSES:
    case PROPERTY_WORDS:
        call_write_list(w, p->name, value);
        break;
    case PROPERTY_TEXT:
    case PROPERTY_DATE:
    case PROPERTY_TIME:
    case PROPERTY_ENUM:
    case PROPERTY_ADDRESS:
    case PROPERTY_DIRECTORY:
    case PROPERTY_ACCESS:
    case PROPERTY_METHOD:
    case PROPERTY_PLACE:
    case PROPERTY_SYNC:
    case PROPERTY_RECORD:
        json_writer_text(w, p->name, value);
        break;
    }
}

void
call_write_object(struct call *call, const char *key, enum account_kind kind,
                  const struct object_field *fields, uint32_t count)
{
    json_writer_open(&call->json, key, '{');
    for (uint32_t i = 0; i < count; i++) {
        const char *near;
        int id = account_property_find(kind, fields[i].name, &near);

        if (id >= 0)
            write_property(&call->json, &account_properties[id], fields[i].value);
        else if (slice_eq(fields[i].name, SLICE("used_bytes")))
            call_write_number(&call->json, "used_bytes", fields[i].value);
        else if (slice_eq(fields[i].name, SLICE("used_messages")))
            call_write_number(&call->json, "used_messages", fields[i].value);
    }
    json_writer_close(&call->json, '}');
}

/* ---- the session's own calls ---- */

static void
call_login(struct call *call)
{
    struct session *s = call->session;
    struct strbuf token = strbuf_new(AUTHD_TOKEN_LEN);
    struct slice text;
    const struct login_proof proof = {.name = api_request_value(&call->request, "name")->text,
                                      .password =
                                          api_request_value(&call->request, "password")->text,
                                      .code = api_request_value(&call->request, "code")->text};
    enum login_outcome outcome = login_by_password(s, &proof, &text);

    if (outcome == LOGIN_NEEDS_CODE) {
        call_fail(call, 3, "%.*s", (int)text.len, text.ptr);
    } else if (outcome != LOGIN_OK) {
        call_fail(call, outcome == LOGIN_AWAY ? CALL_AWAY : 2, "%.*s", (int)text.len, text.ptr);
    } else if (authd_call_token(s->pool->auth, SLICE(""), &token) < 0) {
        call_fail(call, CALL_AWAY, "authd does not answer, try later");
    } else {
        json_writer_text(&call->json, "token", strbuf_slice(&token));
        json_writer_number(&call->json, "timeout_s", s->server->session_s);
        json_writer_text(&call->json, "name", slice_of(s->name));
    }
    if (token.ptr != NULL)
        mem_wipe(token.ptr, token.cap);
    strbuf_free(&token);
}

/* Only a token is a session that can be ended. */
static void
call_logout(struct call *call)
{
    struct session *s = call->session;
    struct slice header = strbuf_slice(&s->credentials), scheme = slice_split(&header, ' ');
    struct strbuf nothing = strbuf_new(AUTHD_TOKEN_LEN);

    if (slice_eq_nocase(scheme, SLICE("Bearer")) &&
        authd_call_token(s->pool->auth, slice_trim(header), &nothing) < 0)
        call_fail(call, CALL_AWAY, "authd does not answer, try later");
    login_forget(s);
    strbuf_free(&nothing);
}

/* What the table says about an administrator: for menus; accountd decides. */
static void
write_calls(struct call *call, const struct object_field *fields, uint32_t count)
{
    static const enum account_property properties[] = {ADMIN_TYPE, ADMIN_DOMAINS, ADMIN_RIGHTS};
    struct record admin = record_new(ACCOUNT_ADMIN);

    for (size_t i = 0; i < ARRAY_LEN(properties); i++)
        record_set(&admin, properties[i],
                   object_get(fields, count, account_properties[properties[i]].name));
    json_writer_open(&call->json, "calls", '[');
    for (int id = 0; id < API_CALL_COUNT; id++)
        if (api_allows((enum api_call_id)id, &admin))
            json_writer_text(&call->json, NULL, slice_of(api_calls[id].name));
    json_writer_close(&call->json, ']');
    record_free(&admin);
}

/* Root or the owner, over run/admin.sock: no account of ours. */
static void
write_local(struct call *call, struct object_field fields[OBJECT_FIELDS_MAX])
{
    fields[0] = (struct object_field){SLICE("name"), slice_of(call->session->name)};
    fields[1] = (struct object_field){SLICE("type"), SLICE("super")};
    call_write_object(call, "admin", ACCOUNT_ADMIN, fields, 2);
    write_calls(call, fields, 2);
}

static void
call_who_am_i(struct call *call)
{
    const struct accountd_admin request = {
        .verb = SLICE("show"), .kind = SLICE("admin"), .name = slice_of(call->session->name)};
    struct object_field fields[OBJECT_FIELDS_MAX];
    struct accountd_admin_reply reply;
    int count;

    if (slice_starts(request.name, SLICE(ACCOUNTD_LOCAL_ACTOR))) {
        write_local(call, fields);
        return;
    }
    if (!call_ask(call, &request, &reply))
        return;
    count = object_next(&reply.data, fields);
    if (count <= 0)
        return;
    call_write_object(call, "admin", ACCOUNT_ADMIN, fields, (uint32_t)count);
    write_calls(call, fields, (uint32_t)count);
}

/* The old password is proved as at a login: authd counts what is wrong. */
static void
call_change_own_password(struct call *call)
{
    struct session *s = call->session;
    char *name = xstrdup(s->name);
    struct slice text;
    const struct login_proof proof = {.name = slice_of(name),
                                      .password = api_request_value(&call->request, "old")->text};
    enum login_outcome outcome = login_by_password(s, &proof, &text);
    const struct object_field fields[] = {
        {SLICE("new_password"), api_request_value(&call->request, "new")->text},
        {SLICE("own"), SLICE("yes")}};
    const struct accountd_admin request = {.verb = SLICE("passwd"),
                                           .kind = SLICE("admin"),
                                           .name = slice_of(name),
                                           .fields = fields,
                                           .field_count = ARRAY_LEN(fields)};
    struct accountd_admin_reply reply;

    if (outcome == LOGIN_NEEDS_CODE) /* the session's own login had one, and goes on */
        outcome = login_by_header(s);
    if (outcome == LOGIN_OK)
        (void)call_ask(call, &request, &reply); /* the result is the call's */
    else
        call_fail(call, outcome == LOGIN_AWAY ? CALL_AWAY : 4, "%.*s", (int)text.len, text.ptr);
    login_forget(s); /* the next request shows who it is */
    free(name);
}

/* ---- authenticators (TOTP) ---- */

static bool
ask_own(struct call *call, const char *verb, const struct object_field *fields, uint32_t count,
        struct accountd_admin_reply *reply)
{
    const struct accountd_admin request = {.verb = slice_of(verb),
                                           .kind = SLICE("admin"),
                                           .name = slice_of(call->session->name),
                                           .fields = fields,
                                           .field_count = count};

    return call_ask(call, &request, reply);
}

static void
call_enroll_totp(struct call *call)
{
    static const char *const told[] = {"secret", "uri"};
    struct object_field fields[OBJECT_FIELDS_MAX];
    struct accountd_admin_reply reply;
    int count;

    if (!ask_own(call, "totp-new", NULL, 0, &reply))
        return;
    count = object_next(&reply.data, fields);
    for (size_t i = 0; i < ARRAY_LEN(told) && count > 0; i++)
        json_writer_text(&call->json, told[i], object_get(fields, (uint32_t)count, told[i]));
}

static void
call_confirm_totp(struct call *call)
{
    const struct object_field code = {SLICE("code"),
                                      api_request_value(&call->request, "code")->text};
    struct accountd_admin_reply reply;

    (void)ask_own(call, "totp-confirm", &code, 1, &reply); /* the result is the call's */
}

/* ---- dispatch ---- */

static const struct {
    enum api_call_id id;
    void (*run)(struct call *call);
} own[] = {
    {API_LOGIN, call_login},
    {API_LOGOUT, call_logout},
    {API_WHO_AM_I, call_who_am_i},
    {API_CHANGE_OWN_PASSWORD, call_change_own_password},
    {API_LIST, call_list},
    {API_USER_STATUS, call_user_status},
    {API_USER_RECENT, call_user_recent},
    {API_USER_STATISTICS, call_user_statistics},
    {API_ENROLL_TOTP, call_enroll_totp},
    {API_CONFIRM_TOTP, call_confirm_totp},
    {API_SYSTEM_INFORMATION, call_system_information},
    {API_GET_DB_PATH, call_db_path},
};

static void
run(struct call *call)
{
    for (size_t i = 0; i < ARRAY_LEN(own); i++) {
        if (own[i].id == call->request.call) {
            own[i].run(call);
            return;
        }
    }
    if (api_call_oper_kind(call->request.call) >= 0)
        call_system(call);
    else
        call_account(call);
}

static void
write_answer(struct strbuf *json, const struct call *call)
{
    struct json_writer w = {.out = json};

    json_writer_open(&w, NULL, '{');
    json_writer_number(&w, "result", call->result);
    json_writer_text(&w, "text", strbuf_slice(&call->text));
    if (call->data.len > 0 && call->result == 0)
        (void)strbuf_printf(json, ",%s", strbuf_cstr(&call->data)); /* room was left for it */
    json_writer_close(&w, '}');
}

void
call_write_error(struct strbuf *json, uint32_t result, const char *text)
{
    const struct call call = {.result = result,
                              .text = {.ptr = (char *)(uintptr_t)text, .len = strlen(text)}};

    write_answer(json, &call);
}

bool
call_run(struct session *s, enum api_call_id id, struct strbuf *json)
{
    struct call call = {.session = s, .text = strbuf_new(TEXT_MAX), .data = strbuf_new(DATA_MAX)};
    struct strbuf error = strbuf_new(TEXT_MAX);
    bool away;

    call.json.out = &call.data;
    stats_add(s->server->count.calls, 1);
    if (api_request_parse(&call.request, id, http_request_body(s->request), &error) < 0)
        call_fail(&call, API_BAD_PARAMETERS, "%s", strbuf_cstr(&error));
    else
        run(&call);
    away = call.result == CALL_AWAY;
    if (call.data.overflow)
        call_fail(&call, CALL_AWAY, "the answer is too long: ask for less");
    log_event(LOG_INFO, "call", KV_STR("call", api_calls[id].name),
              KV_STR("admin", s->name == NULL ? "" : s->name), KV_U64("result", call.result));
    write_answer(json, &call);
    api_request_free(&call.request);
    strbuf_free(&error);
    strbuf_free(&call.text);
    if (call.data.ptr != NULL)
        mem_wipe(call.data.ptr, call.data.cap);
    strbuf_free(&call.data);
    return !away;
}
