/*
 * lib/sys/admission.h - which connections a service takes: who is counted, who is over a limit.
 *
 * Addresses are counted whole for IPv4 and by /64 for IPv6 (one customer's network). No I/O.
 */
#ifndef POSTHORN_LIB_SYS_ADMISSION_H
#define POSTHORN_LIB_SYS_ADMISSION_H

#include <stdint.h>

#include "lib/base/cidr.h"

struct admission;

struct admission_limits {
    unsigned clients_max;     /* at once; 0: no limit */
    unsigned per_address_max; /* at once */
    unsigned per_minute_max;  /* new ones */
};
struct admission_list {
    const struct cidr *items; /* borrowed */
    size_t count;
};

enum admission_verdict {
    ADMISSION_OK,
    ADMISSION_DENIED,       /* on the deny list, or not on the allow list */
    ADMISSION_FULL,         /* clients_max */
    ADMISSION_ADDRESS_BUSY, /* per_address_max */
    ADMISSION_TOO_FAST      /* per_minute_max */
};

/* `allow`: when not empty, who is not on it is denied. `unlimited`: not held to the two limits per
 * address. */
struct admission *admission_new(const struct admission_limits *limits, struct admission_list allow,
                                struct admission_list deny, struct admission_list unlimited);
void admission_free(struct admission **admissionp);
/* OK: the connection counts until admission_leave with the same address. */
enum admission_verdict admission_enter(struct admission *a, const struct ip *from,
                                       int64_t now_mono_ms);
void admission_leave(struct admission *a, const struct ip *from);
/* "too many connections from your address": a reason for logs and refusals. */
const char *admission_reason(enum admission_verdict verdict);

#endif
