/*
 * local-deliver/senders.h - other addresses in the sender fields of messages for our own mailboxes
 * (queue.header_replace): such a message becomes a file of its own, from which it is delivered.
 */
#ifndef POSTHORN_LOCAL_DELIVER_SENDERS_H
#define POSTHORN_LOCAL_DELIVER_SENDERS_H

#include "lib/conf/sender_table.h"
#include "lib/sys/daemon.h"

#define SENDERS_NAME_SIZE 96

struct senders_file {
    int fd; /* for reading */
    uint64_t size;
    uint32_t crc;                 /* CRC-32C of all of it */
    char name[SENDERS_NAME_SIZE]; /* below the store */
};

/* NULL: nothing is replaced. Exits with a message if the file of the setting is wrong. */
struct sender_table *senders_load(const struct daemon *d);
/* Removes files that crashes have left. */
void senders_sweep(int store_dirfd);

/* Makes the file for the message at the start of `fd`, durable, in the store. 1: it is there, 0:
 * nothing has to be replaced, -1 with errno. A child without any rights reads the message. */
int senders_make(const struct daemon *d, const struct sender_table *table, int store_dirfd,
                 struct slice queue_id, int fd, uint64_t size, struct senders_file *out);
/* Takes the name away, closes. */
void senders_remove(int store_dirfd, struct senders_file *file);

#endif
