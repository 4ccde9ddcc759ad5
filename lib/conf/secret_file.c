/*
 * lib/conf/secret_file.c - files with passwords: read once, by path, before any sandbox.
 */
#include "lib/conf/secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"

/* NULL, or what is wrong with it. */
static const char *
read_private(int fd, struct strbuf *text)
{
    struct stat st;
    char *room;

    if (fd < 0 || fstat(fd, &st) < 0)
        return strerror(errno);
    if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return "others than its owner have access: chmod 600 it";
    if (!S_ISREG(st.st_mode) || st.st_size > SECRET_FILE_MAX)
        return "not a file of at most 64 KiB";
    room = strbuf_room(text, (size_t)st.st_size);
    if (room == NULL || read_exact(fd, room, (size_t)st.st_size) < 0)
        return strerror(errno);
    strbuf_grew(text, (size_t)st.st_size);
    return NULL;
}

int
secret_file_read(const char *path, struct strbuf *text, struct strbuf *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    const char *trouble = read_private(fd, text);

    if (trouble != NULL)
        (void)strbuf_printf(error, "%s: %s", path, trouble);
    close_keep_errno(fd);
    return trouble == NULL ? 0 : -1;
}

void
secret_wipe(struct strbuf *text)
{
    if (text->ptr != NULL)
        mem_wipe(text->ptr, text->cap);
    strbuf_free(text);
}
