/*
 * imapd/room.c - disk.hard_limit for what a session stores (STO-12).
 */
#include "imapd/room.h"

struct reply
room_check(struct session *s, const struct target *target)
{
    int dirfd = target->place != NULL ? target->place->dirfd : s->mail_dirfd;

    s->gates.limits = s->server->settings.disk;
    if (disk_gates_open(&s->gates, dirfd))
        return (struct reply){.kind = REPLY_OK};
    return reply_no("UNAVAILABLE", "Too little disk space is left, try again later");
}
