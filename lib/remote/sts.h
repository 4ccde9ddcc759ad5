/*
 * lib/remote/sts.h - the MTA-STS policy of a domain (RFC 8461), from stsd.
 */
#ifndef POSTHORN_LIB_REMOTE_STS_H
#define POSTHORN_LIB_REMOTE_STS_H

#include "lib/sts/sts_policy.h"

struct ipc_client;

struct sts {
    struct sts_policy policy; /* mode none: there is none that counts */
    struct strbuf text;       /* what it borrows from */
};

struct sts sts_new(void);
void sts_free(struct sts *sts);
/* Asks dnsd for the record and stsd for the policy of `domain` (lower case, A-labels). 0, or -1:
 * stsd gives no answer, so there may be a policy. */
int sts_look_up(struct ipc_client *dns, struct ipc_client *stsd, const char *domain,
                int64_t deadline_mono_ms, struct sts *sts);

#endif
