/*
 * master/confine.c - what master gives up before it reads anything.
 *
 * Daemons start as root, open what they need, and change to their own user: the capabilities for
 * that must stay, and with them master could do much. The kernel's own are gone all the same
 * (modules, devices, networks, tracing), and neither master nor a daemon that is still root can
 * write to any file outside of the instance, its configuration included.
 */
#include "master/confine.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/slice.h"
#include "lib/sys/sandbox.h"

#define FILES_MAX 131072 /* a pool has one for each client; to go higher took a capability */

static const unsigned char needed[] = {
    CAP_NET_BIND_SERVICE, /* ports below 1024 */
    CAP_KILL,             /* children have users of their own */
    CAP_SETUID,           /* the rest is for the children's way into their sandboxes */
    CAP_SETGID,
    CAP_SETPCAP,      /* to empty the bounding set */
    CAP_SYS_CHROOT,   /* sessions */
    CAP_DAC_OVERRIDE, /* directories that only a service's user may enter */
    CAP_CHOWN,        /* what is made there is that user's */
    CAP_FOWNER,
    CAP_FSETID,    /* the queue's directories hand their group down */
    CAP_NET_ADMIN, /* for blockd alone: confine_without_firewall, sandbox_drop_cap in each child */
};

static uint64_t
needed_caps(void)
{
    uint64_t caps = 0;

    for (size_t i = 0; i < ARRAY_LEN(needed); i++)
        caps |= 1ull << needed[i];
    return caps;
}

static void
raise_file_limit(void)
{
    struct rlimit now;

    if (geteuid() != 0 || getrlimit(RLIMIT_NOFILE, &now) < 0 || now.rlim_max >= FILES_MAX)
        return;
    now.rlim_max = FILES_MAX;
    (void)setrlimit(RLIMIT_NOFILE, &now); /* a pool that wants more than it gets tells so */
}

int
confine_master(const struct instance *inst)
{
    const char *const written[] = {inst->queue,   inst->store, inst->stores, inst->db,
                                   inst->archive, inst->log,   inst->run,    "/dev/null"};
    struct sandbox_dir dirs[ARRAY_LEN(written)];
    size_t count = 0;
    int rc;

    raise_file_limit();
    for (size_t i = 0; i < ARRAY_LEN(written); i++) {
        int fd = open(written[i], O_PATH | O_CLOEXEC);

        if (fd >= 0) /* what is missing is told by the daemon that needs it */
            dirs[count++] = (struct sandbox_dir){.fd = fd, .access = SANDBOX_WRITE};
    }
    rc = sandbox_confine_root(needed_caps(), dirs, count);
    while (count > 0)
        close_keep_errno(dirs[--count].fd);
    return rc;
}

int
confine_without_firewall(void)
{
    return sandbox_drop_cap(CAP_NET_ADMIN);
}
