/*
 * local-deliver/shown.h - messages for our own mailboxes whose header is shown otherwise: with
 * other addresses of senders (queue.header_replace), with members in place of their group. Such a
 * message becomes a file of its own, from which it is delivered.
 */
#ifndef POSTHORN_LOCAL_DELIVER_SHOWN_H
#define POSTHORN_LOCAL_DELIVER_SHOWN_H

#include "lib/conf/sender_table.h"
#include "lib/sys/daemon.h"

#define SHOWN_NAME_SIZE 96

struct shown_file {
    int fd; /* for reading */
    uint64_t size;
    uint32_t crc;               /* CRC-32C of all of it */
    char name[SHOWN_NAME_SIZE]; /* below the store */
};

struct shown_how {
    const struct sender_table *senders; /* NULL: none is replaced */
    struct slice groups;                /* as for lib/mail/recipient_replace.h; empty: none */
};

/* NULL: nothing is replaced. Exits with a message if the file of the setting is wrong. */
struct sender_table *shown_load(const struct daemon *d);
/* Removes files that crashes have left. */
void shown_sweep(int store_dirfd);

/* Makes the file for the message at the start of `fd`, durable, in the store. 1: it is there, 0:
 * nothing is shown otherwise, -1 with errno. A child without any rights reads the message. */
int shown_make(const struct daemon *d, const struct shown_how *how, int store_dirfd,
               struct slice queue_id, int fd, uint64_t size, struct shown_file *out);
/* Takes the name away, closes. */
void shown_remove(int store_dirfd, struct shown_file *file);

#endif
