/*
 * lib/auth/blocked_set.h - which client addresses are blocked, until when: a bounded copy of what
 * authd knows, for those who ask at each connection (lib/ipc/blocked.h).
 *
 * An address is an IPv4 address, or an IPv6 network of 64 bits, with zeros behind it. What has
 * ended needs no word: it counts no more. No I/O.
 */
#ifndef POSTHORN_LIB_AUTH_BLOCKED_SET_H
#define POSTHORN_LIB_AUTH_BLOCKED_SET_H

#include <stdint.h>

#include "lib/base/cidr.h"

#define BLOCKED_MAX 65536 /* addresses; 4 MiB */

/* Of one address. Real time; 0: not, or not any more. */
struct blocked_item {
    struct ip ip;
    int64_t logins_until_ms; /* users' logins */
    int64_t admins_until_ms; /* administrators' */
};

/* A part of the list, or changes of it. */
struct blocked_part {
    bool anew;  /* the first part: what was told before is no more */
    bool whole; /* the last one */
    struct blocked_item *items;
    uint32_t count;
};

enum blocked_taken {
    BLOCKED_REFUSED, /* a change of a list that has not been told */
    BLOCKED_PENDING, /* a part of a list that is not whole yet: the one before still counts */
    BLOCKED_ANEW,    /* the list is whole now */
    BLOCKED_CHANGED  /* the items are in it */
};

struct blocked_set;

struct blocked_set *blocked_set_new(void);
void blocked_set_free(struct blocked_set **setp);
enum blocked_taken blocked_set_take(struct blocked_set *set, const struct blocked_part *part,
                                    int64_t now_ms);
/* Has a whole list been told? */
bool blocked_set_is_whole(const struct blocked_set *set);
/* How many items found no room since the last whole list. */
uint64_t blocked_set_lost(const struct blocked_set *set);
/* What is known of that address, or NULL: nothing, or there was no room for it. Until the next
 * change. */
const struct blocked_item *blocked_set_find(const struct blocked_set *set, const struct ip *ip);
/* Is a client at that address kept from users' logins? */
bool blocked_set_has(const struct blocked_set *set, const struct ip *ip, int64_t now_ms);
/* One after another, also some that have ended; `at` begins with 0. NULL: no more. */
const struct blocked_item *blocked_set_next(const struct blocked_set *set, size_t *at);

/* The address under which a client is listed. */
struct ip blocked_address(const struct ip *client);
/* Can that be one? */
bool blocked_address_is_valid(const struct ip *ip);

#endif
