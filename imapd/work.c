/*
 * imapd/work.c - what a session has had to do.
 */
#include "imapd/work.h"

#include <string.h>

#include "lib/log/log.h"

void
work_add(struct work *w, const char *name, uint64_t us)
{
    unsigned i = 0;

    while (i < WORK_KINDS - 1 && w->kinds[i].name != NULL && strcmp(w->kinds[i].name, name) != 0)
        i++;
    if (w->kinds[i].name == NULL)
        w->kinds[i].name = name;
    w->kinds[i].count++;
    w->kinds[i].us += us;
    w->commands++;
    w->us += us;
    if (us >= w->slowest_us) {
        w->slowest_us = us;
        w->slowest = name;
    }
}

void
work_log(const struct work *w, const char *user, const struct stream *stream)
{
    const struct store_work *disk = store_work();
    unsigned most = 0;

    for (unsigned i = 1; i < WORK_KINDS; i++)
        if (w->kinds[i].us > w->kinds[most].us)
            most = i;
    log_event(
        LOG_INFO, "logout", KV_STR("user", user), KV_U64("bytes_in", stream_bytes_in(stream)),
        KV_U64("bytes_out", stream_bytes_out(stream)), KV_U64("commands", w->commands),
        KV_U64("busy_ms", w->us / 1000),
        KV_STR("most", w->kinds[most].name == NULL ? "" : w->kinds[most].name),
        KV_U64("most_count", w->kinds[most].count), KV_U64("most_ms", w->kinds[most].us / 1000),
        KV_STR("slowest", w->slowest == NULL ? "" : w->slowest),
        KV_U64("slowest_ms", w->slowest_us / 1000), KV_U64("flushes", disk->flushes),
        KV_U64("flush_ms", disk->flush_us / 1000), KV_U64("messages_read", disk->messages_read),
        KV_U64("cache_misses", disk->cache_misses));
}
