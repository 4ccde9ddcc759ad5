/*
 * logd/sender.h - who has sent a datagram, by the kernel's word, and which lines are its own.
 */
#ifndef POSTHORN_LOGD_SENDER_H
#define POSTHORN_LOGD_SENDER_H

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

#include "lib/base/slice.h"

#define SENDER_CONTROL_SIZE CMSG_SPACE(sizeof(struct ucred)) /* bytes of msg_control */

struct sender {
    pid_t pid;
    uid_t uid;
    struct slice service, program; /* of the service whose socket it was; borrowed */
};

/* From what recvmsg has filled in: the name that master has bound the socket to (`from`,
 * `from_len`), and the process's credentials. -1: it came through no socket of master's. */
int sender_find(struct msghdr *message, const struct sockaddr_un *from, socklen_t from_len,
                struct sender *out);
/* The line begins with "TIME PROGRAM[PID] " of this very process. */
bool sender_owns(const struct sender *sender, struct slice line);

#endif
