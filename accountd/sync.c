/*
 * accountd/sync.c - SYNC: what syncd may do, whose changes are made of what strangers say.
 *
 * It reads domains, mailboxes, aliases and groups, and changes the latter three in domains that
 * have a directory to be synchronised with (DOMAIN_SYNC_FROM). No password comes from there.
 */
#include "accountd/sync.h"

#include <stdlib.h>

#include "lib/account/canonical.h"
#include "lib/base/mem.h"

static bool
is_one_of(struct slice word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (slice_eq(word, slice_of(words[i])))
            return true;
    return false;
}

static bool
is_synchronised(struct server *server, struct slice name)
{
    struct record domain = record_new(ACCOUNT_DOMAIN);
    struct strbuf canonical = strbuf_new(CANONICAL_DOMAIN_MAX);
    size_t at = slice_rindex(name, '@');
    bool is = at < name.len &&
              account_find_domain(&server->base, slice_sub(name, at + 1, name.len), &domain,
                                  &canonical) == ACCOUNT_FOUND &&
              record_get(&domain, DOMAIN_SYNC_FROM).len > 0;

    strbuf_free(&canonical);
    record_free(&domain);
    return is;
}

/* What says who somebody is, or what somebody may do for others, is said here alone. "groups" is
 * any group; those of the domain have members added. */
static bool
gives_power(const struct accountd_admin *admin)
{
    static const char *const names[] = {"password",        "new_password", "password_answer",
                                        "representatives", "auth",         "two_step",
                                        "groups"};

    for (uint32_t i = 0; i < admin->field_count; i++)
        if (is_one_of(admin->fields[i].name, names, ARRAY_LEN(names)))
            return true;
    return false;
}

static bool
may(struct server *server, const struct accountd_admin *admin)
{
    static const char *const reads[] = {"list", "show"},
                             *const changes[] = {"add", "set", "rename", "del"},
                             *const kinds[] = {"user", "alias", "group", "member"};
    struct slice new_name = object_get(admin->fields, admin->field_count, "new_name");
    bool is_kind = is_one_of(admin->kind, kinds, ARRAY_LEN(kinds));

    if (admin->actor.len > 0 || admin->origin.len > 0)
        return false;
    if (is_one_of(admin->verb, reads, ARRAY_LEN(reads)))
        return is_kind || slice_eq(admin->kind, SLICE("domain"));
    return is_kind && is_one_of(admin->verb, changes, ARRAY_LEN(changes)) &&
           is_synchronised(server, admin->name) && !gives_power(admin) &&
           (new_name.len == 0 || is_synchronised(server, new_name));
}

enum outcome
sync_request(struct request *request)
{
    struct object_field *fields = xcalloc(OBJECT_FIELDS_MAX, sizeof(*fields));
    struct accountd_admin admin;
    enum outcome outcome = REQUEST_BAD;

    if (accountd_admin_decode(request->payload, &admin, fields) == 0 &&
        may(request->server, &admin))
        outcome = request_admin(request);
    free(fields);
    return outcome;
}
