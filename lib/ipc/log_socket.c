/*
 * lib/ipc/log_socket.c - a socket to logd that says whose it is.
 *
 * The name lives in the socket, not in the directory: the file is made and removed at once. Its
 * holder cannot change it (a socket is bound once), and nobody else can send to logd at all:
 * log.sock is master's.
 */
#include "lib/ipc/log_socket.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include "lib/base/io.h"
#include "lib/ipc/socket.h"
#include "lib/log/line.h"

#define LOG_SOCKET "log.sock"

int
log_socket_open(int run_dirfd, const char *service, const char *program, int flags)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | flags, 0);
    struct sockaddr_un own, logd;
    char name[80];

    (void)snprintf(name, sizeof(name), LOG_ORIGIN_PREFIX "%s.%s", service, program); /* it fits */
    unlink_keep_errno(run_dirfd, name); /* left by a crash between the two lines below */
    if (fd >= 0 && ipc_socket_address(run_dirfd, name, &own) == 0 &&
        bind(fd, (struct sockaddr *)&own, sizeof(own)) == 0) {
        unlink_keep_errno(run_dirfd, name);
        if (ipc_socket_address(run_dirfd, LOG_SOCKET, &logd) == 0 &&
            connect(fd, (struct sockaddr *)&logd, sizeof(logd)) == 0)
            return fd;
    }
    close_keep_errno(fd);
    return -1;
}
