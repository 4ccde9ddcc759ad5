/*
 * posthorn/store_users.c - whose mail a command is about.
 */
#include "posthorn/store_users.h"

#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "posthorn/accounts.h"

static void
add(struct store_users *users, enum account_kind kind, const struct object_field *fields,
    uint32_t count)
{
    struct store_user *user;

    if (users->count == users->cap) {
        users->cap = users->cap == 0 ? 16 : users->cap * 2;
        users->list = xreallocarray(users->list, users->cap, sizeof(*users->list));
    }
    user = &users->list[users->count++];
    *user =
        (struct store_user){.kind = kind,
                            .address = xslicedup(object_get(fields, count, "address")),
                            .mailbox_path = xslicedup(object_get(fields, count, "mailbox_path"))};
    (void)parse_u64(object_get(fields, count, "quota_bytes"), UINT64_MAX, &user->quota_bytes);
    (void)parse_u64(object_get(fields, count, "quota_messages"), UINT64_MAX, &user->quota_messages);
}

static void
add_user(void *arg, const struct object_field *fields, uint32_t count)
{
    add(arg, ACCOUNT_USER, fields, count);
}

static void
add_public(void *arg, const struct object_field *fields, uint32_t count)
{
    add(arg, ACCOUNT_PUBLIC, fields, count);
}

static int
add_all(struct accounts *accounts, struct store_users *users)
{
    int rc = accounts_list(accounts, ACCOUNT_USER, NULL, add_user, users);

    return rc != CLI_OK ? rc : accounts_list(accounts, ACCOUNT_PUBLIC, NULL, add_public, users);
}

/* A refusal says that there is none of that kind: the message is about the last one tried. */
static int
add_one(struct cli *cli, struct accounts *accounts, const char *address, struct store_users *users)
{
    static const enum account_kind kinds[] = {ACCOUNT_PUBLIC, ACCOUNT_USER};
    struct object_field fields[OBJECT_FIELDS_MAX];
    struct accountd_admin_reply reply = {0};
    uint32_t count;

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        const struct accountd_admin request = {.verb = SLICE("show"),
                                               .kind = slice_of(account_kind_name(kinds[i])),
                                               .name = slice_of(address)};

        if (accounts_call(accounts, &request, &reply) != CLI_OK)
            return CLI_FAILED;
        if (reply.result != 0)
            continue;
        if (accounts_reply_object(accounts, &reply, fields, &count) != CLI_OK)
            return CLI_FAILED;
        add(users, kinds[i], fields, count);
        return CLI_OK;
    }
    return cli_fail(cli, "%.*s", (int)reply.text.len, reply.text.ptr);
}

int
store_users_add(struct cli *cli, struct accounts *accounts, const char *address,
                struct store_users *users)
{
    return address == NULL ? add_all(accounts, users) : add_one(cli, accounts, address, users);
}

int
store_users_get(struct cli *cli, const char *address, struct store_users *users)
{
    struct accounts *accounts = accounts_open(cli);
    int rc;

    *users = (struct store_users){0};
    if (accounts == NULL)
        return CLI_FAILED;
    rc = store_users_add(cli, accounts, address, users);
    accounts_close(&accounts);
    if (rc != CLI_OK)
        store_users_free(users);
    return rc;
}

void
store_users_free(struct store_users *users)
{
    for (size_t i = 0; i < users->count; i++) {
        xfree(&users->list[i].address);
        xfree(&users->list[i].mailbox_path);
    }
    xfree(&users->list);
    users->count = users->cap = 0;
}
