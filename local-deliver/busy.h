/*
 * local-deliver/busy.h - mailboxes that somebody keeps locked: not waited for again for a while.
 *
 * A worker waits for a lock while others' mail waits behind it. It does so once; then mail for that
 * mailbox is deferred at once until BUSY_MS have passed.
 */
#ifndef POSTHORN_LOCAL_DELIVER_BUSY_H
#define POSTHORN_LOCAL_DELIVER_BUSY_H

#include <stdint.h>

#include "lib/base/slice.h"

#define BUSY_MS 10000
#define BUSY_MAX 256 /* mailboxes; the oldest makes room */

struct busy {
    struct {
        char *path;
        int64_t until_ms; /* monotonic */
    } slots[BUSY_MAX];
    uint32_t next;
};

void busy_add(struct busy *b, struct slice path, int64_t now_ms);
bool busy_has(const struct busy *b, struct slice path, int64_t now_ms);
void busy_clear(struct busy *b);

#endif
