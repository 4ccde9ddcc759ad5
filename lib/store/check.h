/*
 * lib/store/check.h - looks whether a user's store is whole, and repairs it.
 *
 * Works beside sessions and deliveries: what another process changes meanwhile is looked at again
 * before it is called wrong. Without `repair` nothing on disk is changed.
 */
#ifndef POSTHORN_LIB_STORE_CHECK_H
#define POSTHORN_LIB_STORE_CHECK_H

#include "lib/store/store.h"

enum check_outcome {
    CHECK_NOTE,     /* harmless: the store gets over it by itself */
    CHECK_LEFT,     /* wrong, and left as it is */
    CHECK_REPAIRED, /* was wrong; nothing was lost */
    CHECK_LOST      /* was wrong; what could not be saved is gone or in posthorn.lost/ */
};

struct check_finding {
    const char *folder;  /* its name; "": the store as a whole */
    const char *problem; /* one word, e.g. "message_missing" */
    const char *detail;  /* a line */
    uint32_t uid;        /* 0: not about one message */
    enum check_outcome outcome;
};

struct check_options {
    bool repair;
    uint32_t undelete_days;    /* repair: what waited longer in posthorn.expunged/ goes */
    uint64_t bytes_per_second; /* of messages read; 0: as fast as it goes */
    void (*found)(void *arg, const struct check_finding *finding);
    void *arg;
};

struct check_totals {
    uint64_t folders, messages, bytes;
    uint64_t found[CHECK_LOST + 1]; /* by outcome */
};

/* `dirfd`: the user's mail directory. -1 with errno: it could not be looked through. */
int store_check(int dirfd, const struct check_options *options, struct check_totals *totals);

#endif
