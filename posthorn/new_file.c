/*
 * posthorn/new_file.c - a file that a command writes.
 */
#include "posthorn/new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/io.h"

int
new_file_write(const struct cli *cli, const char *path, bool force, struct slice text)
{
    int fd, rc;

    if (force)
        return replace_file(AT_FDCWD, path, text, 0600) < 0
                   ? cli_fail(cli, "%s: %s", path, strerror(errno))
                   : CLI_OK;
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return cli_fail(cli, "%s: %s%s", path, strerror(errno),
                        errno == EEXIST ? "; --force replaces it" : "");
    rc = write_all(fd, text) < 0 || fsync(fd) < 0 ? cli_fail(cli, "%s: %s", path, strerror(errno))
                                                  : CLI_OK;
    (void)close(fd); /* it is on disk, or has failed already */
    if (rc != CLI_OK)
        unlink_keep_errno(AT_FDCWD, path);
    return rc;
}
