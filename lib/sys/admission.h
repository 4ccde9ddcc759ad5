/*
 * lib/sys/admission.h - which connections a listener takes: who is counted, who is over a limit.
 *
 * A connection is counted from its arrival to its end, whoever serves it (admission_enter); a place
 * is what a session has that is being served (admission_sit). Addresses are counted whole for IPv4
 * and by /64 for IPv6 (one customer's network). No I/O.
 */
#ifndef POSTHORN_LIB_SYS_ADMISSION_H
#define POSTHORN_LIB_SYS_ADMISSION_H

#include <stdint.h>

#include "lib/conf/networks.h"

struct admission;

struct admission_limits {
    unsigned clients_max;     /* places */
    unsigned reserved;        /* of these, for addresses that are known */
    unsigned per_address_max; /* connections at once; 0: no limit */
    unsigned per_minute_max;  /* new ones; 0: no limit */
    int64_t known_ms;         /* how long an address is known; 0: none is */
    bool listed_only;         /* an empty `allow` denies everybody */
};

enum admission_verdict {
    ADMISSION_OK,
    ADMISSION_DENIED,       /* on the deny list */
    ADMISSION_NOT_ALLOWED,  /* not on the allow list, which is not empty */
    ADMISSION_FULL,         /* clients_max */
    ADMISSION_ADDRESS_BUSY, /* per_address_max */
    ADMISSION_TOO_FAST      /* per_minute_max */
};

/* `allow`: when not empty (or with `listed_only`), who is not on it is denied. `unlimited`: not
 * held to the two limits per address. The lists become the result's. */
struct admission *admission_new(const struct admission_limits *limits, struct networks allow,
                                struct networks deny, struct networks unlimited);
void admission_free(struct admission **admissionp);

/* What the lists say alone: OK, DENIED or NOT_ALLOWED. `listed_only`: see the limits. */
enum admission_verdict admission_by_lists(const struct networks *allow, const struct networks *deny,
                                          bool listed_only, const struct ip *from);
/* OK: the connection counts until admission_leave with the same address. */
enum admission_verdict admission_enter(struct admission *a, const struct ip *from,
                                       int64_t now_mono_ms);
void admission_leave(struct admission *a, const struct ip *from);

/* OK: the session has a place until admission_rise. */
enum admission_verdict admission_sit(struct admission *a, bool is_known);
void admission_rise(struct admission *a);
/* Is half of the places taken? */
bool admission_is_pressed(const struct admission *a);

/* The address has shown itself to be honest. */
void admission_know(struct admission *a, const struct ip *from, int64_t now_mono_ms);
/* Is it known, or on the list of those without limits? */
bool admission_knows(struct admission *a, const struct ip *from, int64_t now_mono_ms);

/* "too many connections from your address": a reason for logs and refusals. */
const char *admission_reason(enum admission_verdict verdict);

#endif
