/*
 * lib/store/reply_memory.h - whom a user's automatic reply has gone to lately (RFC 3834 section 2).
 *
 * One file in the user's mail directory, `posthorn.replied`: a line for each correspondent with a
 * digest of the address, the time (ms since 1970) and the queue id of what was answered. It is
 * replaced whole, on disk before a reply goes out. The user's sessions may have written anything
 * there: lines that are none are dropped.
 */
#ifndef POSTHORN_LIB_STORE_REPLY_MEMORY_H
#define POSTHORN_LIB_STORE_REPLY_MEMORY_H

#include <stdint.h>

#include "lib/base/strbuf.h"

#define REPLY_MEMORY_MAX 1000           /* correspondents; to more nothing goes in the period */
#define REPLY_MEMORY_BYTES (160u << 10) /* of the file */

enum reply_turn {
    REPLY_FIRST, /* nothing has gone there in the period */
    REPLY_AGAIN, /* the answer to this very message was begun: it may have been lost in a crash */
    REPLY_TOLD,
    REPLY_FULL,
    REPLY_FAILED /* errno */
};

/* `mail_fd`: the user's mail directory. FIRST: `kept` (REPLY_MEMORY_BYTES) is for
 * reply_memory_note. */
enum reply_turn reply_memory_look(int mail_fd, struct slice correspondent, struct slice queue_id,
                                  int64_t now_ms, int64_t period_ms, struct strbuf *kept);
/* On disk before it returns. 0, or -1 with errno. */
int reply_memory_note(int mail_fd, struct slice correspondent, struct slice queue_id,
                      int64_t now_ms, struct strbuf *kept);

#endif
