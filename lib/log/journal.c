/*
 * lib/log/journal.c - tells the system's log.
 *
 * The text may come from a program that failed: control characters do not go through.
 */
#include "lib/log/journal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/strbuf.h"
#include "lib/log/line.h"

#define PRIORITY 19 /* facility mail (2) * 8 + severity error (3) */
#define TEXT_MAX 2048

static int
send_line(int fd, const char *path, struct slice line)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    return sendto(fd, line.ptr, line.len, MSG_DONTWAIT | MSG_NOSIGNAL,
                  (const struct sockaddr *)&address, sizeof(address)) < 0
               ? -1
               : 0;
}

int
journal_tell(const char *path, const char *program, struct slice text)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), rc;
    struct strbuf line = strbuf_new(TEXT_MAX + 256);
    size_t head;

    if (fd < 0)
        return -1;
    (void)strbuf_printf(&line, "<%d>posthorn/%.32s[%ld]: ", PRIORITY, program, (long)getpid());
    head = line.len;
    (void)strbuf_append(&line, slice_sub(slice_trim(text), 0, TEXT_MAX)); /* fits */
    log_text_tame(line.ptr + head, line.len - head);
    for (size_t i = head; i < line.len; i++)
        if (line.ptr[i] == '\n')
            line.ptr[i] = ' ';
    rc = send_line(fd, path, strbuf_slice(&line));
    close_keep_errno(fd);
    strbuf_free(&line);
    return rc;
}

bool
journal_is_stderr(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    char ours[64];
    struct stat st;

    if (stream == NULL || fstat(STDERR_FILENO, &st) < 0)
        return false;
    (void)snprintf(ours, sizeof(ours), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    return strcmp(stream, ours) == 0;
}
