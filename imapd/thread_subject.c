/*
 * imapd/thread_subject.c - threads that have the same subject become one.
 */
#include "imapd/thread_subject.h"

#include "lib/base/map.h"
#include "lib/base/mem.h"

static bool
is_dummy(const struct thread_tree *t, uint32_t node)
{
    return t->nodes[node].message == THREAD_NONE;
}

static bool
is_reply(const struct thread_tree *t, uint32_t node)
{
    return !is_dummy(t, node) && t->messages[t->nodes[node].message].is_reply;
}

static struct slice
subject_of(const struct thread_tree *t, uint32_t node)
{
    uint32_t leading = is_dummy(t, node) ? t->nodes[node].child : node;

    return t->messages[t->nodes[leading].message].subject;
}

/* The table keeps 1 + the number of a node. */
static void **
entry_of(struct map *table, struct slice subject)
{
    void **at = map_at(table, subject);

    assert_always(at != NULL); /* there is room for every root */
    return at;
}

static uint32_t
node_in(void *const *entry)
{
    return (uint32_t)((uintptr_t)*entry - 1);
}

static void
put_in(void **entry, uint32_t node)
{
    *entry = (void *)((uintptr_t)node + 1);
}

static void
add_child(struct thread_tree *t, uint32_t parent, uint32_t child)
{
    t->nodes[child].parent = parent;
    t->nodes[child].sibling = t->nodes[parent].child;
    t->nodes[parent].child = child;
}

/* Step 5 B: one message for each subject. */
static void
fill_table(const struct thread_tree *t, struct map *table)
{
    for (uint32_t i = 0; i < t->root_count; i++) {
        uint32_t node = t->roots[i];
        struct slice subject = subject_of(t, node);
        void **entry;

        if (subject.len == 0)
            continue;
        entry = entry_of(table, subject);
        if (*entry == NULL ||
            (!is_dummy(t, node_in(entry)) &&
             (is_dummy(t, node) || (is_reply(t, node_in(entry)) && !is_reply(t, node)))))
            put_in(entry, node);
    }
}

static void
move_children(struct thread_tree *t, uint32_t from, uint32_t to)
{
    for (uint32_t n = t->nodes[from].child, next; n != THREAD_NONE; n = next) {
        next = t->nodes[n].sibling;
        add_child(t, to, n);
    }
    t->nodes[from].child = THREAD_NONE;
}

/* Step 5 C for a root whose subject another one has in the table. True: `node` is a root no more.
 * A new dummy takes the place of the one in the table. */
static void
merge(struct thread_tree *t, void **entry, uint32_t node, uint32_t *dummy)
{
    uint32_t first = node_in(entry);

    *dummy = THREAD_NONE;
    if (is_dummy(t, first) && is_dummy(t, node)) {
        move_children(t, node, first);
    } else if (is_dummy(t, first) || (is_reply(t, node) && !is_reply(t, first))) {
        add_child(t, first, node);
    } else {
        assert_always(t->node_count < t->node_max);
        *dummy = t->node_count++;
        add_child(t, *dummy, first);
        add_child(t, *dummy, node);
        put_in(entry, *dummy);
    }
}

void
thread_subject_merge(struct thread_tree *t)
{
    struct map *table = map_new((size_t)t->root_count + 1);
    uint32_t kept = 0, before = t->root_count, dummy;

    fill_table(t, table);
    for (uint32_t i = 0; i < before; i++) {
        uint32_t node = t->roots[i];
        struct slice subject = subject_of(t, node);
        void **entry = subject.len == 0 ? NULL : entry_of(table, subject);

        if (entry == NULL || node_in(entry) == node || t->nodes[node].parent != THREAD_NONE)
            continue;
        merge(t, entry, node, &dummy);
        if (dummy != THREAD_NONE)
            t->roots[t->root_count++] = dummy;
        else if (t->nodes[node].parent == THREAD_NONE)
            t->roots[i] = THREAD_NONE; /* a dummy that gave its children away */
    }
    for (uint32_t i = 0; i < t->root_count; i++)
        if (t->roots[i] != THREAD_NONE && t->nodes[t->roots[i]].parent == THREAD_NONE)
            t->roots[kept++] = t->roots[i];
    t->root_count = kept;
    map_free(&table, NULL);
}

void
thread_subject_group(struct thread_tree *t)
{
    struct map *table = map_new((size_t)t->root_count + 1);
    uint32_t kept = 0;

    for (uint32_t i = 0; i < t->root_count; i++) {
        void **entry = entry_of(table, subject_of(t, t->roots[i]));

        if (*entry != NULL) {
            add_child(t, node_in(entry), t->roots[i]);
            continue;
        }
        put_in(entry, t->roots[i]);
        t->roots[kept++] = t->roots[i];
    }
    t->root_count = kept;
    map_free(&table, NULL);
}
