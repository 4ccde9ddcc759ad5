/*
 * pop3d/message_in.h - reads a maildrop's messages in parts, and the next one before it is asked
 * for: most clients take them in order.
 */
#ifndef POSTHORN_POP3D_MESSAGE_IN_H
#define POSTHORN_POP3D_MESSAGE_IN_H

#include "pop3d/maildrop.h"

#define MESSAGE_IN_PART ((size_t)65536)

struct message_in {
    uint32_t number; /* 0: no message is open */
    int fd;          /* -1: all of it has been read */
    uint64_t size, at;
    char *buf; /* NULL, or buf_size bytes; kept from message to message */
    size_t buf_size;
    struct slice part; /* the one that was read last; empty: there is no more */
};

/* Opens a message and reads its first part; costs nothing if message_in_ahead was there before. 0,
 * or -1 with errno: ENOENT another session removed it. */
int message_in_open(struct message_in *in, struct maildrop *md, uint32_t number);
/* The next part. 0, or -1 with errno. */
int message_in_next(struct message_in *in);
/* Done with the message. */
void message_in_close(struct message_in *in);
/* Reads a message that may come next, if it is a small one. Errors wait for message_in_open. */
void message_in_ahead(struct message_in *in, struct maildrop *md, uint32_t number);
/* Gives the buffer back, and what has been read ahead with it. */
void message_in_release(struct message_in *in);

#endif
