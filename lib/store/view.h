/*
 * lib/store/view.h - the messages of one folder as they are at one offset of its journal.
 *
 * Most of it is the index file, mapped copy-on-write and shared until a message changes; what
 * arrived since lies in an array of our own, what left is a list of positions. Messages are
 * addressed by rank (1..view_count, in UID order). Nothing here knows of sessions.
 */
#ifndef POSTHORN_LIB_STORE_VIEW_H
#define POSTHORN_LIB_STORE_VIEW_H

#include "lib/store/journal.h"

/* One message in memory and in the index file. */
struct view_entry {
    struct message m;
    uint64_t item; /* journal offset of its ARRIVE item: the file's name is there */
};
_Static_assert(sizeof(struct view_entry) == 48, "on disk");

struct view {
    struct view_entry *base; /* in the mapping */
    uint32_t base_count;
    void *map;
    size_t map_len;
    uint32_t changed; /* changes made to `base` since it was mapped */
    struct view_entry *tail;
    uint32_t tail_count, tail_cap;
    uint32_t *gone; /* positions in base and tail that left, ascending */
    uint32_t gone_count, gone_cap;
    char *keywords[MAILBOX_KEYWORDS_MAX];
    uint32_t unseen;
    uint64_t bytes;
    uint32_t first_unseen;     /* no message before this position is unseen */
    bool first_unseen_known;   /* the one at this position is, and is not gone */
    uint64_t index_offset;     /* journal offset that `base` stands for; 0: no index */
    uint64_t offset;           /* journal offset that all of it stands for */
    struct record_state state; /* of the last record applied */
};

/* Told about changes while a record is applied; members may be NULL. */
struct view_watcher {
    void (*removing)(void *arg, uint32_t rank, const struct message *m); /* still in the view */
    void (*changed)(void *arg, const struct message *m);                 /* flags or keywords */
    void (*keyword)(void *arg);
    void *arg;
};

void view_init(struct view *v);
void view_free(struct view *v);

uint32_t view_count(const struct view *v);
struct view_entry *view_at(const struct view *v, uint32_t rank);
/* The first rank whose UID is `uid` or above; view_count() + 1: none. */
uint32_t view_rank_at_or_above(const struct view *v, uint32_t uid);
uint32_t view_first_unseen(struct view *v);                    /* rank, 0: none */
int view_keyword_bit(const struct view *v, struct slice name); /* -1: none */

/* Takes over what one record says. -1 with EBADMSG: it contradicts the view. */
int view_apply(struct view *v, const struct record *rec, const struct view_watcher *watcher);
/* Brings it up to the journal's whole records before `to`. */
int view_replay(struct view *v, const struct journal *j, uint64_t to,
                const struct view_watcher *watcher);
/* A fresh view of the journal as it is, by the index if there is a fitting one. */
int view_load(struct view *v, const struct journal *j);

/* True if both have the same messages, flags and figures. */
bool view_same(const struct view *a, const struct view *b);

/* Changes one message's flags and keywords in place; counts. */
void view_set_flags(struct view *v, uint32_t rank, uint32_t flags, uint64_t keywords);

#endif
