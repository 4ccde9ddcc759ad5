/*
 * local-deliver/shown.c - messages for our own mailboxes whose header is shown otherwise.
 *
 * Input:  a message, untrusted: a child reads it that can reach nothing but the two files. The
 *         worker, which can reach every mailbox, looks at no byte of either.
 */
#include "local-deliver/shown.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/conf/lists.h"
#include "lib/log/log.h"
#include "lib/mail/header_shown.h"
#include "lib/mail/mime.h"
#include "lib/store/beneath.h"
#include "lib/store/message_file.h"
#include "local-deliver/jail.h"

#define PREFIX ".shown." /* no domain begins with a dot */

enum {
    CHILD_MS = 60000,   /* for one message */
    STRAY_AGE_S = 3600, /* no delivery takes that long */
    EXIT_SAME = 80,     /* nothing to replace */
    EXIT_FAILED = 81,
};

struct sender_table *
shown_load(const struct daemon *d)
{
    struct list_file *list =
        lists_load_or_exit("local-deliver", d->conf, &d->inst, QUEUE_HEADER_REPLACE);
    struct sender_table *table = sender_table_new(list, SENDER_LOCAL);

    list_file_free(&list);
    return table;
}

/* ---- the child ---- */

/* An exit status. */
static int
rewrite(const struct shown_how *how, struct slice message, int out_fd)
{
    struct sender_rules rules = {.find = NULL};
    struct header_shown shown = {.groups = how->groups};
    struct slice header = slice_sub(message, 0, MIME_HEADER_MAX);
    struct strbuf changed;

    if (how->senders != NULL) {
        rules = sender_table_rules(how->senders);
        shown.senders = &rules;
    }
    header.len = mime_header_len(header);
    changed = strbuf_new(HEADER_SHOWN_MAX(header.len, how->groups.len)); /* ends with the process */
    if (!header_shown_make(&shown, header, &changed))
        return EXIT_SAME;
    if (changed.overflow || write_all(out_fd, strbuf_slice(&changed)) < 0 ||
        write_all(out_fd, slice_sub(message, header.len, message.len)) < 0)
        return EXIT_FAILED;
    return EXIT_SUCCESS;
}

static _Noreturn void
run_child(const struct daemon *d, const struct shown_how *how, int in_fd, uint64_t size, int out_fd,
          int line_fd)
{
    const int fds[] = {in_fd, out_fd, line_fd};
    void *map = MAP_FAILED;

    sandbox_die_with_parent();
    log_forked();
    if (size > 0 && jail_enter(d, -1, fds, ARRAY_LEN(fds)) == 0)
        map = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, in_fd, 0);
    log_flush();
    _exit(map == MAP_FAILED ? EXIT_FAILED : rewrite(how, slice_make(map, (size_t)size), out_fd));
}

/* Its exit status; EXIT_FAILED also when it takes too long, or dies. */
static int
wait_for_child(pid_t pid, int line_fd)
{
    int64_t deadline = clock_mono_ms() + CHILD_MS, left;
    struct pollfd p = {.fd = line_fd, .events = POLLIN};
    int status, ready = 0;

    while (ready == 0 && (left = deadline - clock_mono_ms()) > 0)
        ready = poll(&p, 1, (int)left) > 0; /* hung up: it has ended. Else the loop looks again */
    if (ready == 0)
        (void)kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return EXIT_FAILED;
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILED;
}

/* 1: written, 0: nothing to replace, -1 with errno. */
static int
fill(const struct daemon *d, const struct shown_how *how, int in_fd, uint64_t size, int out_fd)
{
    int line[2], status;
    pid_t pid;

    if (pipe2(line, O_CLOEXEC) < 0)
        return -1;
    log_flush();
    pid = fork();
    if (pid == 0)
        run_child(d, how, in_fd, size, out_fd, line[1]);
    close_keep_errno(line[1]);
    status = pid < 0 ? EXIT_FAILED : wait_for_child(pid, line[0]);
    close_keep_errno(line[0]);
    errno = EIO; /* counts if it failed */
    return status == EXIT_SUCCESS ? 1 : status == EXIT_SAME ? 0 : -1;
}

/* ---- the worker ---- */

/* What delivery relies on: the bytes are on disk, and their checksum is known. */
static int
settle(struct shown_file *file, int write_fd)
{
    struct stat st;

    if (fsync(write_fd) < 0 || fstat(write_fd, &st) < 0)
        return -1;
    file->size = (uint64_t)st.st_size;
    return message_file_crc(file->fd, file->size, &file->crc);
}

int
shown_make(const struct daemon *d, const struct shown_how *how, int store_dirfd,
           struct slice queue_id, int fd, uint64_t size, struct shown_file *out)
{
    int write_fd, rc = -1;

    (void)snprintf(out->name, sizeof(out->name), PREFIX "%.*s.%ld", (int)queue_id.len, queue_id.ptr,
                   (long)getpid());
    unlink_keep_errno(store_dirfd, out->name); /* a mailbox may have what a crash left */
    write_fd =
        openat(store_dirfd, out->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    out->fd = openat(store_dirfd, out->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (write_fd >= 0 && out->fd >= 0)
        rc = fill(d, how, fd, size, write_fd);
    if (rc > 0 && settle(out, write_fd) < 0)
        rc = -1;
    close_keep_errno(write_fd);
    if (rc <= 0)
        shown_remove(store_dirfd, out);
    return rc;
}

/* By its age: what another worker makes at this moment stays. */
static void
sweep_one(int dirfd, const char *name)
{
    struct stat st;

    if (slice_starts(slice_of(name), SLICE(PREFIX)) &&
        fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
        clock_real_ms() / 1000 - st.st_mtim.tv_sec > STRAY_AGE_S)
        unlink_keep_errno(dirfd, name);
}

void
shown_sweep(int store_dirfd)
{
    int fd = beneath_open_dir(store_dirfd, ".");
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;

    while (dir != NULL && (entry = readdir(dir)) != NULL)
        sweep_one(store_dirfd, entry->d_name);
    if (dir != NULL)
        (void)closedir(dir); /* closes fd; it was only read */
    else
        close_keep_errno(fd);
}

void
shown_remove(int store_dirfd, struct shown_file *file)
{
    unlink_keep_errno(store_dirfd, file->name);
    close_keep_errno(file->fd);
    file->fd = -1;
}
