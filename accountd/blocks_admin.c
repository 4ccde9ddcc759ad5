/*
 * accountd/blocks_admin.c - ADMIN of blocks: list, add and lift.
 *
 * Input: what an administrator typed; who may is asked here, for blocks are in no account.
 */
#include <errno.h>
#include <string.h>

#include "accountd/blocks.h"
#include "lib/account/manages.h"
#include "lib/base/clock.h"
#include "lib/base/parse.h"

enum { PAGE_MAX = 500 };
#define TIME_MAX_MS (UINT64_C(366) * 24 * 3600 * 1000)

static void
print_time(int64_t ms, struct strbuf *out)
{
    strbuf_clear(out);
    if (ms != BLOCK_FOREVER)
        (void)clock_rfc3339(ms, out);
}

static struct slice
scope_of(const struct block *b)
{
    return b->kind == BLOCK_SENDING         ? SLICE("sending")
           : b->kind == BLOCK_ADMIN_ADDRESS ? SLICE("administration")
                                            : SLICE("all");
}

static void
list(const struct blocks *blocks, struct slice from, struct strbuf *data, struct strbuf *cursor)
{
    struct strbuf start = strbuf_new(40), end = strbuf_new(40);
    const struct listed_block *entry;
    int64_t now_ms = clock_real_ms();
    uint64_t number = 0;
    unsigned count = 0;

    (void)parse_u64(from, UINT64_MAX, &number); /* ours, or nonsense: from the beginning */
    for (entry = block_list_after(blocks_listed(blocks), number); entry != NULL && count < PAGE_MAX;
         entry = TAILQ_NEXT(entry, link)) {
        const struct block *b = &entry->block;

        number = entry->number;
        if (b->end_ms <= now_ms)
            continue;
        count++;
        print_time(b->start_ms, &start);
        print_time(b->end_ms, &end);
        object_add(
            data,
            (const struct object_field[]){{SLICE("name"), b->name},
                                          {SLICE("scope"), scope_of(b)},
                                          {SLICE("cause"), slice_of(block_cause_text(b->cause))},
                                          {SLICE("reason"), b->reason},
                                          {SLICE("start"), strbuf_slice(&start)},
                                          {SLICE("end"), strbuf_slice(&end)}},
            6);
    }
    if (entry != NULL)
        (void)strbuf_u64(cursor, number);
    strbuf_free(&start);
    strbuf_free(&end);
}

/* The form in which the list has it: of an address, or of a user that there is. */
static int
normal_name(struct server *server, struct slice name, bool of_sending, struct block *block,
            struct strbuf *out, struct account_result *result)
{
    char address[BLOCK_ADDRESS_NAME_MAX];
    struct cidr net;

    if (cidr_parse(name, &net) == 0) {
        if (net.bits != 128 && (ip_is_v4(&net.net) || net.bits != 64))
            return account_fail(result, ACCOUNT_BAD_PARAMETER,
                                "%.*s: expected a user, an address or an IPv6 network of 64 bits; "
                                "larger networks belong in lists such as smtp.deny",
                                (int)name.len, name.ptr);
        if (of_sending)
            return account_fail(result, ACCOUNT_BAD_PARAMETER,
                                "an address has no sending to block");
        block_address_name(&net.net, address);
        (void)strbuf_str(out, address);
        block->kind = BLOCK_ADDRESS;
        return 0;
    }
    switch (account_find_login(&server->base, name, &server->hit)) {
    case ACCOUNT_FOUND:
        (void)strbuf_append(out, strbuf_slice(&server->hit.address));
        block->kind = of_sending ? BLOCK_SENDING : BLOCK_USER;
        return 0;
    case ACCOUNT_TROUBLE:
        return account_fail_db(result);
    default:
        return account_fail(result, 2, "%.*s: no such user, nor is it an address", (int)name.len,
                            name.ptr);
    }
}

static int
add_by_hand(struct server *server, const struct audit_event *event, struct strbuf *name,
            struct account_result *result)
{
    struct blocks *blocks = server->blocks;
    struct slice time = object_get(event->fields, event->count, "time");
    struct slice reason = object_get(event->fields, event->count, "reason");
    bool of_sending = slice_eq(object_get(event->fields, event->count, "scope"), SLICE("sending"));
    uint64_t for_ms = (uint64_t)blocks_time_ms(blocks);
    struct block block = {.cause = BLOCK_BY_HAND, .reason = reason, .start_ms = clock_real_ms()};

    if (time.len > 0 && parse_duration_ms(time, TIME_MAX_MS, &for_ms) < 0)
        return account_fail(
            result, ACCOUNT_BAD_PARAMETER,
            "time: expected a time such as 12h or 2d, at most 366d, or 0: for ever");
    if (reason.len > BLOCK_REASON_MAX || !parse_is_utf8(reason) ||
        slice_index(reason, '\n') < reason.len)
        return account_fail(result, ACCOUNT_BAD_PARAMETER,
                            "reason: expected one line of at most %d bytes", BLOCK_REASON_MAX);
    if (normal_name(server, event->name, of_sending, &block, name, result) < 0)
        return -1;
    block.name = strbuf_slice(name);
    block.end_ms = for_ms == 0 ? BLOCK_FOREVER : block.start_ms + (int64_t)for_ms;
    if (blocks_change(blocks, &block, event) < 0)
        return errno == ENOSPC
                   ? account_fail(result, 3, "there are %d blocks set by hand", BLOCKS_MAX)
                   : account_fail_db(result);
    return 0;
}

/* Both of a user's: of logins and of sending. A user who is gone may still have one. */
static int
lift(struct server *server, struct slice name, const struct audit_event *event,
     struct account_result *result)
{
    static const enum block_kind kinds[] = {BLOCK_ADDRESS, BLOCK_ADMIN_ADDRESS, BLOCK_USER,
                                            BLOCK_SENDING};
    const struct block_list *of = blocks_listed(server->blocks);
    unsigned lifted = 0;
    struct cidr net;
    char address[BLOCK_ADDRESS_NAME_MAX];

    if (cidr_parse(name, &net) == 0) {
        block_address_name(&net.net, address);
        name = slice_of(address);
    }
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        const struct block *old = block_list_find(of, kinds[i], name, clock_real_ms());
        struct block block;

        if (old == NULL)
            continue;
        block = *old;
        block = (struct block){.kind = old->kind, .cause = old->cause, .name = name};
        block.start_ms = clock_real_ms();
        lifted++;
        if (blocks_change(server->blocks, &block, event) < 0)
            return account_fail_db(result);
    }
    return lifted > 0 ? 0 : account_fail(result, 2, "%.*s is not blocked", (int)name.len, name.ptr);
}

/* As typed, or the name of the user that this is. */
static void
lift_any(struct server *server, const struct audit_event *event, struct account_result *result)
{
    /* As it was typed: an administrator's; else the mailbox that it means. */
    if (lift(server, event->name, event, result) == 0 ||
        account_find_login(&server->base, event->name, &server->hit) != ACCOUNT_FOUND)
        return;
    strbuf_clear(&result->text);
    result->code = 0;
    (void)lift(server, strbuf_slice(&server->hit.address), event, result); /* result has it */
}

/* The command line may do everything; admind says for whom it asks. */
static int
may(struct server *server, struct slice name, struct account_result *result)
{
    struct account_actor actor = account_actor_new();
    int rc = 0;

    if (account_actor_load(&server->base, name, &actor) < 0)
        rc = errno == ENOENT ? account_fail(result, ACCOUNTD_NO_RIGHT, "no such administrator")
                             : account_fail_db(result);
    else if (!account_actor_has(&actor, ACCOUNT_RIGHT_BLOCKS))
        rc = account_fail(result, ACCOUNTD_NO_RIGHT, "blocks are not yours to see or change");
    account_actor_free(&actor);
    return rc;
}

void
blocks_admin(struct server *server, const struct accountd_admin *admin,
             const struct audit_event *event, struct strbuf *data, struct strbuf *cursor,
             struct account_result *result)
{
    struct strbuf name = strbuf_new(BLOCK_NAME_MAX);

    if (admin->actor.len > 0 && may(server, admin->actor, result) < 0)
        return;
    if (slice_eq(admin->verb, SLICE("list")))
        list(server->blocks, admin->cursor, data, cursor);
    else if (slice_eq(admin->verb, SLICE("add")))
        (void)add_by_hand(server, event, &name, result); /* the failure is in `result` */
    else if (slice_eq(admin->verb, SLICE("lift")))
        lift_any(server, event, result);
    else
        (void)account_fail(result, ACCOUNT_BAD_PARAMETER, "there is no operation 'block %.*s'",
                           (int)admin->verb.len, admin->verb.ptr);
    strbuf_free(&name);
}
