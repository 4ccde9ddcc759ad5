/*
 * keyd/job.h - what the key holder and a reader of messages say to each other.
 *
 * One frame is one packet on a SOCK_SEQPACKET pair. The holder sends the client's KEYD_SIGN with
 * the message's descriptor; the reader asks for the names of a domain's keys, perhaps of a second
 * domain, and ends with the digests, or with the reason why there are none. For an ARC set, whose
 * seal covers its message signature, it has that one signed before (JOB_PART). A reader has one job
 * at a time, and has seen a stranger's message: the holder checks what it says.
 */
#ifndef POSTHORN_KEYD_JOB_H
#define POSTHORN_KEYD_JOB_H

#include "lib/dkim/key_dir.h"
#include "lib/ipc/keyd.h"

#define JOB_PACKET_MAX (64u << 10) /* bytes of one frame */

enum job_type { JOB_ASK = 32, JOB_NAMES, JOB_DIGESTS, JOB_REFUSED, JOB_LOST, JOB_PART, JOB_SIGNED };

/* JOB_ASK: a domain. */
int job_ask_encode(struct strbuf *packet, struct slice domain);
int job_ask_decode(struct slice payload, struct slice *domain);

/* JOB_NAMES: the selectors that sign for it, in the order of enum dkim_algorithm; empty: none. */
struct job_names {
    struct slice selectors[DKIM_ALGORITHMS];
};
int job_names_encode(struct strbuf *packet, const struct job_names *names);
int job_names_decode(struct slice payload, struct job_names *names);

/* JOB_DIGESTS: for the domain that was asked for last. */
struct job_digests {
    struct {
        struct slice field;  /* up to "b="; empty: none of this algorithm */
        struct slice digest; /* DKIM_DIGEST bytes */
    } of[DKIM_ALGORITHMS];
};
int job_digests_encode(struct strbuf *packet, const struct job_digests *digests);
int job_digests_decode(struct slice payload, struct job_digests *digests);

/* JOB_PART: one field to sign, up to "b=", with its digest, and what is to stand below it in the
 * end; `is_last`: the seal. JOB_SIGNED: the field, finished. Of the domain asked for last, with its
 * RSA key: what all verifiers of ARC know. */
struct job_part {
    bool is_last;
    struct slice field, digest;
    struct slice below; /* with the last one: the other fields of the set, whole */
};
int job_part_encode(struct strbuf *packet, const struct job_part *part);
int job_part_decode(struct slice payload, struct job_part *part);
int job_signed_encode(struct strbuf *packet, struct slice field);
int job_signed_decode(struct slice payload, struct slice *field);

/* JOB_REFUSED: enum keyd_result but DONE, and why. */
int job_refused_encode(struct strbuf *packet, enum keyd_result result, const char *reason);
int job_refused_decode(struct slice payload, uint8_t *result, struct slice *reason);

/* JOB_LOST, from the keeper: the reader died. */
int job_lost_encode(struct strbuf *packet);

#endif
