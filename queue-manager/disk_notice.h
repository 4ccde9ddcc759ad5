/*
 * queue-manager/disk_notice.h - tells the postmaster that a disk fills up (STO-11).
 */
#ifndef POSTHORN_QUEUE_MANAGER_DISK_NOTICE_H
#define POSTHORN_QUEUE_MANAGER_DISK_NOTICE_H

#include "queue-manager/queue.h"

/* Commits the message to the queue. 0, or -1 with errno: the disk may be full already. */
int disk_notice_send(struct queue *q, const char *place, const struct disk_room *room);

#endif
