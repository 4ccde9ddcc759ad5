/*
 * queue-manager/trim.h - cuts the envelope off behind messages that are done and lie in mailboxes.
 *
 * Only once the message's name is gone from the queue for good: a cut block may reach the disk
 * before the new length does, and a power cut then leaves a queue file whose envelope is zeros.
 */
#ifndef POSTHORN_QUEUE_MANAGER_TRIM_H
#define POSTHORN_QUEUE_MANAGER_TRIM_H

#include <stdint.h>

#include "lib/sys/loop.h"

struct trim;

#define TRIM_DELAY_MS 500
#define TRIM_MAX 256 /* files that may wait, one descriptor each */

/* `dirfd` is the directory that the names leave (active/): borrowed. */
struct trim *trim_new(struct loop *loop, int dirfd);
void trim_free(struct trim **trimp); /* cuts what waits */
/* `fd` is open for writing, its name in the queue is gone; taken over. -1 is fine. */
void trim_add(struct trim *trim, int fd, uint64_t content_size);

#endif
