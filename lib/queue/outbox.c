/*
 * lib/queue/outbox.c - puts mail of a program's own into the queue.
 */
#include "lib/queue/outbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"

enum { PAUSE_NS = 50000000, PAUSES_MAX = 100 }; /* 5 s */

static int
open_below(const char *queue, const char *name, int flags)
{
    char *path = xasprintf("%s/%s", queue, name);
    int fd = open(path, flags | O_CLOEXEC);

    free(path);
    return fd;
}

/* The trigger for reading too: a FIFO opened for writing alone wants a reader, and the queue
 * manager may not be there yet. */
static int
open_all(struct outbox *outbox, const char *queue)
{
    *outbox = (struct outbox){.tmp_dirfd = open_below(queue, "tmp", O_RDONLY | O_DIRECTORY),
                              .new_dirfd = open_below(queue, "new", O_RDONLY | O_DIRECTORY),
                              .trigger_fd = open_below(queue, "trigger", O_RDWR | O_NONBLOCK)};
    if (outbox->tmp_dirfd >= 0 && outbox->new_dirfd >= 0 && outbox->trigger_fd >= 0)
        return 0;
    close_keep_errno(outbox->tmp_dirfd);
    close_keep_errno(outbox->new_dirfd);
    close_keep_errno(outbox->trigger_fd);
    return -1;
}

/* Daemons start at once, and it is queue-manager that makes what the spool lacks. */
int
outbox_open(struct outbox *outbox, const char *queue)
{
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    int rc = open_all(outbox, queue);

    for (unsigned i = 0; rc < 0 && errno == ENOENT && i < PAUSES_MAX; i++) {
        (void)nanosleep(&pause, NULL); /* a signal only makes it shorter */
        rc = open_all(outbox, queue);
    }
    return rc;
}

int
outbox_put(const struct outbox *outbox, const char *id, const struct strbuf *content,
           const struct queue_envelope *envelope)
{
    struct queue_writer *w = queue_writer_open(outbox->tmp_dirfd, outbox->new_dirfd, id);
    int rc = -1;

    if (w == NULL)
        return -1;
    errno = EFBIG;
    if (content->overflow || queue_writer_write(w, strbuf_slice(content)) < 0)
        queue_writer_abort(&w);
    else
        rc = queue_writer_commit(&w, envelope);
    if (rc == 0)
        queue_trigger(outbox->trigger_fd);
    return rc;
}
