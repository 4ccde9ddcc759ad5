/*
 * authd/white_list.h - clients that are never blocked: addresses, networks, and hosts by name.
 *
 * Names are resolved by dnsd, again and again, so that a host with a changing address stays known.
 * When dnsd cannot tell, what it told before stays.
 */
#ifndef POSTHORN_AUTHD_WHITE_LIST_H
#define POSTHORN_AUTHD_WHITE_LIST_H

#include "lib/base/cidr.h"
#include "lib/conf/conf.h"
#include "lib/sys/loop.h"

struct white_list;

/* guess.white_list. `run_dirfd` is borrowed. changed() runs when a name has other addresses. */
struct white_list *white_list_new(struct loop *loop, int run_dirfd, const struct conf *conf,
                                  void (*changed)(void *arg), void *arg);
void white_list_free(struct white_list **listp);
bool white_list_has(const struct white_list *list, const struct ip *ip);
/* Is one of them in that network? */
bool white_list_touches(const struct white_list *list, const struct cidr *net);

#endif
