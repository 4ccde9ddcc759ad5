/*
 * posthorn/import_text.c - reads a text file that another server left beside a Maildir.
 *
 * Input: files that anybody may have written, or put something else in the place of. Nothing is
 * opened through a symbolic link.
 */
#include "posthorn/import_text.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/store/beneath.h"

#define TEXT_MAX ((size_t)256 << 20)

struct strbuf
import_text_read(int root, const char *dir, const char *name)
{
    struct strbuf text = strbuf_new(TEXT_MAX);
    char *path = xasprintf("%s/%s", dir, name);
    int fd = beneath_open(root, path, O_RDONLY | O_NONBLOCK, 0);
    struct stat st;

    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size < TEXT_MAX) {
        char *room = strbuf_room(&text, (size_t)st.st_size + 1);

        if (room != NULL && pread_exact(fd, room, (size_t)st.st_size, 0) == 0)
            strbuf_grew(&text, (size_t)st.st_size);
    }
    close_keep_errno(fd);
    xfree(&path);
    return text;
}
