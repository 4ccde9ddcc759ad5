/*
 * lib/queue/envelope.h - sender, recipients and origin of one queued message, and its record.
 *
 * On disk an envelope is a record: a body of typed fields (the encoding of lib/ipc/frame.h) and a
 * footer of ENVELOPE_FOOTER bytes at the very end, so that a reader finds it from the file's end.
 * The footer closes every message file; where the envelope is beside (ID.env), the message file has
 * a footer with an empty body. Without it the sender of a message could forge one as its last
 * bytes. doc/queue.md has every byte.
 */
#ifndef POSTHORN_LIB_QUEUE_ENVELOPE_H
#define POSTHORN_LIB_QUEUE_ENVELOPE_H

#include <stdint.h>

#include "lib/base/strbuf.h"

#define QUEUE_RCPTS_MAX 100000
#define QUEUE_ENVELOPE_MAX (64u << 20)
#define ENVELOPE_FOOTER 24
#define QUEUE_ID_SIZE 33 /* bytes of a queue id with its NUL */

struct queue_rcpt {
    struct slice address;
    struct slice original; /* ORCPT as received, or empty */
    uint8_t notify;        /* QUEUE_NOTIFY_*; 0: the default */
};
struct queue_envelope {
    char id[QUEUE_ID_SIZE]; /* queue id: time-ordered prefix and random part, [0-9A-Za-z] */
    int64_t received_ms;
    uint64_t content_size; /* the writer fills these two in by itself */
    uint32_t content_crc;
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

struct envelope_footer {
    uint32_t body_length; /* 0: the envelope is in ID.env */
    uint64_t content_size;
    uint32_t content_crc; /* CRC-32C of the content */
    uint32_t record_crc;  /* CRC-32C of the body and of the footer before this field */
};

/* Appends body and footer. 0, or -1 if `out`'s ceiling was hit. */
int envelope_encode(struct strbuf *out, const struct queue_envelope *envelope);
/* Appends the footer that says: the envelope is beside. */
void envelope_encode_beside(struct strbuf *out, uint64_t content_size, uint32_t content_crc);

/* Decodes ENVELOPE_FOOTER bytes; record_crc is not checked yet. 0, or -1: no footer. */
int envelope_footer_decode(const char *bytes, struct envelope_footer *footer);
/* The CRC over `record` (body and footer, whole) holds. */
bool envelope_intact(struct slice record);
/* Decodes a whole record. The slices borrow from it; rcpts is allocated, envelope_clear frees it.
 * 0, or -1: damaged. */
int envelope_decode(struct slice record, struct queue_envelope *envelope);
void envelope_clear(struct queue_envelope *envelope);

#endif
