/*
 * lib/auth/hash_job.h - what the front and a hash worker say to each other.
 *
 * One frame (lib/ipc/frame.h) is one packet on a SOCK_SEQPACKET pair; a worker has one job at a
 * time and answers with its id. Both sides check what they get: a worker that went wrong must not
 * take the front along.
 */
#ifndef POSTHORN_LIB_AUTH_HASH_JOB_H
#define POSTHORN_LIB_AUTH_HASH_JOB_H

#include "lib/auth/password.h"
#include "lib/ipc/frame.h"

#define HASH_PACKET_MAX 16384 /* bytes of one frame */
#define HASH_RECORD_MAX 14000 /* of a record in it: what external workers ask about is longer */

enum hash_type {
    HASH_VERIFY = 1, /* record, password: is it the right one? */
    HASH_MAKE,       /* password: a new record; `record` says of which scheme, or nothing */
    HASH_ANSWER,
    HASH_LOST /* from the keeper: the worker died */
};

struct hash_request {
    uint16_t type; /* HASH_VERIFY or HASH_MAKE */
    uint32_t id;
    struct slice record, password;
};
struct hash_answer {
    uint16_t type; /* HASH_ANSWER or HASH_LOST */
    uint32_t id;
    uint8_t verdict;     /* enum password_verdict; MAKE: PASSWORD_RIGHT if there is a record */
    struct slice record; /* MAKE */
};
/* Encoders: 0, or -1 if it does not fit into a packet. Decoders: 0, or -1 on any damage. */
int hash_request_encode(struct strbuf *packet, const struct hash_request *request);
int hash_request_decode(struct slice packet, struct hash_request *request);
int hash_answer_encode(struct strbuf *packet, const struct hash_answer *answer);
int hash_answer_decode(struct slice packet, struct hash_answer *answer);

#endif
