/*
 * lib/store/delivery.h - delivering one message file into many users' INBOXes with few flushes.
 *
 * For local-deliver. A batch: begin, add once per mailbox, commit. A mailbox gets the message
 * exactly once per queue id: with `in_doubt` the journal is searched for it first.
 */
#ifndef POSTHORN_LIB_STORE_DELIVERY_H
#define POSTHORN_LIB_STORE_DELIVERY_H

#include "lib/store/store.h"
#include "lib/store/store_dirs.h"

struct delivery_batch;

struct delivery_message {
    int dirfd;        /* directory of the message file, for linking */
    const char *name; /* NULL: it has none and is copied */
    int fd;           /* the file open for reading: copied where linking fails (EXDEV, EMLINK) */
    uint64_t size;    /* bytes of content, from the file's start */
    uint32_t crc;     /* CRC-32C of these */
    struct slice queue_id;
    int64_t received_ms;
    bool in_doubt;
};

enum delivery_status {
    DELIVERY_OK,
    DELIVERY_DUPLICATE /* was there: as good as OK */,
    DELIVERY_OVER_QUOTA,
    DELIVERY_NO_MAILBOX, /* no such directory: the user has moved, is gone, or is not made yet */
    DELIVERY_FAILED      /* errno */
};

struct delivery_result {
    enum delivery_status status;
    int error;                /* errno of FAILED and NO_MAILBOX */
    uint64_t bytes, messages; /* what the user holds now */
    uint32_t uid;             /* OK: the UID that the message got */
};

/* The descriptors stay the caller's, until delivery_free. A user's directory that is missing is not
 * made here: it might be one that has been renamed or removed since the message was addressed. */
struct delivery_batch *delivery_begin(const struct store_dirs *dirs);
/* has_room(arg, dirfd) is asked about each mailbox before anything is written there. False: FAILED
 * with ENOSPC. */
void delivery_ask_room(struct delivery_batch *batch, bool (*has_room)(void *arg, int dirfd),
                       void *arg);
/* One mailbox "DOMAIN/xx/USER", folder "INBOX" or e.g. "Junk" (INBOX if that is missing). The
 * result is final only after commit; a user listed twice in a batch is fine. Returns the entry's
 * index. */
size_t delivery_add(struct delivery_batch *batch, const struct delivery_message *message,
                    struct slice user_path, struct slice folder, uint64_t quota_bytes,
                    uint64_t quota_messages);
/* Makes all of it durable with as few flushes as the file system allows. Entries whose flush failed
 * become FAILED (they may be there all the same: the next attempt is in doubt). */
void delivery_commit(struct delivery_batch *batch);
const struct delivery_result *delivery_get(const struct delivery_batch *batch, size_t index);
void delivery_free(struct delivery_batch **batchp);

#endif
