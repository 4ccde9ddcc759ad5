/*
 * master/notify.c - one datagram for each state to the socket that systemd names.
 */
#include "master/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/parse.h"

#define STATUS_MAX 256

static struct {
    int fd;
    struct loop_timer *watchdog;
    int64_t watchdog_ms;
    bool busy; /* starting or reloading, which READY=1 ends */
    bool stopping;
} notify = {.fd = -1, .busy = true};

static void
send_state(const char *state)
{
    if (notify.fd >= 0) /* whether it arrives is systemd's concern */
        (void)send(notify.fd, state, strlen(state), MSG_NOSIGNAL);
}

/* A path, or with '@' a name in the abstract space. */
static int
connect_socket(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(name);
    int fd;

    if ((name[0] != '/' && name[0] != '@') || len >= sizeof(address.sun_path))
        return -1;
    memcpy(address.sun_path, name, len);
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address,
                           (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) == 0)
        return fd;
    close_keep_errno(fd);
    return -1;
}

static void
keep_alive(void *arg)
{
    (void)arg;
    send_state("WATCHDOG=1");
    loop_timer_set(notify.watchdog, notify.watchdog_ms);
}

static void
start_watchdog(struct loop *loop)
{
    const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    uint64_t every, meant;

    if (usec == NULL || parse_u64(slice_of(usec), INT64_MAX, &every) < 0 || every < 2000)
        return;
    if (pid != NULL &&
        (parse_u64(slice_of(pid), INT32_MAX, &meant) < 0 || (pid_t)meant != getpid()))
        return;
    notify.watchdog_ms = (int64_t)(every / 2000); /* twice as often as it has to be */
    notify.watchdog = loop_timer_new(loop, keep_alive, NULL);
    loop_timer_set(notify.watchdog, notify.watchdog_ms);
}

void
notify_init(struct loop *loop)
{
    const char *name = getenv("NOTIFY_SOCKET");

    if (name == NULL)
        return;
    notify.fd = connect_socket(name);
    if (notify.fd >= 0)
        start_watchdog(loop);
    (void)unsetenv("NOTIFY_SOCKET");
    (void)unsetenv("WATCHDOG_USEC");
    (void)unsetenv("WATCHDOG_PID");
}

void
notify_end(void)
{
    loop_timer_free(&notify.watchdog);
    close_keep_errno(notify.fd);
    notify.fd = -1;
}

/* With the time that systemd wants along (Type=notify-reload). */
void
notify_reloading(void)
{
    struct timespec now = {0, 0};
    char text[64];

    if (notify.busy || notify.stopping)
        return;
    notify.busy = true;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    (void)snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%lld",
                   (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    send_state(text);
}

void
notify_settled(const char *complaints)
{
    struct slice rest = slice_of(complaints), line = slice_split(&rest, '\n');
    char text[STATUS_MAX];

    if (!notify.busy || notify.stopping)
        return;
    notify.busy = false;
    (void)snprintf(text, sizeof(text), "STATUS=%.*s%s", (int)(line.len > 200 ? 200 : line.len),
                   line.ptr,
                   line.len == 0  ? "every service runs"
                   : rest.len > 0 ? " (and more)"
                                  : "");
    send_state(text);
    send_state("READY=1");
}

void
notify_stopping(int64_t ms)
{
    char text[64];

    if (notify.stopping)
        return;
    notify.stopping = true;
    send_state("STOPPING=1");
    (void)snprintf(text, sizeof(text), "EXTEND_TIMEOUT_USEC=%lld", (long long)ms * 1000);
    send_state(text);
}
