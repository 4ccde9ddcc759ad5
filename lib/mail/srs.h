/*
 * lib/mail/srs.h - the Sender Rewriting Scheme: what is forwarded gets a sender in a domain of
 * ours, which names the real one, so that the next host's look at who may send for a domain (SPF,
 * RFC 7208 section D.3) finds us, and bounces find their way back.
 *
 *   SRS0=HASH=TT=DOMAIN=LOCAL@ours    for LOCAL@DOMAIN; TT: the day, in base 32
 *   SRS1=HASH=FIRST=REST@ours         for SRS0REST@FIRST, and for what others made SRS1 of that:
 *                                     bounces go straight to FIRST, whose hash and day are in REST
 *
 * HASH is ours alone to make and to check: without it everybody could send through us to anybody.
 * Letters' case may get lost on the way. No I/O.
 */
#ifndef POSTHORN_LIB_MAIL_SRS_H
#define POSTHORN_LIB_MAIL_SRS_H

#include <stdint.h>

#include "lib/base/strbuf.h"

#define SRS_KEY_SIZE 32
#define SRS_DAYS 21 /* a bounce may come this much later: four times as long as mail is tried */

struct srs_key {
    unsigned char bytes[SRS_KEY_SIZE];
};

/* Appends the sender to use in place of `sender` for mail that an address at `domain` forwards. 0,
 * or -1 and `out` as before: keep the sender. That is the null one, one with a quoted local part or
 * a domain literal, and one that would become longer than an address may be. */
int srs_forward(const struct srs_key *key, struct slice sender, struct slice domain, int64_t now_ms,
                struct strbuf *out);

enum srs_found {
    SRS_NONE,    /* no such address: its local part does not begin like one */
    SRS_GOOD,    /* ours: `out` has the address that it stands for */
    SRS_FORGED,  /* not made with this key, or damaged */
    SRS_EXPIRED, /* older than SRS_DAYS */
};
enum srs_found srs_reverse(const struct srs_key *key, struct slice address, int64_t now_ms,
                           struct strbuf *out);

#endif
