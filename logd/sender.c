/*
 * logd/sender.c - who has sent a datagram, and which lines are its own.
 *
 * Input: a name that master wrote, credentials that the kernel wrote, and lines that a session
 * which has been taken over may have written: it can lie about what happened to it, but in nobody
 * else's name and in no other service's file.
 */
#include "logd/sender.h"

#include <stddef.h>
#include <string.h>

#include "lib/base/parse.h"
#include "lib/log/line.h"

/* "/proc/self/fd/3/from.SERVICE.PROGRAM": a service has no dot in its name, a program may. */
static int
split_name(struct slice path, struct sender *out)
{
    static const struct slice prefix = {LOG_ORIGIN_PREFIX, sizeof(LOG_ORIGIN_PREFIX) - 1};
    size_t slash = slice_rindex(path, '/');
    struct slice name = slash == path.len ? path : slice_sub(path, slash + 1, path.len);

    if (!slice_starts(name, prefix))
        return -1;
    name = slice_sub(name, prefix.len, name.len);
    out->service = slice_split(&name, '.');
    out->program = name;
    return log_service_valid(out->service) && name.len > 0 ? 0 : -1;
}

int
sender_find(struct msghdr *message, const struct sockaddr_un *from, socklen_t from_len,
            struct sender *out)
{
    size_t head = offsetof(struct sockaddr_un, sun_path);
    const struct cmsghdr *cmsg = CMSG_FIRSTHDR(message);
    struct ucred cred;

    if (cmsg == NULL || cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_CREDENTIALS ||
        cmsg->cmsg_len != CMSG_LEN(sizeof(cred)) || from_len <= head || from_len > sizeof(*from))
        return -1;
    memcpy(&cred, CMSG_DATA(cmsg), sizeof(cred));
    out->pid = cred.pid;
    out->uid = cred.uid;
    return split_name(slice_make(from->sun_path, strnlen(from->sun_path, from_len - head)), out);
}

bool
sender_owns(const struct sender *sender, struct slice line)
{
    struct slice origin, program;
    uint64_t pid;

    (void)slice_split(&line, ' '); /* the time */
    origin = slice_split(&line, ' ');
    program = slice_split(&origin, '[');
    return slice_eq(program, sender->program) && slice_ends(origin, SLICE("]")) &&
           parse_u64(slice_sub(origin, 0, origin.len - 1), INT32_MAX, &pid) == 0 &&
           (pid_t)pid == sender->pid;
}
