/*
 * lib/sys/port_holder.c - who has a TCP port that we want: /proc/net/tcp gives the socket's inode,
 * /proc/PID/fd the process that holds it. Trusts the kernel's text.
 */
#include "lib/sys/port_holder.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/parse.h"

#define TABLE_MAX (4u << 20)
#define COMM_MAX 64
#define STATE_LISTEN SLICE("0A")

static struct slice
field(struct slice *line)
{
    while (line->len > 0 && line->ptr[0] == ' ')
        *line = slice_sub(*line, 1, line->len);
    return slice_split(line, ' ');
}

/* "sl local:PORT remote st queues timer retrnsmt uid timeout inode ...": the inode of a socket that
 * listens on `port` (four hex digits), or the empty slice. */
static struct slice
listening_inode(struct slice line, struct slice port)
{
    struct slice local, inode = SLICE("");

    (void)field(&line);
    local = field(&line);
    (void)field(&line);
    if (!slice_eq(field(&line), STATE_LISTEN) || !slice_ends(local, port))
        return inode;
    for (int i = 0; i < 6; i++)
        inode = field(&line);
    return inode;
}

static bool
find_inode(const char *table, uint16_t port, char *target, size_t size)
{
    struct strbuf text = strbuf_new(TABLE_MAX);
    struct slice lines, inode = SLICE("");
    char suffix[8];

    (void)snprintf(suffix, sizeof(suffix), ":%04X", port);
    if (read_file(AT_FDCWD, table, &text) == 0) {
        lines = strbuf_slice(&text);
        (void)slice_split(&lines, '\n'); /* the heading */
        while (lines.len > 0 && inode.len == 0)
            inode = listening_inode(slice_split(&lines, '\n'), slice_of(suffix));
    }
    if (inode.len > 0) /* what its links in /proc/PID/fd point to */
        (void)snprintf(target, size, "socket:[%.*s]", (int)inode.len, inode.ptr);
    strbuf_free(&text);
    return inode.len > 0;
}

static bool
process_has(int proc_fd, const char *pid, const char *target)
{
    char path[32 + 8], link[64];
    const struct dirent *entry;
    bool found = false;
    DIR *dir;
    int fd;

    (void)snprintf(path, sizeof(path), "%.31s/fd", pid);
    fd = openat(proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    dir = fd < 0 ? NULL : fdopendir(fd);
    if (dir == NULL) {
        close_keep_errno(fd);
        return false;
    }
    while (!found && (entry = readdir(dir)) != NULL) {
        ssize_t len = readlinkat(dirfd(dir), entry->d_name, link, sizeof(link) - 1);

        link[len < 0 ? 0 : len] = '\0';
        found = strcmp(link, target) == 0;
    }
    (void)closedir(dir); /* nothing was written through it */
    return found;
}

static void
describe(int proc_fd, const char *pid, struct strbuf *out)
{
    struct strbuf comm = strbuf_new(COMM_MAX);
    char path[32 + 8];
    struct slice name;

    (void)snprintf(path, sizeof(path), "%.31s/comm", pid);
    name = read_file(proc_fd, path, &comm) == 0 ? slice_trim(strbuf_slice(&comm)) : SLICE("?");
    if (!parse_is_ascii_print(name))
        name = SLICE("?");
    (void)strbuf_printf(out, "%.*s (pid %s)", (int)name.len, name.ptr, pid);
    strbuf_free(&comm);
}

static bool
find_process(const char *target, struct strbuf *out)
{
    DIR *proc = opendir("/proc");
    const struct dirent *entry;
    bool found = false;

    if (proc == NULL)
        return false;
    while (!found && (entry = readdir(proc)) != NULL) {
        if (!isdigit((unsigned char)entry->d_name[0]) || strlen(entry->d_name) > 20)
            continue;
        found = process_has(dirfd(proc), entry->d_name, target);
        if (found)
            describe(dirfd(proc), entry->d_name, out);
    }
    (void)closedir(proc); /* nothing was written through it */
    return found;
}

bool
port_holder_find(uint16_t port, struct strbuf *out)
{
    char target[64];

    return (find_inode("/proc/net/tcp", port, target, sizeof(target)) ||
            find_inode("/proc/net/tcp6", port, target, sizeof(target))) &&
           find_process(target, out);
}
