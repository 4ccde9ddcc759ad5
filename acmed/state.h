/*
 * acmed/state.h - what is known of one certificate, in a file NAME.state below db/acme: where its
 * order stands, when it is renewed, what went wrong.
 *
 * Lines "word value", written whole by one process at a time.
 */
#ifndef POSTHORN_ACMED_STATE_H
#define POSTHORN_ACMED_STATE_H

#include <stdint.h>

#include "lib/acme/answer.h"
#include "lib/acme/url.h"

/* All times are real time in milliseconds; 0: none. */
struct state {
    char order[ACME_URL_MAX + 1];     /* URL of one that is under way, or "" */
    char directory[ACME_URL_MAX + 1]; /* of the authority that it is an order of */
    char request[65];                 /* SHA-256 of the request that it is for, hexadecimal */
    char serial[65];                  /* of the certificate in NAME.crt */
    char cert_id[513];                /* RFC 9773 section 4.1 */
    int64_t not_before_ms, not_after_ms;
    int64_t window_start_ms, window_end_ms; /* that the authority suggests, RFC 9773 */
    int64_t renew_ms;                       /* when a new one is requested */
    int64_t look_ms;                        /* when the authority is asked for the window again */
    int64_t next_ms;                        /* nothing before that: after failures */
    int64_t failures, looks_failed;         /* one after the other */
    int64_t is_revoked;
    char explanation[ACME_WORDS_MAX + 1]; /* of the window */
    char error[2 * ACME_WORDS_MAX + 1];   /* of the last attempt; "" if it went well */
};

/* What is not there, or of no use, is as it is for a certificate of which nothing is known. */
void state_read(int dirfd, const char *name, struct state *state);
/* On disk before it returns. 0, or -1 with errno. */
int state_write(int dirfd, const char *name, const struct state *state);

#endif
