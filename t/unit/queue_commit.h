/*
 * t/unit/queue_commit.h - one message committed to a queue of two directories, as smtpd does it.
 */
#ifndef POSTHORN_T_UNIT_QUEUE_COMMIT_H
#define POSTHORN_T_UNIT_QUEUE_COMMIT_H

#include <check.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/queue/queue_file.h"
#include "t/unit/scratch.h"

static struct {
    int tmp_dirfd, new_dirfd, root_fd;
} dirs;

static void
open_dirs(void)
{
    dirs.root_fd = open(scratch_make(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_eq(mkdirat(dirs.root_fd, "tmp", 0700), 0);
    ck_assert_int_eq(mkdirat(dirs.root_fd, "new", 0700), 0);
    dirs.tmp_dirfd = openat(dirs.root_fd, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    dirs.new_dirfd = openat(dirs.root_fd, "new", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void
close_dirs(void)
{
    (void)close(dirs.tmp_dirfd);
    (void)close(dirs.new_dirfd);
    (void)close(dirs.root_fd);
    scratch_remove();
}

struct commit {
    uint32_t rcpt_count;
    bool in_slot;
};

static struct commit
commit_kind(int i)
{
    return (struct commit){.rcpt_count = (uint32_t)i % 2 + 1, .in_slot = i / 2 == 1};
}

static struct queue_writer *
open_writer(bool in_slot)
{
    int fd;

    if (!in_slot)
        return queue_writer_open(dirs.tmp_dirfd, dirs.new_dirfd, "message");
    fd = queue_file_create(dirs.tmp_dirfd, "message");
    if (fd < 0)
        return NULL;
    if (fsync(dirs.tmp_dirfd) < 0) {
        (void)unlinkat(dirs.tmp_dirfd, "message", 0);
        return NULL;
    }
    return queue_writer_adopt(dirs.tmp_dirfd, dirs.new_dirfd, "message", fd);
}

/* Exits 0 when the message is acknowledged, 3 when it is refused. */
static void
commit_one(void *arg)
{
    const struct commit *c = arg;
    struct queue_rcpt rcpts[2] = {{.address = SLICE("a@d.test")}, {.address = SLICE("b@d.test")}};
    struct queue_envelope e = {.rcpt_count = c->rcpt_count, .rcpts = rcpts};
    struct queue_writer *w = open_writer(c->in_slot);
    static char content[100000];

    if (w == NULL)
        _exit(3);
    memset(content, 'x', sizeof(content));
    if (queue_writer_write(w, slice_make(content, sizeof(content))) < 0 ||
        queue_writer_write(w, slice_make(content, 100)) < 0) {
        queue_writer_abort(&w);
        _exit(3);
    }
    _exit(queue_writer_commit(&w, &e) == 0 ? 0 : 3);
}

#endif
