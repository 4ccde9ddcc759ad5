/*
 * admind/call_user.c - calls about what users did: status, lists, sums.
 */
#include <string.h>

#include "admind/call.h"
#include "lib/base/encode.h"
#include "lib/base/parse.h"

enum { CURSOR_MAX = 2048, ENCODED_MAX = 2 * CURSOR_MAX };

/* What `status` shows, of all that accountd tells. */
void
call_user_status(struct call *call)
{
    static const char *const names[] = {"address",
                                        "full_name",
                                        "status",
                                        "expires",
                                        "created",
                                        "last_visit",
                                        "last_visit_service",
                                        "last_visit_address",
                                        "password_changed",
                                        "quota_bytes",
                                        "quota_messages",
                                        "used_bytes",
                                        "used_messages"};
    struct object_field fields[OBJECT_FIELDS_MAX], chosen[ARRAY_LEN(names)];
    const struct accountd_admin request = {
        .verb = SLICE("status"), .kind = SLICE("user"), .name = strbuf_slice(&call->request.name)};
    struct accountd_admin_reply reply;
    int count = call_ask(call, &request, &reply) ? object_next(&reply.data, fields) : 0;

    if (count <= 0)
        return;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        chosen[i] = (struct object_field){slice_of(names[i]),
                                          object_get(fields, (uint32_t)count, names[i])};
    call_write_object(call, "status", ACCOUNT_USER, chosen, ARRAY_LEN(chosen));
}

/* ---- lists and sums: names as the recorder of accountd gives them ---- */

static bool
is_number(struct slice name)
{
    static const char *const texts[] = {"address", "time",   "client",  "recipients",
                                        "result",  "sender", "from",    "queue_id",
                                        "service", "folder", "location"};

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (slice_eq(name, slice_of(texts[i])))
            return false;
    return true;
}

static void
write_object(struct call *call, const char *key, const struct object_field *fields, uint32_t count)
{
    char name[OBJECT_NAME_MAX + 1];
    uint64_t number;

    json_writer_open(&call->json, key, '{');
    for (uint32_t i = 0; i < count; i++) {
        if (fields[i].name.len > OBJECT_NAME_MAX)
            continue;
        memcpy(name, fields[i].name.ptr, fields[i].name.len);
        name[fields[i].name.len] = '\0';
        if (!is_number(fields[i].name))
            json_writer_text(&call->json, name, fields[i].value);
        else if (parse_u64(fields[i].value, UINT64_MAX, &number) == 0)
            json_writer_number(&call->json, name, number);
    }
    json_writer_close(&call->json, '}');
}

static void
write_objects(struct call *call, const char *key, struct slice data)
{
    static struct object_field fields[OBJECT_FIELDS_MAX];
    int count;

    json_writer_open(&call->json, key, '[');
    while ((count = object_next(&data, fields)) > 0)
        write_object(call, NULL, fields, (uint32_t)count);
    json_writer_close(&call->json, ']');
}

void
call_user_recent(struct call *call)
{
    static struct object_field today[OBJECT_FIELDS_MAX];
    const struct object_field field = {SLICE("list"),
                                       api_request_value(&call->request, "list")->text};
    const struct accountd_admin request = {.verb = SLICE("recent"),
                                           .kind = SLICE("user"),
                                           .name = strbuf_slice(&call->request.name),
                                           .fields = &field,
                                           .field_count = 1};
    struct accountd_admin_reply reply;
    int count = call_ask(call, &request, &reply) ? object_next(&reply.data, today) : 0;

    if (count <= 0)
        return;
    write_object(call, "today", today, (uint32_t)count);
    write_objects(call, "entries", reply.data);
}

void
call_user_statistics(struct call *call)
{
    static const char *const periods[] = {"day", "week", "month"};
    uint64_t period = api_request_value(&call->request, "period")->number;
    struct strbuf cursor = strbuf_new(CURSOR_MAX), encoded = strbuf_new(ENCODED_MAX);
    const struct object_field fields[] = {
        {SLICE("within"), api_request_value(&call->request, "domain")->text},
        {SLICE("period"), slice_of(periods[period % ARRAY_LEN(periods)])},
        {SLICE("date"), api_request_value(&call->request, "date")->text}};
    struct accountd_admin request = {.verb = SLICE("sums"),
                                     .kind = SLICE("user"),
                                     .fields = fields,
                                     .field_count = ARRAY_LEN(fields)};
    struct accountd_admin_reply reply;

    if (base64_decode(api_request_value(&call->request, "cursor")->text, &cursor) < 0) {
        call_fail(call, API_BAD_PARAMETERS, "cursor: expected that of an answer");
    } else {
        request.cursor = strbuf_slice(&cursor);
        if (call_ask(call, &request, &reply)) {
            write_objects(call, "users", reply.data);
            (void)base64_encode(reply.cursor, &encoded); /* it fits */
            json_writer_text(&call->json, "cursor", strbuf_slice(&encoded));
        }
    }
    strbuf_free(&cursor);
    strbuf_free(&encoded);
}
