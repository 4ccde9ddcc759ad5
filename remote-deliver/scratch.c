/*
 * remote-deliver/scratch.c - a file without a name for each agent.
 *
 * On disk and not in memory: a message has no limit but the administrator's, and many agents may
 * have one at once. Nothing in it outlives the process, so nothing is flushed.
 */
#include "remote-deliver/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"

enum { OTHER_FILES = 128 /* descriptors for everything else in this process */ };

/* A name for a moment: two descriptors of different rights need one. */
static struct scratch
open_one(const char *queue_path, unsigned number)
{
    char *path = xasprintf("%s/tmp/remote-deliver.%ld.%u", queue_path, (long)getpid(), number);
    struct scratch s;

    (void)unlink(path); /* of a process of that number that was killed here; mostly there is none */
    s.write_fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    s.read_fd = open(path, O_RDONLY | O_CLOEXEC);
    if (s.write_fd < 0 || s.read_fd < 0 || unlink(path) < 0) {
        (void)fprintf(stderr, "remote-deliver: %s: %s\n", path, strerror(errno));
        exit(EX_OSERR);
    }
    free(path);
    return s;
}

/* If the limit cannot be raised the first file too many says so. */
static void
allow_files(rlim_t want)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= want)
        return;
    limit.rlim_cur = want < limit.rlim_max ? want : limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

struct scratch *
scratch_open(const char *queue_path, unsigned count)
{
    struct scratch *all = xcalloc(count, sizeof(*all));

    allow_files((rlim_t)count * 2 + OTHER_FILES);
    for (unsigned i = 0; i < count; i++)
        all[i] = open_one(queue_path, i);
    return all;
}

void
scratch_keep_one(const struct scratch *all, unsigned count, unsigned which)
{
    for (unsigned i = 0; i < count; i++) {
        if (i == which)
            continue;
        close_keep_errno(all[i].write_fd);
        close_keep_errno(all[i].read_fd);
    }
}

void
scratch_clear(const struct scratch *scratch)
{
    if (ftruncate(scratch->write_fd, 0) < 0)
        log_event(LOG_WARN, "scratch_not_cleared", KV_ERRNO());
}
