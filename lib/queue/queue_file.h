/*
 * lib/queue/queue_file.h - one queued message on disk; doc/queue.md has every byte.
 *
 * A message is the file `ID` in a state's directory (new/ active/ deferred/ hold/ corrupt/): the
 * message content from the first byte, immutable, so that local delivery can link the file into
 * mailboxes. The envelope is one checksummed record: for a message with one recipient it follows
 * the content in the same file (one create, one flush, no file to delete later); with more it is
 * the file `ID.env` beside it. What happens to the recipients is appended to `ID.log`, made when
 * the first attempt leaves something undone. When the last recipient is done the names go, and then
 * the envelope behind the content is cut off (the mailboxes' links see the content alone).
 */
#ifndef POSTHORN_LIB_QUEUE_QUEUE_FILE_H
#define POSTHORN_LIB_QUEUE_QUEUE_FILE_H

#include <stdint.h>
#include <sys/types.h>

#include "lib/base/strbuf.h"

#define QUEUE_RCPTS_MAX 100000
#define QUEUE_ENVELOPE_MAX (64u << 20)

struct queue_rcpt {
    struct slice address;
    struct slice original; /* ORCPT as received, or empty */
    uint8_t notify;        /* QUEUE_NOTIFY_*; 0: the default */
};
struct queue_envelope {
    char id[33]; /* queue id: time-ordered prefix and random part, [0-9A-Za-z] */
    int64_t received_ms;
    uint64_t content_size;
    struct slice sender; /* reverse path, empty for bounces */
    struct slice envid;
    uint8_t ret; /* 0 none, 1 FULL, 2 HDRS */
    bool smtputf8, body_8bit, body_binary;
    struct slice auth_user; /* who submitted it, or empty */
    struct slice client;    /* address of the client, for the log */
    uint32_t hops;          /* Received fields counted */
    uint32_t rcpt_count;
    struct queue_rcpt *rcpts;
};

/* A new queue id. */
void queue_id_make(char id[33]);
bool queue_id_valid(struct slice id);

/* ---- writing: smtpd, bounces, gateways. Directories tmp/ and new/ by descriptor ---- */
struct queue_writer;
/* NULL with errno (ENOSPC: 452). Creates tmp/ID. */
struct queue_writer *queue_writer_open(int tmp_dirfd, int new_dirfd, const char *id);
int queue_writer_write(struct queue_writer *w, struct slice content); /* buffered */
/* Envelope behind or beside, flush, rename to new/, flush the directory: after a 0 the message is
 * ours for good. -1 with errno: nothing is there. Frees the writer either way. */
int queue_writer_commit(struct queue_writer **wp, const struct queue_envelope *envelope);
void queue_writer_abort(struct queue_writer **wp);
uint64_t queue_writer_size(const struct queue_writer *w);
/* Wakes the queue manager (the FIFO queue/trigger); never blocks, may be lost. */
void queue_trigger(int trigger_fd);

/* ---- reading: queue-manager, the command line ---- */
struct queue_message; /* an open queued message with its envelope and recipients' states */
/* NULL with errno; EBADMSG: damaged, belongs into corrupt/. */
struct queue_message *queue_message_open(int dirfd, const char *id);
const struct queue_envelope *queue_message_envelope(const struct queue_message *m);
int queue_message_fd(const struct queue_message *m); /* content at offset 0 */
void queue_message_close(struct queue_message **mp);

#endif
