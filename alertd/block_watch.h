/*
 * alertd/block_watch.h - addresses and users that are blocked, as accountd tells of them (AUT-17).
 */
#ifndef POSTHORN_ALERTD_BLOCK_WATCH_H
#define POSTHORN_ALERTD_BLOCK_WATCH_H

#include "alertd/alerts.h"
#include "lib/sys/loop.h"

struct block_watch;

/* Follows from now on; changed() follows what comes. */
struct block_watch *block_watch_new(struct loop *loop, struct alerts *alerts,
                                    void (*changed)(void *arg), void *arg);
void block_watch_free(struct block_watch **watchp);
/* Blocks whose time is over are none. */
void block_watch_look(struct block_watch *watch, int64_t now_ms);

#endif
