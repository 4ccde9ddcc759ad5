/*
 * imapd/thread_links.c - who replied to whom.
 *
 * Links are made with parents alone; children are gathered when all parents are known.
 */
#include "imapd/thread_links.h"

#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/mail/sort_text.h"

uint32_t
thread_links_dummies(const struct thread_message *messages, uint32_t count)
{
    uint32_t dummies = 0;
    struct slice ids, id;

    for (uint32_t i = 0; i < count; i++) {
        ids = messages[i].ids;
        while (sort_text_ids_next(&ids, &id))
            dummies++;
    }
    return dummies;
}

/* ---- step 1 ---- */

/* The node with that identifier, a new dummy if there is none. The map keeps 1 + its number. */
static uint32_t
node_of_id(struct thread_tree *t, struct map *nodes, struct slice id)
{
    void **at = map_at(nodes, id);

    assert_always(at != NULL); /* there is room for every identifier */
    if (*at == NULL) {
        assert_always(t->node_count < t->node_max);
        t->node_count++;
        *at = (void *)(uintptr_t)t->node_count;
    }
    return (uint32_t)((uintptr_t)*at - 1);
}

/* The identifiers of the messages: the first message with one has it. */
static void
register_messages(const struct thread_tree *t, struct map *nodes)
{
    for (uint32_t i = 0; i < t->message_count; i++) {
        struct slice ids = t->messages[i].ids, id;
        void **at;

        if (!sort_text_ids_next(&ids, &id) || id.len == 0)
            continue;
        at = map_at(nodes, id);
        assert_always(at != NULL); /* there is room for every identifier */
        if (*at == NULL)
            *at = (void *)((uintptr_t)i + 1);
    }
}

/* Would a link make a loop: is `node` an ancestor of `of`, or the same? Also true when that is too
 * far up to be looked for. */
static bool
is_ancestor(const struct thread_tree *t, uint32_t node, uint32_t of)
{
    for (unsigned step = 0; of != THREAD_NONE; step++, of = t->nodes[of].parent)
        if (of == node || step == THREAD_ANCESTORS_MAX)
            return true;
    return false;
}

static void
link_message(struct thread_tree *t, struct map *nodes, uint32_t message)
{
    struct slice ids = t->messages[message].ids, id;
    uint32_t last = THREAD_NONE;

    if (sort_text_ids_next(&ids, &id)) { /* its own; then step 1 A */
        while (sort_text_ids_next(&ids, &id)) {
            uint32_t node = node_of_id(t, nodes, id);

            if (last != THREAD_NONE && t->nodes[node].parent == THREAD_NONE &&
                !is_ancestor(t, node, last))
                t->nodes[node].parent = last;
            last = node;
        }
    }
    t->nodes[message].parent = THREAD_NONE; /* step 1 B */
    if (last != THREAD_NONE && !is_ancestor(t, message, last))
        t->nodes[message].parent = last;
}

/* ---- steps 2 and 3 ---- */

/* The nearest message above a dummy, or the topmost dummy: what the dummy's children move up to. */
static uint32_t
heir_of(struct thread_tree *t, uint32_t dummy)
{
    uint32_t top = dummy;

    while (t->nodes[top].message == THREAD_NONE && t->nodes[top].parent != THREAD_NONE)
        top = t->nodes[top].parent;
    while (dummy != top) { /* the next one that asks has a short way */
        uint32_t parent = t->nodes[dummy].parent;

        t->nodes[dummy].parent = top;
        dummy = parent;
    }
    return top;
}

static void
gather_children(struct thread_tree *t)
{
    for (uint32_t i = t->message_count; i-- > 0;) {
        uint32_t parent = t->nodes[i].parent;

        if (parent == THREAD_NONE)
            continue;
        parent = heir_of(t, parent);
        t->nodes[i].parent = parent;
        t->nodes[i].sibling = t->nodes[parent].child;
        t->nodes[parent].child = i;
    }
}

/* Messages without a parent; dummies with two or more children; the only child of a dummy. */
static void
gather_roots(struct thread_tree *t)
{
    for (uint32_t i = 0; i < t->node_count; i++) {
        uint32_t child = t->nodes[i].child;

        if (t->nodes[i].parent != THREAD_NONE)
            continue;
        if (t->nodes[i].message != THREAD_NONE ||
            (child != THREAD_NONE && t->nodes[child].sibling != THREAD_NONE)) {
            t->roots[t->root_count++] = i;
        } else if (child != THREAD_NONE) {
            t->nodes[child].parent = THREAD_NONE; /* a message: its turn in this loop is over */
            t->nodes[i].child = THREAD_NONE;
            t->roots[t->root_count++] = child;
        }
    }
}

void
thread_links_make(struct thread_tree *t)
{
    struct map *nodes = map_new((size_t)t->node_max + 1);

    register_messages(t, nodes);
    for (uint32_t i = 0; i < t->message_count; i++)
        link_message(t, nodes, i);
    map_free(&nodes, NULL);
    gather_children(t);
    gather_roots(t);
}
