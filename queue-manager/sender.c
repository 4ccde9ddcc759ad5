/*
 * queue-manager/sender.c - who has how much mail under way.
 *
 * Names come from outside: the table's rows are chosen with a seed. A sender lives as long as it
 * has mail in memory or parked, so there are no more of them than messages.
 */
#include "queue-manager/sender.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/random.h"

#define TABLE_SIZE 16384

struct parked {
    STAILQ_ENTRY(parked) next;
    char id[];
};

struct senders {
    uint64_t seed;
    struct sender *table[TABLE_SIZE];
    TAILQ_HEAD(sender_turns, sender) turns;
    uint32_t parked;
};

struct senders *
senders_new(void)
{
    struct senders *ss = xcalloc(1, sizeof(*ss));

    ss->seed = random_u64();
    TAILQ_INIT(&ss->turns);
    return ss;
}

static void
drop_ids(struct sender *sender)
{
    while (!STAILQ_EMPTY(&sender->ids)) {
        struct parked *p = STAILQ_FIRST(&sender->ids);

        STAILQ_REMOVE_HEAD(&sender->ids, next);
        free(p);
    }
}

static void
sender_free(struct sender *sender)
{
    free((char *)sender->name.ptr);
    free(sender);
}

void
senders_free(struct senders **sp)
{
    if (*sp == NULL)
        return;
    for (size_t i = 0; i < TABLE_SIZE; i++) {
        struct sender *sender = (*sp)->table[i];

        while (sender != NULL) {
            struct sender *next = sender->table_next;

            drop_ids(sender);
            sender_free(sender);
            sender = next;
        }
    }
    xfree(sp);
}

static struct sender **
table_row(struct senders *ss, struct slice name)
{
    uint64_t hash = ss->seed;

    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ (unsigned char)name.ptr[i]) * 1099511628211u;
    return &ss->table[(hash >> 20) % TABLE_SIZE];
}

struct sender *
senders_get(struct senders *ss, const struct queue_envelope *e)
{
    struct slice name = e->auth_user.len > 0 ? e->auth_user : e->sender;
    struct sender **row = table_row(ss, name), *sender;

    for (sender = *row; sender != NULL; sender = sender->table_next)
        if (slice_eq(sender->name, name))
            return sender;
    sender = xcalloc(1, sizeof(*sender));
    sender->name = slice_make(xslicedup(name), name.len);
    LIST_INIT(&sender->flows);
    STAILQ_INIT(&sender->ids);
    sender->table_next = *row;
    *row = sender;
    return sender;
}

void
sender_release(struct senders *ss, struct sender *sender)
{
    struct sender **at = table_row(ss, sender->name);

    if (sender->active > 0 || sender->flow_count > 0 || !STAILQ_EMPTY(&sender->ids))
        return;
    while (*at != sender)
        at = &(*at)->table_next;
    *at = sender->table_next;
    sender_free(sender);
}

void
sender_entered(struct sender *sender)
{
    sender->active++;
}

void
sender_left(struct senders *ss, struct sender *sender)
{
    sender->active--;
    sender_release(ss, sender);
}

bool
sender_may_start(const struct sender *sender, uint32_t room)
{
    return sender->active < SENDER_FEW || sender->active < room / 2;
}

bool
sender_is_light(const struct sender *sender)
{
    return sender->active <= SENDER_FEW;
}

bool
senders_park(struct senders *ss, struct sender *sender, const char *id)
{
    size_t size = strlen(id) + 1;
    struct parked *p;

    if (ss->parked == SENDERS_PARKED)
        return false;
    p = xmalloc(sizeof(*p) + size);
    memcpy(p->id, id, size);
    STAILQ_INSERT_TAIL(&sender->ids, p, next);
    ss->parked++;
    if (!sender->has_turn)
        TAILQ_INSERT_TAIL(&ss->turns, sender, turn);
    sender->has_turn = true;
    return true;
}

static struct sender *
first_ready(const struct senders *ss, uint32_t room)
{
    struct sender *sender;

    TAILQ_FOREACH(sender, &ss->turns, turn)
    if (sender_may_start(sender, room))
        return sender;
    return NULL;
}

bool
senders_take_parked(struct senders *ss, uint32_t room, char id[QUEUE_ID_SIZE])
{
    struct sender *sender = first_ready(ss, room);
    struct parked *p;

    if (sender == NULL)
        return false;
    p = STAILQ_FIRST(&sender->ids);
    (void)snprintf(id, QUEUE_ID_SIZE, "%s", p->id); /* it was a queue id */
    STAILQ_REMOVE_HEAD(&sender->ids, next);
    free(p);
    ss->parked--;
    TAILQ_REMOVE(&ss->turns, sender, turn);
    sender->has_turn = !STAILQ_EMPTY(&sender->ids);
    if (sender->has_turn)
        TAILQ_INSERT_TAIL(&ss->turns, sender, turn);
    else
        sender_release(ss, sender);
    return true;
}

bool
senders_have_ready(const struct senders *ss, uint32_t room)
{
    return first_ready(ss, room) != NULL;
}

uint32_t
senders_parked(const struct senders *ss)
{
    return ss->parked;
}
