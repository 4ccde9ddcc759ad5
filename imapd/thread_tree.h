/*
 * imapd/thread_tree.h - conversations as trees, by the references between messages (RFC 5256
 * section 3, REFERENCES) or by their subjects (ORDEREDSUBJECT).
 *
 * Knows no mailbox: it works on what was read of the messages.
 */
#ifndef POSTHORN_IMAPD_THREAD_TREE_H
#define POSTHORN_IMAPD_THREAD_TREE_H

#include <stdint.h>

#include "lib/base/arena.h"
#include "lib/base/strbuf.h"

#define THREAD_NONE UINT32_MAX
/* Ancestors that are followed when a link is made: a longer line of replies is cut there, which
 * bounds what a mailbox full of made-up references can cost. */
#define THREAD_ANCESTORS_MAX 2000

struct thread_message {
    uint32_t number; /* for the response: sequence number or UID; ascends with the index */
    bool is_reply;
    int64_t sent_ms, arrived_ms;
    struct slice subject; /* key of the base subject */
    struct slice ids;     /* Message-ID (empty: none) and references, each with a NUL behind it */
};

/* A message, or a dummy that stands for one that is not there. */
struct thread_node {
    uint32_t message;                /* index; THREAD_NONE: a dummy */
    uint32_t parent, child, sibling; /* nodes; THREAD_NONE: none */
};

struct thread_tree {
    const struct thread_message *messages;
    uint32_t message_count;
    struct thread_node *nodes; /* node i is message i, dummies follow */
    uint32_t node_count, node_max;
    uint32_t *roots,
        root_count; /* first messages of threads, or dummies with two or more children */
};

enum thread_algorithm { THREAD_ORDEREDSUBJECT, THREAD_REFERENCES, THREAD_REFS };

/* Everything lives in `arena`, the messages must too. */
void thread_tree_make(enum thread_algorithm algorithm, const struct thread_message *messages,
                      uint32_t count, struct arena *arena, struct thread_tree *out);
/* Calls put(arg, text) with pieces of thread-list: "(3 6 (4 23)(44 7 96))". */
void thread_tree_write(const struct thread_tree *tree, void (*put)(void *arg, struct slice text),
                       void *arg);

#endif
