/*
 * posthorn/remote.c - operations as calls of the administrative API (lib/api/api.def).
 *
 * Which call an operation is, and which parameter each of its fields, comes from the table of
 * calls. The server's answers are taken for what a stranger says: their objects are shown, nothing
 * else.
 */
#include "posthorn/remote.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define POSTHORN_WITHOUT_CALLS
#include "include/posthorn.h"
#include "lib/api/api.h"
#include "lib/api/api_request.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "posthorn/api_server.h"

enum { JSON_MAX = 300000, LIST_LIMIT = 1000, FIELDS_MAX = OBJECT_FIELDS_MAX };

struct remote {
    struct api_profile profile;
    struct posthorn *server; /* NULL: not connected yet */
    struct strbuf text, cursor, data;
};

struct remote *
remote_new(const struct api_profile *profile)
{
    struct remote *remote = xcalloc(1, sizeof(*remote));

    remote->profile = *profile;
    remote->text = strbuf_new(ACCOUNTD_TEXT_MAX);
    remote->cursor = strbuf_new(4096);
    remote->data = strbuf_new(ACCOUNTD_PAYLOAD_MAX);
    return remote;
}

void
remote_free(struct remote **remotep)
{
    struct remote *remote = *remotep;

    if (remote == NULL)
        return;
    posthorn_free(&remote->server);
    api_profile_free(&remote->profile);
    strbuf_free(&remote->text);
    strbuf_free(&remote->cursor);
    if (remote->data.ptr != NULL)
        mem_wipe(remote->data.ptr, remote->data.cap); /* a code may be in it */
    strbuf_free(&remote->data);
    xfree(remotep);
}

/* ---- which call ---- */

/* Verbs on accounts; `kind` NULL: on all others. */
static const struct {
    const char *verb, *kind;
    enum api_call_id call;
} routes[] = {
    {"passwd", "user", API_SET_USER_PASSWORD},
    {"passwd", "admin", API_SET},
    {"check", "user", API_CHECK_USER},
    {"add", "auth-code", API_ADD_CODE},
    {"del", "auth-code", API_REVOKE_CODE},
    {"status", "user", API_USER_STATUS},
    {"recent", "user", API_USER_RECENT},
    {"sums", "user", API_USER_STATISTICS},
    {"list", NULL, API_LIST},
    {"show", NULL, API_SHOW},
    {"add", NULL, API_ADD},
    {"set", NULL, API_SET},
    {"del", NULL, API_REMOVE},
    {"rename", NULL, API_RENAME},
    {"grant", NULL, API_GRANT},
};

/* -1: the API has none. */
static int
find_call(const struct accountd_admin *request)
{
    int kind = oper_kind_find(request->kind);

    for (int i = 0; kind >= 0 && i < API_CALL_COUNT; i++)
        if (api_calls[i].kind == API_OF(kind) && api_calls[i].verb != NULL &&
            slice_eq(request->verb, slice_of(api_calls[i].verb)))
            return i;
    if (kind >= 0)
        return slice_eq(request->verb, SLICE("list")) ? API_LIST : -1;
    for (size_t i = 0; account_kind_find(request->kind) >= 0 && i < ARRAY_LEN(routes); i++)
        if (slice_eq(request->verb, slice_of(routes[i].verb)) &&
            (routes[i].kind == NULL || slice_eq(request->kind, slice_of(routes[i].kind))))
            return (int)routes[i].call;
    return -1;
}

/* ---- its parameters ---- */

struct parameters {
    const struct accountd_admin *request;
    struct posthorn_param list[API_PARAMS_MAX];
    char *texts[API_PARAMS_MAX]; /* that the list borrows */
    unsigned count;
    bool used[FIELDS_MAX]; /* fields of the request that have found their place */
};

static void
add_text(struct parameters *ps, const char *name, struct slice value, bool is_json)
{
    ps->texts[ps->count] = xslicedup(value);
    ps->list[ps->count] =
        (struct posthorn_param){.name = name, .text = ps->texts[ps->count], .is_json = is_json};
    ps->count++;
}

static void
add_number(struct parameters *ps, const char *name, int64_t number)
{
    ps->list[ps->count++] = (struct posthorn_param){.name = name, .number = number};
}

static void
free_parameters(struct parameters *ps)
{
    for (unsigned i = 0; i < ps->count; i++) {
        if (ps->texts[i] != NULL)
            mem_wipe(ps->texts[i], strlen(ps->texts[i])); /* a password may have been in it */
        free(ps->texts[i]);
    }
}

/* All fields that are left. */
static void
add_object(struct parameters *ps, const char *name)
{
    struct strbuf json = strbuf_new(JSON_MAX);
    const char *comma = "{";

    for (uint32_t i = 0; i < ps->request->field_count; i++) {
        if (ps->used[i])
            continue;
        ps->used[i] = true;
        (void)strbuf_str(&json, comma);
        json_quote(&json, ps->request->fields[i].name);
        (void)strbuf_char(&json, ':');
        json_quote(&json, ps->request->fields[i].value);
        comma = ",";
    }
    (void)strbuf_str(&json, json.len == 0 ? "{}" : "}");
    add_text(ps, name, strbuf_slice(&json), true);
    if (json.ptr != NULL)
        mem_wipe(json.ptr, json.cap);
    strbuf_free(&json);
}

/* A field that the parameter stands for; -1: it is not given. */
static int
find_field(const struct parameters *ps, const struct api_param *p)
{
    for (uint32_t i = 0; i < ps->request->field_count; i++)
        if (slice_eq(ps->request->fields[i].name, slice_of(p->to != NULL ? p->to : p->name)))
            return (int)i;
    return -1;
}

/* The number of a word among the choices; -1: it is none of them. */
static int64_t
choice_number(const struct api_param *p, struct slice word)
{
    struct slice rest = slice_of(p->choices);

    for (int64_t i = 0; rest.len > 0; i++)
        if (slice_eq(slice_split(&rest, '|'), word))
            return i;
    return -1;
}

static int
add_typed(struct cli *cli, struct parameters *ps, const struct api_param *p, struct slice value)
{
    struct tm tm = {.tm_year = 0};
    uint64_t number;
    char *day;

    switch (p->type) {
    case API_TEXT:
        add_text(ps, p->name, value, false);
        return CLI_OK;
    case API_BOOL:
        add_text(ps, p->name, slice_eq(value, SLICE("yes")) ? SLICE("true") : SLICE("false"), true);
        return CLI_OK;
    case API_STAMP: /* a day */
        day = xslicedup(value);
        number = strptime(day, "%Y-%m-%d", &tm) != NULL ? (uint64_t)timegm(&tm) : 0;
        free(day);
        if (number == 0 && value.len > 0)
            return cli_fail(cli, "%s: expected a date, YYYY-MM-DD", p->name);
        add_number(ps, p->name, (int64_t)number);
        return CLI_OK;
    case API_NUMBER:
        if (parse_u64(value, INT64_MAX, &number) < 0)
            return cli_fail(cli, "%s: expected a number", p->name);
        add_number(ps, p->name, (int64_t)number);
        return CLI_OK;
    case API_CHOICE:
        if (value.len == 0)
            return CLI_OK; /* none is chosen */
        if (choice_number(p, value) < 0)
            break;
        add_number(ps, p->name, choice_number(p, value));
        return CLI_OK;
    case API_KILO:
    case API_NOT:
    case API_OBJECT:
        break;
    }
    return cli_fail(cli, "'%s' has no form for another server", p->name);
}

static bool
goes_to(const struct api_param *p, const char *place)
{
    return p->to != NULL && strcmp(p->to, place) == 0;
}

/* A part of the account's name. True: the parameter is one. */
static bool
add_name(struct parameters *ps, const struct api_param *p)
{
    struct slice name = ps->request->name;
    size_t at = slice_rindex(name, '@');

    if (goes_to(p, API_USER))
        add_text(ps, p->name, slice_sub(name, 0, at), false);
    else if (goes_to(p, API_DOMAIN))
        add_text(ps, p->name, slice_sub(name, at + 1, name.len), false);
    else if (goes_to(p, API_NAME) || strcmp(p->name, "name") == 0)
        add_text(ps, p->name, name, false);
    else if (strcmp(p->name, "kind") == 0)
        add_text(ps, p->name, ps->request->kind, false);
    else
        return false;
    return true;
}

static int
add_parameter(struct cli *cli, struct parameters *ps, const struct api_param *p)
{
    int field = find_field(ps, p);

    if (add_name(ps, p))
        return CLI_OK;
    if (strcmp(p->name, "cursor") == 0) {
        if (ps->request->cursor.len > 0)
            add_text(ps, p->name, ps->request->cursor, false);
        return CLI_OK;
    }
    if (field >= 0) {
        ps->used[field] = true;
        return add_typed(cli, ps, p, ps->request->fields[field].value);
    }
    if (strcmp(p->name, "limit") == 0)
        add_number(ps, p->name, LIST_LIMIT);
    return CLI_OK;
}

static int
take_parameters(struct cli *cli, enum api_call_id call, struct parameters *ps)
{
    size_t count;
    const struct api_param *params = api_params_of(call, &count);
    int rc = CLI_OK;

    for (size_t i = 0; i < count && rc == CLI_OK; i++)
        if (params[i].type != API_OBJECT)
            rc = add_parameter(cli, ps, &params[i]);
    for (size_t i = 0; i < count && rc == CLI_OK; i++)
        if (params[i].type == API_OBJECT)
            add_object(ps, params[i].name);
    for (uint32_t i = 0; i < ps->request->field_count && rc == CLI_OK; i++)
        if (!ps->used[i] && ps->request->fields[i].value.len > 0)
            rc = cli_fail(cli, "'%.*s' has no form for another server",
                          (int)ps->request->fields[i].name.len, ps->request->fields[i].name.ptr);
    return rc;
}

/* ---- the answer ---- */

static void
append_scalar(struct strbuf *out, const json_t *value)
{
    if (json_is_string(value))
        (void)strbuf_append(out, slice_make(json_string_value(value), json_string_length(value)));
    else if (json_is_integer(value))
        (void)strbuf_printf(out, "%lld", (long long)json_integer_value(value));
    else if (json_is_boolean(value))
        (void)strbuf_str(out, json_is_true(value) ? "yes" : "no");
}

/* A list is its words, as properties have them. */
static void
append_value(struct strbuf *out, const json_t *value)
{
    append_scalar(out, value);
    for (size_t i = 0; i < json_array_size(value); i++) {
        (void)strbuf_str(out, i > 0 ? " " : "");
        append_scalar(out, json_array_get(value, i));
    }
}

static bool
is_of_answer(const char *name)
{
    return strcmp(name, "result") == 0 || strcmp(name, "text") == 0 || strcmp(name, "cursor") == 0;
}

/* One object. `is_answer`: it is the answer itself, whose result, text and cursor are no fields. */
static void
take_object(struct remote *remote, json_t *object, bool is_answer)
{
    struct object_field *fields = xcalloc(FIELDS_MAX, sizeof(*fields));
    struct strbuf *values = xcalloc(FIELDS_MAX, sizeof(*values));
    uint32_t count = 0;
    const char *name;
    json_t *value;

    json_object_foreach(object, name, value)
    {
        if (count == FIELDS_MAX || strlen(name) > OBJECT_NAME_MAX ||
            (is_answer && is_of_answer(name)))
            continue;
        values[count] = strbuf_new(OBJECT_VALUE_MAX);
        append_value(&values[count], value);
        fields[count] = (struct object_field){slice_of(name), strbuf_slice(&values[count])};
        count++;
    }
    object_add(&remote->data, fields, count);
    for (uint32_t i = 0; i < count; i++)
        strbuf_free(&values[i]);
    free(values);
    free(fields);
}

static void
take_objects(struct remote *remote, const json_t *array)
{
    for (size_t i = 0; i < json_array_size(array); i++)
        take_object(remote, json_array_get(array, i), false);
}

static void
take_lines(struct remote *remote, const json_t *array)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *line = json_array_get(array, i);
        const struct object_field field = {
            SLICE("line"), slice_make(json_string_value(line), json_string_length(line))};

        if (json_is_string(line))
            object_add(&remote->data, &field, 1);
    }
}

/* Members with one object, then those with many; an answer without any is an object itself. */
static void
take_members(struct remote *remote, json_t *root)
{
    static const char *const one[] = {"object", "status", "today"}, *const many[] = {
                                                                        "recipients", "objects",
                                                                        "users", "entries"};
    bool found = false;

    for (size_t i = 0; i < ARRAY_LEN(one); i++) {
        json_t *object = json_object_get(root, one[i]);

        if (json_is_object(object)) {
            take_object(remote, object, false);
            found = true;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(many); i++) {
        const json_t *array = json_object_get(root, many[i]);

        found = found || json_is_array(array);
        take_objects(remote, array);
    }
    if (!found)
        take_object(remote, root, true);
}

static void
take_answer(struct remote *remote, struct accountd_admin_reply *reply)
{
    json_t *root = json_loads(posthorn_answer(remote->server), JSON_REJECT_DUPLICATES, NULL);
    const char *cursor = json_string_value(json_object_get(root, "cursor"));

    strbuf_clear(&remote->data);
    strbuf_clear(&remote->cursor);
    if (json_object_get(root, "lines") != NULL)
        take_lines(remote, json_object_get(root, "lines"));
    else if (root != NULL)
        take_members(remote, root);
    if (cursor != NULL)
        (void)strbuf_str(&remote->cursor, cursor); /* longer than ours: the page is the last */
    json_decref(root);
    reply->data = strbuf_slice(&remote->data);
    reply->cursor = strbuf_slice(&remote->cursor);
}

/* ---- operations ---- */

/* Connected from here on; NULL after the message. */
static struct posthorn *
server_of(struct cli *cli)
{
    struct remote *remote = cli->remote;

    if (remote->server == NULL)
        remote->server = api_server_connect(cli, &remote->profile);
    return remote->server;
}

static int
ask(struct cli *cli, enum api_call_id call, const struct parameters *ps,
    struct accountd_admin_reply *reply)
{
    struct remote *remote = cli->remote;
    int rc;

    if (server_of(cli) == NULL)
        return CLI_FAILED;
    rc = posthorn_call(remote->server, api_calls[call].name, ps->list, ps->count);
    if (rc < 0)
        return api_server_trouble(cli, rc, remote->server);
    strbuf_clear(&remote->text);
    (void)strbuf_str(&remote->text, posthorn_text(remote->server)); /* its limit is lower */
    *reply =
        (struct accountd_admin_reply){.result = (uint32_t)rc, .text = strbuf_slice(&remote->text)};
    take_answer(remote, reply);
    return CLI_OK;
}

int
remote_ask(struct cli *cli, const struct accountd_admin *request,
           struct accountd_admin_reply *reply)
{
    struct parameters *ps = xcalloc(1, sizeof(*ps));
    int call = find_call(request), rc;

    ps->request = request;
    if (call < 0)
        rc =
            cli_fail(cli, "'%.*s' of a %.*s has no form for another server", (int)request->verb.len,
                     request->verb.ptr, (int)request->kind.len, request->kind.ptr);
    else
        rc = take_parameters(cli, (enum api_call_id)call, ps);
    if (rc == CLI_OK)
        rc = ask(cli, (enum api_call_id)call, ps, reply);
    free_parameters(ps);
    free(ps);
    return rc;
}

int
remote_do(struct cli *cli, const struct accountd_admin *request, struct accountd_admin_reply *reply)
{
    int rc;

    *reply = (struct accountd_admin_reply){0};
    rc = remote_ask(cli, request, reply);
    if (rc != CLI_OK || reply->result == 0)
        return rc;
    return cli_fail(cli, "%.*s", (int)reply->text.len, reply->text.ptr);
}

int
remote_order(struct cli *cli, enum oper_kind kind, const char *verb, const char *name)
{
    const struct accountd_admin request = {
        .verb = slice_of(verb), .kind = slice_of(oper_kind_name(kind)), .name = slice_of(name)};
    struct accountd_admin_reply reply;

    return remote_do(cli, &request, &reply);
}

int
remote_own_password(struct cli *cli, struct slice password)
{
    char *new = xslicedup(password);
    struct posthorn *server = server_of(cli);
    const struct posthorn_param params[] = {
        {"old", strbuf_cstr(&cli->remote->profile.password), 0, 0}, {"new", new, 0, 0}};
    int rc = server == NULL
                 ? CLI_FAILED
                 : posthorn_call(server, api_calls[API_CHANGE_OWN_PASSWORD].name, params, 2);

    if (server != NULL && rc < 0)
        rc = api_server_trouble(cli, rc, server);
    else if (server != NULL && rc > 0)
        rc = cli_fail(cli, "%s", posthorn_text(server));
    mem_wipe(new, strlen(new));
    free(new);
    return rc;
}

int
remote_each(struct cli *cli, enum oper_kind kind, const struct object_field *fields,
            uint32_t field_count,
            void (*each)(void *arg, const struct object_field *fields, uint32_t count), void *arg)
{
    struct object_field *row = xcalloc(OBJECT_FIELDS_MAX, sizeof(*row));
    struct strbuf cursor = strbuf_new(4096);
    struct accountd_admin_reply reply;
    int rc, count;

    do {
        const struct accountd_admin request = {.verb = SLICE("list"),
                                               .kind = slice_of(oper_kind_name(kind)),
                                               .cursor = strbuf_slice(&cursor),
                                               .fields = fields,
                                               .field_count = field_count};

        rc = remote_do(cli, &request, &reply);
        while (rc == CLI_OK && (count = object_next(&reply.data, row)) > 0)
            each(arg, row, (uint32_t)count);
        strbuf_clear(&cursor);
        if (rc == CLI_OK)
            (void)strbuf_append(&cursor, reply.cursor); /* the same limit */
    } while (rc == CLI_OK && cursor.len > 0);
    strbuf_free(&cursor);
    free(row);
    return rc;
}
