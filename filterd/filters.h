/*
 * filterd/filters.h - what all sessions share: the configured filters and their limits.
 */
#ifndef POSTHORN_FILTERD_FILTERS_H
#define POSTHORN_FILTERD_FILTERS_H

#include "filterd/endpoint.h"
#include "filterd/message.h"
#include "lib/ipc/peer.h"
#include "lib/sys/daemon.h"

enum judged {
    JUDGED_ACCEPTED,
    JUDGED_CHANGED, /* accepted with another header, body or envelope */
    JUDGED_HELD,
    JUDGED_DISCARDED,
    JUDGED_DEFERRED, /* refused for now, by a code of 4xx */
    JUDGED_REFUSED,
    JUDGED_WAYS
};

struct filters {
    struct loop *loop;
    struct ipc_async *dns;
    struct slice hostname;
    struct endpoint milters[FILTER_SPECS_MAX], policies[FILTER_SPECS_MAX];
    size_t milter_count, policy_count;
    size_t header_max; /* of the client's header section, bytes */
    struct body_memory memory;
    struct {
        _Atomic uint64_t *messages, *refused, *failed, *held, *discarded;
        _Atomic uint64_t *judged[JUDGED_WAYS]; /* messages by what became of them */
    } count;
};

/* Looks host names up: before the sandbox. */
void filters_open(struct filters *filters, const struct daemon *d);

#endif
