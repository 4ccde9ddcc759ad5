/*
 * accountd/own_password.c - OWN_PASSWORD: a user's new password.
 *
 * authd is believed that the user has asked; the request may be about that user's password alone.
 */
#include "accountd/own_password.h"

#include <stdlib.h>

#include "accountd/new_password.h"
#include "lib/account/password_rules.h"
#include "lib/auth/made_up.h"
#include "lib/base/mem.h"

#define MADE_UP_FIELD "made_up"

enum { REQUEST_BYTES_MAX = 8192 };

static bool
is_about_the_actor(const struct accountd_admin *admin)
{
    return slice_eq(admin->verb, SLICE("passwd")) && slice_eq(admin->kind, SLICE("user")) &&
           admin->name.len > 0 && slice_eq(admin->name, admin->actor) && admin->field_count == 1 &&
           slice_eq(admin->fields[0].name, SLICE(NEW_PASSWORD_FIELD));
}

/* Of a user who is not there any more none: the operation will say so. */
static unsigned
length_wanted(struct server *server, struct slice name)
{
    if (account_find_exact(&server->base, name, &server->hit) != ACCOUNT_FOUND ||
        server->hit.entry.kind != ACCOUNT_USER)
        return 0;
    return password_rules_of(&server->hit.domain, &server->hit.entry).policy.min_length;
}

/* The request again, with a password in it. */
static enum outcome
run_with_made_up(struct request *request, const struct accountd_admin *admin)
{
    struct strbuf password = strbuf_new(MADE_UP_MAX), frame = strbuf_new(REQUEST_BYTES_MAX);
    struct accountd_admin with = *admin;
    struct request again = *request;
    enum outcome outcome = REQUEST_BAD;

    made_up_password(length_wanted(request->server, admin->name), &password);
    with.fields = (const struct object_field[]){
        {SLICE(NEW_PASSWORD_FIELD), strbuf_slice(&password)}, {SLICE(MADE_UP_FIELD), SLICE("yes")}};
    with.field_count = 2;
    if (accountd_admin_encode_as(&frame, ACCOUNTD_OWN_PASSWORD, &with) == 0) {
        again.payload = slice_sub(strbuf_slice(&frame), FRAME_HEADER, frame.len);
        outcome = request_admin(&again);
    }
    mem_wipe(password.ptr, password.cap);
    if (frame.ptr != NULL)
        mem_wipe(frame.ptr, frame.cap);
    strbuf_free(&password);
    strbuf_free(&frame);
    return outcome;
}

enum outcome
own_password_request(struct request *request)
{
    struct object_field *fields = xcalloc(OBJECT_FIELDS_MAX, sizeof(*fields));
    struct accountd_admin admin;
    enum outcome outcome = REQUEST_BAD;

    if (accountd_admin_decode(request->payload, &admin, fields) == 0 && is_about_the_actor(&admin))
        outcome =
            fields[0].value.len > 0 ? request_admin(request) : run_with_made_up(request, &admin);
    free(fields);
    return outcome;
}

void
own_password_tell(struct operation *op, struct slice password)
{
    struct server *server = op->server;
    struct object_field fields[2] = {{SLICE("password_changed"), SLICE("")}};
    uint32_t count = 1;

    if (account_find_exact(&server->base, op->admin.name, &server->hit) != ACCOUNT_FOUND)
        return;
    fields[0].value = record_get(&server->hit.entry, USER_PASSWORD_CHANGED);
    if (operation_field(op, MADE_UP_FIELD).len > 0)
        fields[count++] = (struct object_field){SLICE("password"), password};
    object_add(&op->data, fields, count);
}
