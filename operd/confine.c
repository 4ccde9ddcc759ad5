/*
 * operd/confine.c - what operd gives up. It stays the instance's owner, for the files are his.
 */
#include "operd/confine.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/slice.h"
#include "lib/sys/sandbox.h"

static const uint64_t needed_caps =
    UINT64_C(1) << CAP_DAC_OVERRIDE | /* the queue and the logs are of other users */
    UINT64_C(1) << CAP_KILL;          /* so are the sessions */

int
confine_operd(const struct instance *inst)
{
    const char *const written[] = {inst->etc, inst->log, inst->run, "/dev/null"};
    struct sandbox_dir dirs[ARRAY_LEN(written)];
    size_t count = 0;
    int rc;

    for (size_t i = 0; i < ARRAY_LEN(written); i++) {
        int fd = open(written[i], O_PATH | O_CLOEXEC);

        if (fd >= 0)
            dirs[count++] = (struct sandbox_dir){.fd = fd, .access = SANDBOX_WRITE};
    }
    rc = sandbox_confine_root(needed_caps, dirs, count);
    while (count > 0)
        close_keep_errno(dirs[--count].fd);
    return rc;
}

int
confine_child(void)
{
    const struct sandbox box = {.uid = (uid_t)-1,
                                .chroot_fd = -1,
                                .keep_caps = needed_caps,
                                .calls = SANDBOX_FILES | SANDBOX_CONNECT_UNIX | SANDBOX_KILL |
                                         SANDBOX_FCHMOD};

    return sandbox_enter(&box);
}
