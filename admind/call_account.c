/*
 * admind/call_account.c - calls that are operations on accounts: those of the table, the generic
 * ones, groups with their members.
 */
#include <stdio.h>

#include "admind/call.h"

static struct slice
text_of(const struct call *call, const char *param)
{
    return api_request_value(&call->request, param)->text;
}

/* What the generic calls have in common. False: there is no such kind. */
static bool
begin(struct call *call, const char *verb, struct accountd_admin *request)
{
    struct slice kind = text_of(call, "kind");

    *request = (struct accountd_admin){.verb = slice_of(verb),
                                       .kind = kind,
                                       .name = text_of(call, "name"),
                                       .fields = call->request.fields,
                                       .field_count = call->request.field_count};
    if (account_kind_find(kind) == ACCOUNT_AUTH_CODE && slice_eq(request->verb, SLICE("add"))) {
        call_fail(call, API_BAD_PARAMETERS, "codes are made by AddCode");
        return false;
    }
    if (account_kind_find(kind) >= 0)
        return true;
    call_fail(call, API_BAD_PARAMETERS, "kind: there is no kind of account '%.*s'", (int)kind.len,
              kind.ptr);
    return false;
}

static void
change(struct call *call, const char *verb)
{
    struct accountd_admin request;
    struct accountd_admin_reply reply;

    if (begin(call, verb, &request))
        (void)call_ask(call, &request, &reply); /* the result is the call's */
}

/* With the given parameters as fields. */
static void
change_with(struct call *call, const char *verb, const char *const *params, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (api_request_value(&call->request, params[i])->given)
            call->request.fields[call->request.field_count++] =
                (struct object_field){slice_of(params[i]), text_of(call, params[i])};
    change(call, verb);
}

static void
show(struct call *call)
{
    struct object_field fields[OBJECT_FIELDS_MAX];
    struct accountd_admin request;
    struct accountd_admin_reply reply;
    int count;

    if (!begin(call, "show", &request) || !call_ask(call, &request, &reply))
        return;
    count = object_next(&reply.data, fields);
    if (count > 0)
        call_write_object(call, "object",
                          (enum account_kind)account_kind_find(text_of(call, "kind")), fields,
                          (uint32_t)count);
}

static void
rename_it(struct call *call)
{
    static const char *const params[] = {"new_name"};

    change_with(call, "rename", params, ARRAY_LEN(params));
}

static void
remove_it(struct call *call)
{
    static const char *const params[] = {"member"};

    change_with(call, "del", params, ARRAY_LEN(params));
}

static void
grant(struct call *call)
{
    static const char *const params[] = {"member", "right", "folder", "rights"};

    change_with(call, "grant", params, ARRAY_LEN(params));
}

/* ---- groups ---- */

static bool
operation(struct call *call, const char *verb, const char *kind, const struct object_field *fields,
          uint32_t count)
{
    const struct accountd_admin request = {.verb = slice_of(verb),
                                           .kind = slice_of(kind),
                                           .name = strbuf_slice(&call->request.name),
                                           .fields = fields,
                                           .field_count = count};
    struct accountd_admin_reply reply;

    return call_ask(call, &request, &reply);
}

/* Properties and members are one change: all of it or nothing. */
static void
change_group(struct call *call, const char *verb)
{
    if (api_request_value(&call->request, "members")->given)
        call->request.fields[call->request.field_count++] =
            (struct object_field){SLICE("members"), text_of(call, "members")};
    (void)operation(call, verb, "group", call->request.fields,
                    call->request.field_count); /* the result is the call's */
}

/* ---- codes ---- */

/* The answer has it: nobody keeps it. */
static void
add_code(struct call *call)
{
    const struct accountd_admin request = {.verb = SLICE("add"),
                                           .kind = SLICE("auth-code"),
                                           .name = strbuf_slice(&call->request.name),
                                           .fields = call->request.fields,
                                           .field_count = call->request.field_count};
    struct object_field fields[OBJECT_FIELDS_MAX];
    struct accountd_admin_reply reply;
    int count;

    if (!call_ask(call, &request, &reply) || (count = object_next(&reply.data, fields)) <= 0)
        return;
    for (int i = 0; i < count; i++) {
        char name[OBJECT_NAME_MAX + 1];

        (void)snprintf(name, sizeof(name), "%.*s", (int)fields[i].name.len, fields[i].name.ptr);
        json_writer_text(&call->json, name, fields[i].value);
    }
}

/* ---- which is which ---- */

static void
run_of_table(struct call *call)
{
    const struct api_call *c = &api_calls[call->request.call];

    (void)operation(call, c->verb, account_kind_name((enum account_kind)c->kind),
                    call->request.fields, call->request.field_count); /* the result is the call's */
}

void
call_account(struct call *call)
{
    switch (call->request.call) {
    case API_SHOW:
        show(call);
        break;
    case API_ADD:
        change(call, "add");
        break;
    case API_SET:
        change(call, "set");
        break;
    case API_REMOVE:
        remove_it(call);
        break;
    case API_RENAME:
        rename_it(call);
        break;
    case API_GRANT:
        grant(call);
        break;
    case API_ADD_GROUP:
        change_group(call, "add");
        break;
    case API_ADD_CODE:
        add_code(call);
        break;
    case API_MODIFY_GROUP:
        change_group(call, "set");
        break;
    default:
        run_of_table(call);
        break;
    }
}
