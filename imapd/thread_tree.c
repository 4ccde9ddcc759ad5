/*
 * imapd/thread_tree.c - conversations as trees: links, dummies, the order of siblings, the
 * response.
 *
 * Input:  identifiers and subjects of messages. Untrusted: senders wrote them; a tree may be as
 * deep as there are messages, so nothing here recurses.
 */
#include "imapd/thread_tree.h"

#include <stdio.h>
#include <stdlib.h>

#include "imapd/thread_links.h"
#include "imapd/thread_subject.h"

/* ---- the order of siblings ---- */

struct order_item {
    int64_t time_ms;
    uint32_t number, node; /* of a message; ties are broken by the first */
};

static int
by_time(const void *a, const void *b)
{
    const struct order_item *x = a, *y = b;

    if (x->time_ms != y->time_ms)
        return x->time_ms < y->time_ms ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

/* By the message's sent date; a dummy's children are in order, and the first one counts. */
static struct order_item
sent_item(const struct thread_tree *t, uint32_t node)
{
    uint32_t leading = t->nodes[node].message == THREAD_NONE ? t->nodes[node].child : node;
    const struct thread_message *m = &t->messages[t->nodes[leading].message];

    return (struct order_item){m->sent_ms, m->number, node};
}

static void
sort_children(struct thread_tree *t, uint32_t node, struct order_item *items)
{
    uint32_t count = 0, *link = &t->nodes[node].child;

    for (uint32_t n = *link; n != THREAD_NONE; n = t->nodes[n].sibling)
        items[count++] = sent_item(t, n);
    if (count < 2)
        return;
    qsort(items, count, sizeof(*items), by_time);
    for (uint32_t i = 0; i < count; i++) {
        *link = items[i].node;
        link = &t->nodes[items[i].node].sibling;
    }
    *link = THREAD_NONE;
}

static void
sort_roots(struct thread_tree *t, const struct order_item *newest, struct order_item *items)
{
    for (uint32_t i = 0; i < t->root_count; i++)
        items[i] = newest != NULL ? newest[i] : sent_item(t, t->roots[i]);
    qsort(items, t->root_count, sizeof(*items), by_time);
    for (uint32_t i = 0; i < t->root_count; i++)
        t->roots[i] = items[i].node;
}

static void
sort_all_children(struct thread_tree *t, struct order_item *items)
{
    for (uint32_t i = 0; i < t->node_count; i++)
        sort_children(t, i, items);
}

/* The node behind `node` in its tree, parents first; THREAD_NONE at the end. */
static uint32_t
next_in_tree(const struct thread_tree *t, uint32_t node, uint32_t root)
{
    if (t->nodes[node].child != THREAD_NONE)
        return t->nodes[node].child;
    while (node != root && t->nodes[node].sibling == THREAD_NONE)
        node = t->nodes[node].parent;
    return node == root ? THREAD_NONE : t->nodes[node].sibling;
}

/* THREAD=REFS sorts threads by their most recent message (INTERNALDATE). */
static void
find_newest(const struct thread_tree *t, struct order_item *newest)
{
    for (uint32_t i = 0; i < t->root_count; i++) {
        uint32_t root = t->roots[i];

        newest[i] = (struct order_item){INT64_MIN, 0, root};
        for (uint32_t n = root; n != THREAD_NONE; n = next_in_tree(t, n, root)) {
            const struct thread_message *m;

            if (t->nodes[n].message == THREAD_NONE)
                continue;
            m = &t->messages[t->nodes[n].message];
            if (m->arrived_ms > newest[i].time_ms ||
                (m->arrived_ms == newest[i].time_ms && m->number > newest[i].number)) {
                newest[i].time_ms = m->arrived_ms;
                newest[i].number = m->number;
            }
        }
    }
}

/* ---- the algorithms ---- */

/* Steps of RFC 5256 section 3. */
static void
by_references(enum thread_algorithm algorithm, struct arena *arena, struct thread_tree *t)
{
    struct order_item *items;

    thread_links_make(t); /* steps 1 to 3 */
    items = arena_alloc(arena, ((size_t)t->node_max + 1) * sizeof(*items));
    if (algorithm == THREAD_REFS) {
        struct order_item *newest = arena_alloc(arena, t->root_count * sizeof(*newest));

        sort_all_children(t, items);
        find_newest(t, newest);
        sort_roots(t, newest, items);
        return;
    }
    for (uint32_t i = 0; i < t->root_count; i++) /* step 4: a dummy's first child leads it */
        if (t->nodes[t->roots[i]].message == THREAD_NONE)
            sort_children(t, t->roots[i], items);
    sort_roots(t, NULL, items);
    thread_subject_merge(t);     /* step 5 */
    sort_all_children(t, items); /* step 6 */
    sort_roots(t, NULL, items);
}

/* ORDEREDSUBJECT: the first message of a subject is the parent of all others with it. */
static void
by_subject(struct arena *arena, struct thread_tree *t)
{
    struct order_item *items = arena_alloc(arena, ((size_t)t->node_max + 1) * sizeof(*items));

    for (uint32_t i = 0; i < t->message_count; i++)
        t->roots[t->root_count++] = i;
    sort_roots(t, NULL, items);
    thread_subject_group(t);
    sort_all_children(t, items);
    sort_roots(t, NULL, items);
}

void
thread_tree_make(enum thread_algorithm algorithm, const struct thread_message *messages,
                 uint32_t count, struct arena *arena, struct thread_tree *out)
{
    *out = (struct thread_tree){.messages = messages, .message_count = count, .node_count = count};
    /* each dummy of thread_subject_merge takes two roots away */
    out->node_max = count + thread_links_dummies(messages, count) + count;
    out->nodes = arena_alloc(arena, ((size_t)out->node_max + 1) * sizeof(*out->nodes));
    out->roots = arena_alloc(arena, ((size_t)out->node_max + 1) * sizeof(*out->roots));
    for (uint32_t i = 0; i < out->node_max; i++)
        out->nodes[i] = (struct thread_node){i < count ? i : THREAD_NONE, THREAD_NONE, THREAD_NONE,
                                             THREAD_NONE};
    if (algorithm == THREAD_ORDEREDSUBJECT)
        by_subject(arena, out);
    else
        by_references(algorithm, arena, out);
}

/* ---- the response ---- */

static bool
has_one_child(const struct thread_tree *t, uint32_t node)
{
    uint32_t child = t->nodes[node].child;

    return child != THREAD_NONE && t->nodes[child].sibling == THREAD_NONE;
}

/* From a message without children: closes the lists that end here. The node that opens the next
 * one, or THREAD_NONE. */
static uint32_t
close_lists(const struct thread_tree *t, uint32_t node, uint32_t root,
            void (*put)(void *arg, struct slice text), void *arg)
{
    for (;;) {
        put(arg, SLICE(")"));
        while (node != root && has_one_child(t, t->nodes[node].parent)) /* members of one list */
            node = t->nodes[node].parent;
        if (node == root)
            return THREAD_NONE;
        if (t->nodes[node].sibling != THREAD_NONE)
            return t->nodes[node].sibling;
        node = t->nodes[node].parent;
    }
}

static void
write_thread(const struct thread_tree *t, uint32_t root, void (*put)(void *arg, struct slice text),
             void *arg)
{
    const char *before = "";
    uint32_t node = root;
    char number[16];

    put(arg, SLICE("("));
    while (node != THREAD_NONE) {
        if (t->nodes[node].message != THREAD_NONE) {
            (void)snprintf(number, sizeof(number), "%s%u", before,
                           t->messages[t->nodes[node].message].number);
            put(arg, slice_of(number));
            before = " ";
        }
        if (t->nodes[node].child == THREAD_NONE) {
            node = close_lists(t, node, root, put, arg);
            if (node == THREAD_NONE)
                return;
            put(arg, SLICE("("));
            before = "";
        } else if (has_one_child(t, node)) {
            node = t->nodes[node].child;
        } else {
            put(arg, slice_of(before));
            put(arg, SLICE("("));
            before = "";
            node = t->nodes[node].child;
        }
    }
}

void
thread_tree_write(const struct thread_tree *tree, void (*put)(void *arg, struct slice text),
                  void *arg)
{
    for (uint32_t i = 0; i < tree->root_count; i++)
        write_thread(tree, tree->roots[i], put, arg);
}
