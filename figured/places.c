/*
 * figured/places.c - looks at the file systems of queue, store, account base and logs.
 */
#include "figured/places.h"

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/sys/disk_level.h"

enum { PLACES = 4 };

struct places {
    struct {
        int fd; /* -1: not there */
        _Atomic uint64_t *free_bytes, *size_bytes;
    } of[PLACES];
};

struct places *
places_open(struct daemon *d)
{
    const struct {
        const char *name, *path;
    } all[PLACES] = {{"queue", d->inst.queue},
                     {"store", d->inst.store},
                     {"db", d->inst.db},
                     {"log", d->inst.log}};
    struct places *places = xcalloc(1, sizeof(*places));

    for (int i = 0; i < PLACES; i++) {
        places->of[i].fd = daemon_open_optional_dir(all[i].path);
        places->of[i].free_bytes = stats_counter_of(d->stats, "disk_free_bytes", all[i].name);
        places->of[i].size_bytes = stats_counter_of(d->stats, "disk_size_bytes", all[i].name);
    }
    return places;
}

void
places_look(const struct places *places)
{
    for (int i = 0; i < PLACES; i++) {
        struct disk_room room;

        if (disk_room_of(places->of[i].fd, &room) < 0)
            continue;
        atomic_store_explicit(places->of[i].free_bytes, room.bytes, memory_order_relaxed);
        atomic_store_explicit(places->of[i].size_bytes, room.total_bytes, memory_order_relaxed);
    }
}

void
places_close(struct places **placesp)
{
    if (*placesp == NULL)
        return;
    for (int i = 0; i < PLACES; i++)
        close_keep_errno((*placesp)->of[i].fd);
    xfree(placesp);
}
