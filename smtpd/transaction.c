/*
 * smtpd/transaction.c - keeps the envelope of the transaction in progress.
 */
#include "smtpd/transaction.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/ipc/accountd.h"
#include "smtpd/message.h"

enum { RCPT_ROOM_FIRST = 4 };

void
transaction_begin(struct transaction *t, const struct mail_args *args)
{
    t->envelope = (struct queue_envelope){
        .sender = arena_copy(&t->arena, args->sender.text),
        .envid = arena_copy(&t->arena, args->envid),
        .ret = args->ret,
    };
    t->declared_size = args->size;
    t->body = args->body;
    t->smtputf8 = args->smtputf8;
    t->leaves = t->counted = false;
    t->untold = true;
    t->local_count = t->remote_count = 0;
    t->bytes.max = ACCOUNTD_NO_LIMIT;
}

void
transaction_add(struct transaction *t, const struct rcpt_args *args)
{
    struct queue_envelope *e = &t->envelope;

    if (e->rcpt_count == t->rcpt_room) {
        t->rcpt_room = t->rcpt_room == 0 ? RCPT_ROOM_FIRST : 2 * t->rcpt_room;
        e->rcpts = xreallocarray(e->rcpts, t->rcpt_room, sizeof(*e->rcpts));
    }
    e->rcpts[e->rcpt_count++] = (struct queue_rcpt){
        .address = arena_copy(&t->arena, args->recipient.text),
        .original = arena_copy(&t->arena, args->orcpt),
        .notify = args->notify,
    };
}

void
transaction_remove(struct transaction *t, struct slice address)
{
    struct queue_envelope *e = &t->envelope;
    uint32_t kept = 0;

    for (uint32_t i = 0; i < e->rcpt_count; i++)
        if (address.len > 0 && !slice_eq_nocase(e->rcpts[i].address, address))
            e->rcpts[kept++] = e->rcpts[i];
    e->rcpt_count = kept;
}

bool
transaction_is_utf8(const struct transaction *t)
{
    if (!parse_is_ascii(t->envelope.sender))
        return true;
    for (uint32_t i = 0; i < t->envelope.rcpt_count; i++)
        if (!parse_is_ascii(t->envelope.rcpts[i].address))
            return true;
    return false;
}

void
transaction_clear(struct transaction *t)
{
    message_abort(&t->message);
    free(t->envelope.rcpts);
    arena_free(&t->arena);
    memset(t, 0, sizeof(*t));
}
