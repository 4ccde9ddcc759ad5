/*
 * imapd/reply.c - what failures of the store mean to the client (RFC 5530 section 3).
 */
#include "imapd/reply.h"

#include <errno.h>
#include <string.h>

#include "lib/log/log.h"

static void
tell_administrator(struct slice folder)
{
    log_event(LOG_ERROR, "store_failed", KV_SLICE("folder", folder), KV_ERRNO());
}

struct reply
reply_errno_of(struct slice folder)
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
        tell_administrator(folder);
        return reply_no("CORRUPTION", "Mailbox is damaged");
    case EPROTONOSUPPORT:
        return reply_no("UNAVAILABLE", "Mailbox is of another version of this server");
    case ENOTCONN:
        return reply_no("UNAVAILABLE", "Mailbox was made in this session, log in again to open it");
    case EREMOTE:
        return (struct reply){REPLY_LAST, "UNAVAILABLE", "Mailbox is being moved, connect again"};
    case EBUSY:
        return reply_no("INUSE", "Mailbox is in use, try again");
    case ELOOP:
    case EMLINK:
    case EOVERFLOW:
        return reply_no("LIMIT", "Limit exceeded");
    default:
        tell_administrator(folder);
        return reply_no("UNAVAILABLE", "Internal error, try again later");
    }
}

struct reply
reply_errno(void)
{
    return reply_errno_of(SLICE(""));
}
