/*
 * directoryd/intake.c - the objects of one answer of accountd's, taken into the book. No I/O.
 *
 * Changes of one group's members that come one behind the other are gathered: each time that the
 * book takes some it copies all that the group has.
 */
#include "directoryd/intake.h"

#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/log/log.h"

struct taking {
    struct book *book;
    bool left_out; /* something is, and that was logged */
    struct slice group;
    struct book_member *members; /* of `group`, gathered: no more than the answer has */
    uint32_t count, room;
};

static void
leave_out(struct taking *t, struct slice kind, struct slice name)
{
    if (!t->left_out)
        log_event(LOG_WARN, "contacts_left_out", KV_SLICE("kind", kind), KV_SLICE("name", name));
    t->left_out = true;
}

static void
take_gathered(struct taking *t)
{
    if (t->count > 0 && book_take_members(t->book, t->group, t->members, t->count) < 0)
        leave_out(t, SLICE("member"), t->group);
    t->count = 0;
}

static void
gather(struct taking *t, struct slice group, struct slice member, bool is_gone)
{
    if (!slice_eq(t->group, group))
        take_gathered(t);
    if (t->count == t->room) {
        t->room = t->room == 0 ? 64 : t->room * 2;
        t->members = xreallocarray(t->members, t->room, sizeof(*t->members));
    }
    t->group = group;
    t->members[t->count++] = (struct book_member){member, is_gone};
}

static void
take_object(struct taking *t, const struct object_field *fields, uint32_t count)
{
    struct slice kind = object_get(fields, count, "kind"), name = object_get(fields, count, "name");
    struct slice member = object_get(fields, count, "members");
    bool is_gone = slice_eq(kind, SLICE("member-gone"));

    if (is_gone || slice_eq(kind, SLICE("member"))) {
        gather(t, name, member, is_gone);
        return;
    }
    take_gathered(t);
    if (book_take(t->book, fields, count) < 0)
        leave_out(t, kind, name);
}

void
intake(struct book *book, struct slice data)
{
    struct object_field fields[OBJECT_FIELDS_MAX];
    struct taking t = {.book = book};
    int count;

    while ((count = object_next(&data, fields)) != 0) {
        if (count > 0) {
            take_object(&t, fields, (uint32_t)count);
            continue;
        }
        leave_out(&t, SLICE(""), SLICE(""));
        if (object_skip(&data) < 0)
            break;
    }
    take_gathered(&t);
    free(t.members);
}
