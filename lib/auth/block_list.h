/*
 * lib/auth/block_list.h - who may not log in, or not send, until when: a bounded list with a number
 * for each change, so that a copy of it can follow.
 *
 * accountd has the list, authd a copy. A change puts a block at the end under the next number; what
 * was lifted stays a while, for the copies. Names are the forms that block_address_name() and the
 * account base give. No I/O.
 */
#ifndef POSTHORN_LIB_AUTH_BLOCK_LIST_H
#define POSTHORN_LIB_AUTH_BLOCK_LIST_H

#include <stdint.h>
#include <sys/queue.h>

#include "lib/base/cidr.h"
#include "lib/base/strbuf.h"

#define BLOCKS_MAX 100000
#define BLOCK_NAME_MAX 1024
#define BLOCK_REASON_MAX 200
#define BLOCK_FOREVER INT64_MAX /* an end that never comes */

enum block_kind {
    BLOCK_ADDRESS = 'a',       /* a client: an IPv4 address or an IPv6 network of 64 bits */
    BLOCK_ADMIN_ADDRESS = 'A', /* the same, of administrators' logins alone */
    BLOCK_USER = 'u',          /* a user's logins and sending, or an administrator's logins */
    BLOCK_SENDING = 's'        /* a user's sending */
};
enum block_cause { BLOCK_BY_HAND, BLOCK_GUESSING, BLOCK_MASS_MAIL, BLOCK_SAME_SUBJECT };

struct block {
    uint8_t kind, cause; /* enum block_kind, enum block_cause */
    struct slice name, reason;
    int64_t start_ms, end_ms; /* real time; end 0: lifted at start_ms */
};

struct listed_block {
    struct block block; /* the slices are the list's */
    uint64_t number;
    TAILQ_ENTRY(listed_block) link;
};

struct block_list;

/* `max` blocks; numbers begin above `first`. */
struct block_list *block_list_new(size_t max, uint64_t first);
void block_list_free(struct block_list **listp);
/* Adds a copy of `block` or puts it in the place of the one of that kind and name. When the list is
 * full the oldest that nobody set by hand gives way. False: all of them were set by hand. */
bool block_list_set(struct block_list *list, const struct block *block);
/* The block in force, or NULL. Borrowed until the next change. */
const struct block *block_list_find(const struct block_list *list, enum block_kind kind,
                                    struct slice name, int64_t now_ms);
/* The first change above `number`, in force or not, or NULL. */
const struct listed_block *block_list_after(const struct block_list *list, uint64_t number);
/* The change before `entry`, NULL: the last one; NULL when there is none. */
const struct listed_block *block_list_before(const struct block_list *list,
                                             const struct listed_block *entry);
uint64_t block_list_last(const struct block_list *list);
/* Does a copy that knows the changes up to `number` get all it lacks from block_list_after()? If
 * not it has to begin anew, from 0. */
bool block_list_can_follow(const struct block_list *list, uint64_t number);
/* Forgets what has ended, and what was lifted some time ago; `gone` (may be NULL) is told of each.
 */
void block_list_expire(struct block_list *list, int64_t now_ms,
                       void (*gone)(void *arg, const struct block *block), void *arg);

/* "192.0.2.7" or "2001:db8:1:2::/64": a customer has that much, one address costs nothing. */
#define BLOCK_ADDRESS_NAME_MAX (INET6_ADDRSTRLEN + 4)
void block_address_name(const struct ip *ip, char out[BLOCK_ADDRESS_NAME_MAX]);

/* "guessing", "by hand": for people. */
const char *block_cause_text(uint8_t cause);

/* As one row: cause, start, end and reason, with spaces between. -1: damaged. */
bool block_print(const struct block *block, struct strbuf *out);
int block_parse(struct slice row, struct block *block);

#endif
