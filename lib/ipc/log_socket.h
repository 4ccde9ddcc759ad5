/*
 * lib/ipc/log_socket.h - a socket to logd that says whose it is.
 */
#ifndef POSTHORN_LIB_IPC_LOG_SOCKET_H
#define POSTHORN_LIB_IPC_LOG_SOCKET_H

/* Connected to logd, and for life bound to the name "from.SERVICE.PROGRAM", by which logd knows
 * what may be written through it. `flags` for socket(2). -1 with errno. */
int log_socket_open(int run_dirfd, const char *service, const char *program, int flags);

#endif
