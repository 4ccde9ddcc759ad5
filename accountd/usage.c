/*
 * accountd/usage.c - what mailboxes hold, as far as it was reported.
 *
 * Reports come from local-deliver. Bounded: past the limit a mailbox is simply not known, and the
 * store is asked each time.
 */
#include "accountd/usage.h"

#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"

#define MAILBOXES_MAX 2000000

struct usage {
    struct map *entries; /* path -> struct usage_entry */
};

struct usage *
usage_new(void)
{
    struct usage *usage = xcalloc(1, sizeof(*usage));

    usage->entries = map_new(MAILBOXES_MAX);
    return usage;
}

void
usage_free(struct usage **usagep)
{
    if (*usagep == NULL)
        return;
    map_free(&(*usagep)->entries, free);
    xfree(usagep);
}

void
usage_set(struct usage *usage, struct slice path, uint64_t bytes, uint64_t messages)
{
    void **at = map_at(usage->entries, path);

    if (at == NULL)
        return;
    if (*at == NULL)
        *at = xmalloc(sizeof(struct usage_entry));
    *(struct usage_entry *)*at =
        (struct usage_entry){.bytes = bytes, .messages = messages, .known_ms = clock_mono_ms()};
}

const struct usage_entry *
usage_get(const struct usage *usage, struct slice path)
{
    return map_get(usage->entries, path);
}

void
usage_forget(struct usage *usage, struct slice path)
{
    free(map_remove(usage->entries, path));
}
