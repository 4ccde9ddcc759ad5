/*
 * authd/login_delay.c - when each user was last logged in by POP3.
 *
 * Two generations: a login goes into the young one, which becomes the old one when it has lasted
 * for the delay; what was old then is past. Each has a bound: whoever logs in beyond it is not held
 * up.
 */
#include "authd/login_delay.h"

#include <stdlib.h>

#include "lib/base/map.h"
#include "lib/base/mem.h"

#define USERS_MAX ((size_t)500000) /* of one generation */

struct login_delay {
    int64_t delay_ms, young_since_ms;
    struct map *young, *old; /* user to an int64_t of the heap: ms */
};

struct login_delay *
login_delay_new(int64_t delay_ms)
{
    struct login_delay *ld = xcalloc(1, sizeof(*ld));

    ld->delay_ms = delay_ms;
    ld->young = map_new(USERS_MAX);
    ld->old = map_new(USERS_MAX);
    return ld;
}

void
login_delay_free(struct login_delay **ldp)
{
    if (*ldp == NULL)
        return;
    map_free(&(*ldp)->young, free);
    map_free(&(*ldp)->old, free);
    xfree(ldp);
}

bool
login_delay_is_too_soon(const struct login_delay *ld, struct slice user, int64_t now_ms)
{
    const int64_t *last;

    if (ld->delay_ms == 0)
        return false;
    last = map_get(ld->young, user);
    if (last == NULL)
        last = map_get(ld->old, user);
    return last != NULL && now_ms - *last < ld->delay_ms;
}

static void
age(struct login_delay *ld, int64_t now_ms)
{
    if (now_ms - ld->young_since_ms < ld->delay_ms)
        return;
    map_free(&ld->old, free);
    ld->old = ld->young;
    ld->young = map_new(USERS_MAX);
    ld->young_since_ms = now_ms;
}

void
login_delay_note(struct login_delay *ld, struct slice user, int64_t now_ms)
{
    void **place;

    if (ld->delay_ms == 0)
        return;
    age(ld, now_ms);
    place = map_at(ld->young, user);
    if (place == NULL)
        return;
    if (*place == NULL)
        *place = xmalloc(sizeof(int64_t));
    *(int64_t *)*place = now_ms;
}
