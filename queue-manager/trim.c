/*
 * queue-manager/trim.c - cuts the envelope off behind messages that are done and lie in mailboxes.
 *
 * One flush of the directory serves all that have gathered since the last one. A file that a crash
 * leaves uncut keeps a tail that no reader of ours looks at: lengths come from the journal.
 */
#include "queue-manager/trim.h"

#include <errno.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"

struct trim {
    int dirfd;
    struct loop_timer *timer;
    size_t count;
    struct {
        int fd;
        uint64_t size;
    } files[TRIM_MAX];
};

static void
cut_all(void *arg)
{
    struct trim *t = arg;
    bool durable = t->count == 0 || fsync(t->dirfd) == 0;

    if (!durable)
        log_event(LOG_WARN, "trim_failed", KV_ERRNO());
    for (size_t i = 0; i < t->count; i++) {
        if (durable)
            (void)!ftruncate(t->files[i].fd, (off_t)t->files[i].size); /* else the tail stays */
        close_keep_errno(t->files[i].fd);
    }
    t->count = 0;
}

struct trim *
trim_new(struct loop *loop, int dirfd)
{
    struct trim *t = xcalloc(1, sizeof(*t));

    t->dirfd = dirfd;
    t->timer = loop_timer_new(loop, cut_all, t);
    return t;
}

void
trim_free(struct trim **trimp)
{
    if (*trimp == NULL)
        return;
    cut_all(*trimp);
    loop_timer_free(&(*trimp)->timer);
    xfree(trimp);
}

void
trim_add(struct trim *t, int fd, uint64_t content_size)
{
    if (fd < 0)
        return;
    if (t->count == TRIM_MAX)
        cut_all(t);
    t->files[t->count].fd = fd;
    t->files[t->count].size = content_size;
    if (t->count++ == 0)
        loop_timer_set(t->timer, TRIM_DELAY_MS);
}
