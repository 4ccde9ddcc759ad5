/*
 * lib/queue/queue_slots.h - files made in tmp/ ahead of the messages that will fill them.
 *
 * A message in new/ must outlive a power cut with its name, and flushing a directory costs as much
 * as flushing the message. A slot's name is on disk before its message comes, so that the commit
 * flushes one file (queue_writer_adopt), and one flush of tmp/ serves several slots: the first time
 * one is made, then two, four, and so on, so that who sends one message costs what it always did.
 */
#ifndef POSTHORN_LIB_QUEUE_QUEUE_SLOTS_H
#define POSTHORN_LIB_QUEUE_QUEUE_SLOTS_H

#include "lib/queue/queue_file.h"

struct queue_slots;

/* `tmp_dirfd` must be open for reading (it is flushed) until queue_slots_free. Makes nothing yet.
 */
struct queue_slots *queue_slots_new(int tmp_dirfd);
/* The empty file tmp/ID, open for writing: the caller's. -1 with errno. */
int queue_slots_take(struct queue_slots *slots, char id[QUEUE_ID_SIZE]);
/* Removes the slots that nobody took. */
void queue_slots_free(struct queue_slots **slotsp);

#endif
