/*
 * lib/sys/sandbox.c - giving up what a process does not need, in the one right order.
 *
 * Runs before the process reads anything from outside. Directories come as descriptors; no path is
 * resolved here.
 */
#include "lib/sys/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/log/log.h"
#include "lib/sys/landlock.h"
#include "lib/sys/syscall_filter.h"

static void (*observer)(void *arg, int abi, unsigned layers);
static void *observer_arg;

static int
caps_get(uint64_t *effective)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];

    if (syscall(SYS_capget, &header, data) < 0)
        return -1;
    *effective = data[0].effective | (uint64_t)data[1].effective << 32;
    return 0;
}

static int
caps_set(uint64_t caps)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {
        {.effective = (uint32_t)caps, .permitted = (uint32_t)caps},
        {.effective = (uint32_t)(caps >> 32), .permitted = (uint32_t)(caps >> 32)},
    };

    return (int)syscall(SYS_capset, &header, data);
}

static bool
has_cap(uint64_t held, unsigned cap)
{
    return (held >> cap & 1) != 0;
}

/* The way back through a set-uid program or a file's capabilities is closed as well. */
static int
drop_bounding_set(uint64_t keep)
{
    for (unsigned cap = 0; prctl(PR_CAPBSET_READ, (unsigned long)cap, 0, 0, 0) >= 0; cap++)
        if (!has_cap(keep, cap) && prctl(PR_CAPBSET_DROP, (unsigned long)cap, 0, 0, 0) < 0)
            return -1;
    return 0;
}

static int
enter_chroot(const struct sandbox *box, uint64_t held)
{
    if (box->chroot_fd < 0 || !has_cap(held, CAP_SYS_CHROOT))
        return 0;
    if (fchdir(box->chroot_fd) < 0 || chroot(".") < 0)
        return -1;
    return close(box->chroot_fd);
}

/* Switches the user while root; capabilities to be kept survive the switch as permitted ones. */
static int
enter_user(const struct sandbox *box)
{
    int death_signal = 0;

    if (box->uid == (uid_t)-1 || geteuid() != 0)
        return 0;
    if (box->uid == 0) {
        errno = EINVAL; /* nothing of ours that has a sandbox runs as root */
        return -1;
    }
    if (drop_bounding_set(0) < 0 || prctl(PR_GET_PDEATHSIG, &death_signal, 0, 0, 0) < 0)
        return -1;
    if (box->keep_caps != 0 && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
        return -1;
    if (setgroups(box->group_count, box->groups) < 0 ||
        setresgid(box->gid, box->gid, box->gid) < 0 || setresuid(box->uid, box->uid, box->uid) < 0)
        return -1;
    /* The switch forgot it; behind the seccomp filter it could not be set again. */
    return death_signal == 0 ? 0 : prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0);
}

static int
enter_caps(const struct sandbox *box, uint64_t held)
{
    return held == 0 ? 0 : caps_set(box->keep_caps & held);
}

static int
limit(__rlimit_resource_t what, uint64_t max)
{
    struct rlimit now;

    if (getrlimit(what, &now) < 0)
        return -1;
    if (now.rlim_max == max && now.rlim_cur == max)
        return 0;
    if (max > now.rlim_max)
        max = now.rlim_max;
    /* Not the library's: that calls prlimit64, which reaches other processes, so no list has it. */
    return (int)syscall(SYS_setrlimit, what, &(struct rlimit){.rlim_cur = max, .rlim_max = max});
}

static int
enter_limits(const struct sandbox *box)
{
    if (limit(RLIMIT_CORE, 0) < 0)
        return -1;
    if (box->files_max != 0 && limit(RLIMIT_NOFILE, box->files_max) < 0)
        return -1;
    if (box->memory_max != 0 && limit(RLIMIT_AS, box->memory_max) < 0)
        return -1;
    if (box->heap_max != 0 && limit(RLIMIT_DATA, box->heap_max) < 0)
        return -1;
    return 0;
}

static int
enter_no_new_privileges(void)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -1;
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* no core file, no ptrace by the same user */
}

/* The kernel's word for it: what stands in the process table was tried. A user's directory is never
 * the root itself. */
static int
probe_landlock(void)
{
    int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return 0;
    (void)close(fd);
    errno = ENOSYS;
    return -1;
}

static int
restrict_and_tell(const struct sandbox_dir *dirs, size_t count, bool same_rights, bool tcp_allowed,
                  bool abstract_allowed)
{
    if (landlock_restrict(dirs, count, same_rights, tcp_allowed, abstract_allowed) < 0)
        return -1;
    if (landlock_abi() > 0 && probe_landlock() < 0)
        return -1;
    if (observer != NULL)
        observer(observer_arg, landlock_abi(), landlock_layers());
    return 0;
}

static int
enter_landlock(const struct sandbox *box)
{
    static bool warned;

    if (!box->landlock)
        return 0;
    if (landlock_abi() == 0 && !warned) {
        warned = true;
        log_event(LOG_WARN, "landlock_missing",
                  KV_STR("effect", "paths are confined by user, chroot and openat2 alone"));
    }
    return restrict_and_tell(box->dirs, box->dir_count, box->same_rights,
                             (box->calls & SANDBOX_INTERNET) != 0, box->answers);
}

static int
failed(const char *step)
{
    int saved = errno;

    log_event(LOG_ERROR, "sandbox_failed", KV_STR("step", step), KV_ERRNO());
    errno = saved;
    return -1;
}

int
sandbox_prepare(const struct sandbox *box)
{
    return syscall_filter_prepare(box->calls);
}

int
sandbox_enter(const struct sandbox *box)
{
    uint64_t held;

    if (box->dir_count > SANDBOX_DIRS_MAX) {
        errno = EINVAL;
        return failed("directories");
    }
    if (caps_get(&held) < 0)
        return failed("capget");
    if (enter_chroot(box, held) < 0)
        return failed("chroot");
    if (enter_user(box) < 0)
        return failed("user");
    if (enter_caps(box, held) < 0)
        return failed("capabilities");
    if (enter_no_new_privileges() < 0)
        return failed("no_new_privs");
    if (enter_limits(box) < 0)
        return failed("limits");
    if (enter_landlock(box) < 0)
        return failed("landlock");
    if (syscall_filter_load(box->calls) < 0)
        return failed("seccomp");
    return 0;
}

/* Children that root starts hold what is left in the bounding set. */
static int
reduce_caps(uint64_t keep)
{
    uint64_t held;

    if (caps_get(&held) < 0)
        return -1;
    if (held == 0)
        return 0;
    return drop_bounding_set(keep) < 0 ? -1 : caps_set(keep & held);
}

int
sandbox_drop_cap(unsigned cap)
{
    uint64_t held;

    if (caps_get(&held) < 0)
        return -1;
    if (!has_cap(held, cap))
        return 0;
    if (prctl(PR_CAPBSET_DROP, (unsigned long)cap, 0, 0, 0) < 0)
        return -1;
    return caps_set(held & ~(1ull << cap));
}

int
sandbox_confine_root(uint64_t keep_caps, const struct sandbox_dir *dirs, size_t count)
{
    if (reduce_caps(keep_caps) < 0)
        return failed("capabilities");
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || limit(RLIMIT_CORE, 0) < 0)
        return failed("limits");
    if (landlock_confine_writes(dirs, count) < 0)
        return failed("landlock");
    if (syscall_filter_load_deadly() < 0)
        return failed("seccomp");
    return 0;
}

int
sandbox_restrict_paths(const struct sandbox_dir *dirs, size_t count)
{
    return restrict_and_tell(dirs, count, false, false, false);
}

static int
close_all_but(const int *keep, size_t count)
{
    unsigned first = STDERR_FILENO + 1;

    for (;;) {
        unsigned next = UINT_MAX;

        for (size_t i = 0; i < count; i++)
            if (keep[i] >= (int)first && (unsigned)keep[i] < next)
                next = (unsigned)keep[i];
        if (next > first && close_range(first, next == UINT_MAX ? UINT_MAX : next - 1, 0) < 0)
            return -1;
        if (next == UINT_MAX)
            return 0;
        first = next + 1;
    }
}

int
sandbox_keep_only(const int *keep, size_t count)
{
    if (close_all_but(keep, count) < 0)
        return failed("descriptors");
    if (sandbox_restrict_paths(NULL, 0) < 0)
        return failed("landlock");
    if (syscall_filter_load_relay() < 0)
        return failed("seccomp");
    return 0;
}

int
sandbox_landlock_abi(void)
{
    return landlock_abi();
}

unsigned
sandbox_landlock_layers(void)
{
    return landlock_layers();
}

void
sandbox_observe(void (*changed)(void *arg, int abi, unsigned layers), void *arg)
{
    observer = changed;
    observer_arg = arg;
}

void
sandbox_die_with_parent(void)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); /* cannot fail for a valid signal */
}
