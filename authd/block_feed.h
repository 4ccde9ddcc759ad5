/*
 * authd/block_feed.h - tells of blocked addresses those who refuse them early: the protocol
 * daemons' parents, which then take no worker for them, and with guess.firewall blockd.
 *
 * Each hears the whole list first, as soon as we know it ourselves, and then what changes. Nobody
 * on the white list is told of, nor a network in which one of them is. Nothing depends on it that
 * anybody hears: guard.h refuses the login all the same.
 */
#ifndef POSTHORN_AUTHD_BLOCK_FEED_H
#define POSTHORN_AUTHD_BLOCK_FEED_H

#include "authd/attach.h"
#include "authd/white_list.h"
#include "lib/auth/block_list.h"

struct block_feed;

/* Where it looks: the owner changes it. */
struct block_source {
    const struct block_list *blocks; /* NULL: not known yet */
    const struct white_list *white_list;
};

/* `source` and `server` are borrowed. */
struct block_feed *block_feed_new(struct server *server, const struct conf *conf,
                                  const struct block_source *source);
void block_feed_free(struct block_feed **feedp);
/* The parent of that id wants to hear. */
void block_feed_follow(struct block_feed *feed, uint64_t parent_id);
/* Tells of this address, as block_address_name() gives it; */
void block_feed_changed(struct block_feed *feed, struct slice name);
/* or everything anew: now, which has to come when `source` has a list again, before any change; */
void block_feed_anew(struct block_feed *feed);
/* or in a moment, together with what else comes. */
void block_feed_anew_soon(struct block_feed *feed);
/* A newer authd tells from now on. */
void block_feed_drain(struct block_feed *feed);

#endif
