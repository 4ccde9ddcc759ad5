/*
 * imapd/reply.c - what failures of the store mean to the client (RFC 5530 section 3).
 */
#include "imapd/reply.h"

#include <errno.h>
#include <stddef.h>

struct reply
reply_errno(void)
{
    switch (errno) {
    case ENOENT:
        return reply_no("NONEXISTENT", "No such mailbox");
    case EEXIST:
        return reply_no("ALREADYEXISTS", "Mailbox already exists");
    case EINVAL:
    case ENAMETOOLONG:
        return reply_no("CANNOT", "Mailbox name is not allowed");
    case EDQUOT:
        return reply_no("OVERQUOTA", "Quota exceeded");
    case ENOSPC:
        return reply_no("UNAVAILABLE", "Disk is full, try again later");
    case EACCES:
    case EPERM:
    case EROFS:
        return reply_no("NOPERM", "Permission denied");
    case EBADMSG:
        return reply_no("CORRUPTION", "Mailbox is damaged");
    case EPROTONOSUPPORT:
        return reply_no("UNAVAILABLE", "Mailbox is of another version of this server");
    case EBUSY:
        return reply_no("INUSE", "Mailbox is in use, try again");
    case ELOOP:
    case EMLINK:
    case EOVERFLOW:
        return reply_no("LIMIT", "Limit exceeded");
    default:
        return reply_no("UNAVAILABLE", "Internal error, try again later");
    }
}
