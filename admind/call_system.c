/*
 * admind/call_system.c - calls that are system operations: services, queue, settings, logs... What
 * is asked goes to authd, which has accountd judge it and operd do it.
 */
#include <stdio.h>

#include "admind/call.h"
#include "lib/base/random.h"
#include "lib/oper/kinds.h"

static void
write_field(struct json_writer *w, const char *name, enum oper_type type, struct slice value)
{
    switch (type) {
    case OPER_TEXT:
        json_writer_text(w, name, value);
        break;
    case OPER_NUMBER:
        call_write_number(w, name, value);
        break;
    case OPER_BOOL:
        json_writer_bool(w, name, slice_eq(value, SLICE("yes")));
        break;
    case OPER_LIST:
        call_write_list(w, name, value);
        break;
    }
}

void
call_write_oper(struct call *call, const char *key, enum oper_kind kind,
                const struct object_field *fields, uint32_t count)
{
    size_t known;
    const struct oper_field *of = oper_fields_of(kind, &known);

    json_writer_open(&call->json, key, '{');
    for (size_t i = 0; i < known; i++)
        write_field(&call->json, of[i].name, of[i].type, object_get(fields, count, of[i].name));
    json_writer_close(&call->json, '}');
}

/* ---- what an operation answers ---- */

static void
write_objects(struct call *call, const char *key, enum oper_kind kind, struct slice data)
{
    static struct object_field fields[OBJECT_FIELDS_MAX];
    int count;

    json_writer_open(&call->json, key, '[');
    while ((count = object_next(&data, fields)) > 0)
        call_write_oper(call, NULL, kind, fields, (uint32_t)count);
    json_writer_close(&call->json, ']');
}

static void
write_shown(struct call *call, enum oper_kind kind, struct slice data)
{
    static struct object_field fields[OBJECT_FIELDS_MAX];
    int count = object_next(&data, fields);

    if (count <= 0)
        return;
    call_write_oper(call, "object", kind, fields, (uint32_t)count);
    if (kind == OPER_QUEUE)
        write_objects(call, "recipients", OPER_RECIPIENT, data);
}

static void
write_lines(struct call *call, struct slice data)
{
    static struct object_field fields[OBJECT_FIELDS_MAX];
    int count;

    json_writer_open(&call->json, "lines", '[');
    while ((count = object_next(&data, fields)) > 0)
        json_writer_text(&call->json, NULL, object_get(fields, (uint32_t)count, "line"));
    json_writer_close(&call->json, ']');
}

/* Figures, the part of a message, the id of one. */
static void
write_members(struct call *call, struct slice data)
{
    static struct object_field fields[OBJECT_FIELDS_MAX];
    int count = object_next(&data, fields);

    for (int i = 0; i < count; i++) {
        char name[OBJECT_NAME_MAX + 1];
        bool is_text = slice_eq(fields[i].name, SLICE("content")) ||
                       slice_eq(fields[i].name, SLICE("id")) ||
                       slice_eq(fields[i].name, SLICE("location"));

        (void)snprintf(name, sizeof(name), "%.*s", (int)fields[i].name.len, fields[i].name.ptr);
        write_field(&call->json, name, is_text ? OPER_TEXT : OPER_NUMBER, fields[i].value);
    }
}

static struct slice
cursor_of(const struct call *call)
{
    const struct api_value *cursor = api_request_find(&call->request, "cursor");

    return cursor == NULL ? SLICE("") : cursor->text;
}

/* ---- messages to all users ---- */

static bool
is_broadcast(const struct accountd_admin *request)
{
    return slice_eq(request->verb, SLICE("send")) &&
           slice_eq(request->kind, slice_of(oper_kind_name(OPER_BROADCAST)));
}

/* Chosen before anybody is asked: without an answer it is what makes a repetition safe. */
static void
make_id(struct call *call, struct accountd_admin *request)
{
    (void)strbuf_printf(&call->request.name, "%016llx", (unsigned long long)random_u64());
    request->name = strbuf_slice(&call->request.name);
}

/* Whoever did not answer may do it all the same. */
static void
name_id(struct call *call, struct slice id)
{
    if (call->result == CALL_AWAY)
        (void)strbuf_printf(&call->text,
                            "; whether the message is sent is unknown: repeat it with the id "
                            "'%.*s', and nobody gets it twice",
                            (int)id.len, id.ptr);
}

void
call_system(struct call *call)
{
    const struct api_call *c = &api_calls[call->request.call];
    enum oper_kind kind = (enum oper_kind)api_call_oper_kind(call->request.call);
    struct slice verb = slice_of(c->verb);
    struct accountd_admin request = {.verb = verb,
                                     .kind = slice_of(oper_kind_name(kind)),
                                     .name = strbuf_slice(&call->request.name),
                                     .cursor = cursor_of(call),
                                     .fields = call->request.fields,
                                     .field_count = call->request.field_count};
    struct accountd_admin_reply reply;

    if (is_broadcast(&request) && request.name.len == 0)
        make_id(call, &request);
    if (!call_ask(call, &request, &reply)) {
        if (is_broadcast(&request))
            name_id(call, request.name);
        return;
    }
    if (slice_eq(verb, SLICE("list"))) {
        write_objects(call, "objects", kind, reply.data);
        json_writer_text(&call->json, "cursor", reply.cursor);
    } else if (slice_eq(verb, SLICE("show"))) {
        write_shown(call, kind, reply.data);
    } else if (slice_eq(verb, SLICE("test"))) {
        write_objects(call, "objects", OPER_ALERT_WAY, reply.data);
    } else if (slice_eq(verb, SLICE("read"))) {
        write_lines(call, reply.data);
    } else {
        write_members(call, reply.data);
    }
}

/* ---- the system ---- */

/* True: those of the kind that the administrator may see are counted, unless the call has failed.
 */
static bool
count_accounts(struct call *call, const char *kind, uint64_t *total)
{
    static struct object_field fields[OBJECT_FIELDS_MAX];
    struct strbuf cursor = strbuf_new(4096);
    struct accountd_admin_reply reply;
    bool more = true;

    *total = 0;
    while (more) {
        const struct accountd_admin request = {
            .verb = SLICE("list"), .kind = slice_of(kind), .cursor = strbuf_slice(&cursor)};

        if (!call_ask(call, &request, &reply))
            break;
        while (object_next(&reply.data, fields) > 0)
            (*total)++;
        strbuf_clear(&cursor);
        (void)strbuf_append(&cursor, reply.cursor); /* the decoder's limit is lower */
        more = cursor.len > 0;
    }
    strbuf_free(&cursor);
    return !more;
}

static void
write_count(struct call *call, const char *name, const char *kind)
{
    uint64_t total;

    if (count_accounts(call, kind, &total)) {
        json_writer_number(&call->json, name, total);
    } else if (call->result == ACCOUNTD_NO_RIGHT) {
        json_writer_null(&call->json, name);
        call->result = 0;
        strbuf_clear(&call->text);
    }
}

static bool
ask_host(struct call *call, struct accountd_admin_reply *reply)
{
    const struct accountd_admin request = {.verb = SLICE("show"), .kind = SLICE("host")};

    return call_ask(call, &request, reply);
}

/* Data of the host are for super administrators (ADM-06). */
void
call_system_information(struct call *call)
{
    struct accountd_admin_reply reply;

    if (ask_host(call, &reply)) {
        write_shown(call, OPER_HOST, reply.data);
    } else if (call->result == ACCOUNTD_NO_RIGHT) {
        call->result = 0;
        strbuf_clear(&call->text);
    }
    if (call->result == 0)
        write_count(call, "domains", "domain");
    if (call->result == 0)
        write_count(call, "mailboxes", "user");
}

void
call_db_path(struct call *call)
{
    static struct object_field fields[OBJECT_FIELDS_MAX];
    struct accountd_admin_reply reply;
    int count;

    if (ask_host(call, &reply) && (count = object_next(&reply.data, fields)) > 0)
        json_writer_text(&call->json, "path", object_get(fields, (uint32_t)count, "database"));
}
