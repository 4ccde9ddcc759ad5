/*
 * lib/queue/queue_slots.c - makes empty files in tmp/, some at a time, and flushes their names.
 *
 * Touches tmp/ alone. What a crash leaves is empty and goes with all that is old in tmp/.
 */
#include "lib/queue/queue_slots.h"

#include <string.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"

#define SLOTS_MAX 8 /* in tmp/ per session, each with a descriptor */

struct slot {
    char id[QUEUE_ID_SIZE];
    int fd;
};

struct queue_slots {
    int tmp_dirfd;
    struct slot slots[SLOTS_MAX];
    unsigned first, end; /* those in between are ready to be taken, the oldest first */
    unsigned next_size;  /* of the next batch */
};

struct queue_slots *
queue_slots_new(int tmp_dirfd)
{
    struct queue_slots *s = xcalloc(1, sizeof(*s));

    s->tmp_dirfd = tmp_dirfd;
    s->next_size = 1;
    return s;
}

static void
drop_all(struct queue_slots *s)
{
    for (; s->first < s->end; s->first++) {
        unlink_keep_errno(s->tmp_dirfd, s->slots[s->first].id);
        close_keep_errno(s->slots[s->first].fd);
    }
}

/* 0: one slot or more is ready. -1 with errno: none, and nothing is left behind. */
static int
make_batch(struct queue_slots *s)
{
    for (s->first = s->end = 0; s->end < s->next_size; s->end++) {
        struct slot *slot = &s->slots[s->end];

        queue_id_make(slot->id);
        slot->fd = queue_file_create(s->tmp_dirfd, slot->id);
        if (slot->fd < 0)
            break; /* fewer will do */
    }
    if (s->end == 0)
        return -1;
    if (fsync(s->tmp_dirfd) < 0) {
        drop_all(s);
        return -1;
    }
    if (s->next_size < SLOTS_MAX)
        s->next_size *= 2;
    return 0;
}

int
queue_slots_take(struct queue_slots *s, char id[QUEUE_ID_SIZE])
{
    const struct slot *slot;

    if (s->first == s->end && make_batch(s) < 0)
        return -1;
    slot = &s->slots[s->first++];
    memcpy(id, slot->id, QUEUE_ID_SIZE);
    return slot->fd;
}

void
queue_slots_free(struct queue_slots **slotsp)
{
    if (*slotsp == NULL)
        return;
    drop_all(*slotsp);
    xfree(slotsp);
}
