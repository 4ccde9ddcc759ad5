/*
 * lib/sys/landlock.c - the kernel's Landlock calls. No library in Debian 12 has them.
 */
#include "lib/sys/landlock.h"

#include <errno.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/slice.h"

/* include/uapi/linux/landlock.h of Linux 6.15 (ABI 7). */
enum {
    FS_EXECUTE = 1 << 0,
    FS_WRITE_FILE = 1 << 1,
    FS_READ_FILE = 1 << 2,
    FS_READ_DIR = 1 << 3,
    FS_REMOVE_DIR = 1 << 4,
    FS_REMOVE_FILE = 1 << 5,
    FS_MAKE_CHAR = 1 << 6,
    FS_MAKE_DIR = 1 << 7,
    FS_MAKE_REG = 1 << 8,
    FS_MAKE_SOCK = 1 << 9,
    FS_MAKE_FIFO = 1 << 10,
    FS_MAKE_BLOCK = 1 << 11,
    FS_MAKE_SYM = 1 << 12,
    FS_REFER = 1 << 13,     /* ABI 2 */
    FS_TRUNCATE = 1 << 14,  /* ABI 3 */
    FS_IOCTL_DEV = 1 << 15, /* ABI 5 */
    NET_BIND_TCP = 1 << 0,  /* ABI 4 */
    NET_CONNECT_TCP = 1 << 1,
    SCOPE_ABSTRACT_UNIX = 1 << 0, /* ABI 6 */
    SCOPE_SIGNAL = 1 << 1,
};

enum { CREATE_RULESET_VERSION = 1, RULE_PATH_BENEATH = 1 };

struct ruleset_attr {
    uint64_t handled_access_fs;
    uint64_t handled_access_net;
    uint64_t scoped;
};

struct path_beneath_attr {
    uint64_t allowed_access;
    int32_t parent_fd;
} __attribute__((packed));

static unsigned layers;

int
landlock_abi(void)
{
    static int abi = -1; /* the kernel does not change under us */

    if (abi < 0) {
        long answer = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);

        abi = answer > 0 ? (int)answer : 0;
    }
    return abi;
}

unsigned
landlock_layers(void)
{
    return layers;
}

static uint64_t
known_fs_rights(int abi)
{
    if (abi >= 5)
        return (FS_IOCTL_DEV << 1) - 1;
    if (abi >= 3)
        return (FS_TRUNCATE << 1) - 1;
    return abi == 2 ? (FS_REFER << 1) - 1 : (FS_MAKE_SYM << 1) - 1;
}

/* What our programs do below a directory: never execute, never make devices; symbolic links
 * on request. */
static uint64_t
rights_of(unsigned access)
{
    uint64_t rights = 0;

    if (access & SANDBOX_READ)
        rights |= FS_READ_FILE | FS_READ_DIR;
    if (access & SANDBOX_WRITE)
        rights |= FS_WRITE_FILE | FS_REMOVE_DIR | FS_REMOVE_FILE | FS_MAKE_DIR | FS_MAKE_REG |
                  FS_MAKE_SOCK | FS_REFER | FS_TRUNCATE;
    if ((access & SANDBOX_SYMLINKS) != 0)
        rights |= FS_MAKE_SYM;
    return rights;
}

/* Older kernels refuse an attribute that is longer than the one they know. */
static size_t
attr_size(int abi)
{
    if (abi >= 6)
        return sizeof(struct ruleset_attr);
    return abi >= 4 ? offsetof(struct ruleset_attr, scoped)
                    : offsetof(struct ruleset_attr, handled_access_net);
}

/* Everything that changes a file system. */
static uint64_t
writing_rights(int abi)
{
    uint64_t reading = FS_EXECUTE | FS_READ_FILE | FS_READ_DIR | FS_IOCTL_DEV;

    return known_fs_rights(abi) & ~reading;
}

static int
ruleset_new(int abi, bool tcp_allowed, bool abstract_allowed)
{
    struct ruleset_attr attr = {
        .handled_access_fs = known_fs_rights(abi),
        .handled_access_net = tcp_allowed ? 0 : NET_BIND_TCP | NET_CONNECT_TCP,
        .scoped = SCOPE_SIGNAL | (abstract_allowed ? 0 : SCOPE_ABSTRACT_UNIX),
    };

    return (int)syscall(SYS_landlock_create_ruleset, &attr, attr_size(abi), 0);
}

static int
add_dirs(int ruleset, uint64_t known, const struct sandbox_dir *dirs, size_t count,
         bool same_rights)
{
    uint64_t all = 0;

    for (size_t i = 0; i < count; i++)
        all |= rights_of(dirs[i].access);
    for (size_t i = 0; i < count; i++) {
        struct path_beneath_attr beneath = {
            .allowed_access = (same_rights ? all : rights_of(dirs[i].access)) & known,
            .parent_fd = dirs[i].fd,
        };

        if (beneath.allowed_access != 0 &&
            syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &beneath, 0) < 0)
            return -1;
    }
    return 0;
}

static int
allow_writing(int ruleset, uint64_t rights, int fd)
{
    struct path_beneath_attr beneath = {.allowed_access = rights, .parent_fd = fd};
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -1;
    if (!S_ISDIR(st.st_mode)) /* only these have a meaning for a file */
        beneath.allowed_access &= FS_WRITE_FILE | FS_TRUNCATE;
    return (int)syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &beneath, 0);
}

int
landlock_confine_writes(const struct sandbox_dir *dirs, size_t count)
{
    int abi = landlock_abi();
    struct ruleset_attr attr = {.handled_access_fs = writing_rights(abi)};
    int ruleset, rc = 0;

    if (abi < 2)
        return 0;
    ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, attr_size(abi), 0);
    if (ruleset < 0)
        return -1;
    for (size_t i = 0; rc == 0 && i < count; i++)
        if (dirs[i].access & SANDBOX_WRITE)
            rc = allow_writing(ruleset, attr.handled_access_fs, dirs[i].fd);
    if (rc == 0)
        rc = (int)syscall(SYS_landlock_restrict_self, ruleset, 0);
    close_keep_errno(ruleset);
    if (rc == 0)
        layers++;
    return rc;
}

int
landlock_restrict(const struct sandbox_dir *dirs, size_t count, bool same_rights, bool tcp_allowed,
                  bool abstract_allowed)
{
    int abi = landlock_abi();
    int ruleset, rc = -1;

    if (abi == 0)
        return 0;
    ruleset = ruleset_new(abi, tcp_allowed, abstract_allowed);
    if (ruleset < 0)
        return -1;
    if (add_dirs(ruleset, known_fs_rights(abi), dirs, count, same_rights) < 0 ||
        syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
        goto out;
    layers++;
    rc = 0;
out:
    close_keep_errno(ruleset);
    return rc;
}
