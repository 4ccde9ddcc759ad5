/*
 * directoryd/grams.c - the index of names and addresses.
 *
 * A list of ids is kept as differences, seven bits a byte; the lists lie in a hash table by gram.
 * No I/O.
 */
#include "directoryd/grams.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/ldap/fold.h"

enum {
    FIRST_ROOM = 1024,
    LIST_ROOM = 8,        /* bytes of a new list */
    VARINT_MAX = 5,       /* bytes */
    QUERY_GRAMS_MAX = 24, /* of one leaf; more say little */
    WORTH_IT = 16,        /* a list so many times longer than what is left does not help */
    FEW = 32,             /* contacts that are looked at sooner than another list */
    MARK_BEFORE = 2,
    MARK_BEHIND = 3
};

#define VALUE_BYTES_MAX ((size_t)11 * 65536)

struct list {
    uint32_t gram; /* 24 bits, plus one: 0 is free */
    uint32_t count, last;
    uint32_t len, room;
    unsigned char *bytes;
};

struct grams {
    struct list *lists;
    uint32_t room, used;
    struct strbuf value; /* of the contact at hand */
    uint32_t *found;     /* its grams */
    size_t found_count, found_room;
};

struct grams *
grams_new(void)
{
    struct grams *grams = xcalloc(1, sizeof(*grams));

    grams->room = FIRST_ROOM;
    grams->lists = xcalloc(grams->room, sizeof(*grams->lists));
    grams->value = strbuf_new(VALUE_BYTES_MAX);
    return grams;
}

void
grams_free(struct grams **gramsp)
{
    struct grams *grams = *gramsp;

    if (grams == NULL)
        return;
    for (uint32_t i = 0; i < grams->room; i++)
        free(grams->lists[i].bytes);
    free(grams->lists);
    free(grams->found);
    strbuf_free(&grams->value);
    xfree(gramsp);
}

/* ---- lists ---- */

static uint32_t
place_of(const struct grams *grams, uint32_t gram)
{
    uint32_t at = (gram * UINT32_C(2654435761)) >> 7 & (grams->room - 1);

    while (grams->lists[at].gram != 0 && grams->lists[at].gram != gram)
        at = (at + 1) & (grams->room - 1);
    return at;
}

static void
double_room(struct grams *grams)
{
    struct list *old = grams->lists;
    uint32_t old_room = grams->room;

    grams->room *= 2;
    grams->lists = xcalloc(grams->room, sizeof(*grams->lists));
    for (uint32_t i = 0; i < old_room; i++)
        if (old[i].gram != 0)
            grams->lists[place_of(grams, old[i].gram)] = old[i];
    free(old);
}

static void
put_varint(struct list *list, uint32_t value)
{
    if (list->room - list->len < VARINT_MAX) {
        list->room = list->room == 0 ? LIST_ROOM : list->room + list->room / 4 + LIST_ROOM;
        list->bytes = xrealloc(list->bytes, list->room);
    }
    for (; value >= 0x80; value >>= 7)
        list->bytes[list->len++] = (unsigned char)(value | 0x80);
    list->bytes[list->len++] = (unsigned char)value;
}

static void
add_to_list(struct grams *grams, uint32_t gram, uint32_t id)
{
    struct list *list = &grams->lists[place_of(grams, gram)];

    if (list->gram == 0) {
        if (++grams->used > grams->room / 4 * 3) {
            double_room(grams);
            list = &grams->lists[place_of(grams, gram)];
        }
        list->gram = gram;
    }
    put_varint(list, list->count == 0 ? id : id - list->last);
    list->last = id;
    list->count++;
}

/* ---- grams of a value ---- */

static uint32_t
gram_at(const char *p)
{
    return ((uint32_t)(unsigned char)p[0] << 16 | (uint32_t)(unsigned char)p[1] << 8 |
            (unsigned char)p[2]) +
           1;
}

static void
note(struct grams *grams, uint32_t gram)
{
    if (grams->found_count == grams->found_room) {
        grams->found_room = grams->found_room == 0 ? 64 : grams->found_room * 2;
        grams->found = xreallocarray(grams->found, grams->found_room, sizeof(*grams->found));
    }
    grams->found[grams->found_count++] = gram;
}

static int
note_value(void *arg, struct slice value)
{
    struct grams *grams = arg;

    strbuf_clear(&grams->value);
    (void)strbuf_char(&grams->value, MARK_BEFORE);
    (void)strbuf_char(&grams->value, MARK_BEFORE);
    if (!ldap_fold(LDAP_MATCH_TEXT, false, value, &grams->value))
        return 0; /* longer than a value can be */
    (void)strbuf_char(&grams->value, MARK_BEHIND);
    for (size_t i = 0; i + 3 <= grams->value.len; i++)
        note(grams, gram_at(grams->value.ptr + i));
    return 0;
}

static int
compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

void
grams_add(struct grams *grams, uint32_t id, const struct ldap_entry *entry)
{
    grams->found_count = 0;
    for (int a = 0; a < LDAP_ATTR_COUNT; a++)
        if ((ldap_attributes[a].flags & (LDAP_INDEXED | LDAP_COVERED)) == LDAP_INDEXED)
            (void)ldap_entry_values(entry, (enum ldap_attribute)a, note_value, grams);
    if (grams->found_count > 0) /* units have none */
        qsort(grams->found, grams->found_count, sizeof(*grams->found), compare);
    for (size_t i = 0; i < grams->found_count; i++)
        if (i == 0 || grams->found[i] != grams->found[i - 1])
            add_to_list(grams, grams->found[i], id);
}

/* ---- sets ---- */

struct idset
idset_new(uint32_t ids)
{
    size_t words = (size_t)ids / 64 + 1;

    return (struct idset){xcalloc(words, sizeof(uint64_t)), words};
}

void
idset_free(struct idset *set)
{
    free(set->words);
    *set = (struct idset){0};
}

uint32_t
idset_next(const struct idset *set, uint32_t from)
{
    size_t at = from / 64;
    uint64_t word;

    if (at >= set->word_count)
        return UINT32_MAX;
    word = set->words[at] & ~UINT64_C(0) << (from % 64);
    while (word == 0) {
        if (++at == set->word_count)
            return UINT32_MAX;
        word = set->words[at];
    }
    return (uint32_t)(at * 64) + (uint32_t)__builtin_ctzll(word);
}

static void
put_list(const struct list *list, struct idset *set)
{
    uint32_t id = 0;

    for (uint32_t at = 0; at < list->len;) {
        uint32_t step = 0;

        for (unsigned shift = 0;; shift += 7) {
            unsigned char byte = list->bytes[at++];

            step |= (uint32_t)(byte & 0x7f) << shift;
            if (byte < 0x80)
                break;
        }
        id += step;
        set->words[id / 64] |= UINT64_C(1) << (id % 64);
    }
}

/* ---- questions ---- */

/* The lists of a leaf's grams, shortest first. */
struct query {
    const struct list *lists[QUERY_GRAMS_MAX];
    size_t count;
    bool nothing; /* a gram is in no contact */
};

static void
query_gram(const struct grams *grams, struct query *q, uint32_t gram)
{
    const struct list *list = &grams->lists[place_of(grams, gram)];
    size_t at = q->count;

    if (list->gram == 0) {
        q->nothing = true;
        return;
    }
    if (at == QUERY_GRAMS_MAX) {
        if (list->count >= q->lists[at - 1]->count)
            return;
        at--;
    } else {
        q->count++;
    }
    for (; at > 0 && q->lists[at - 1]->count > list->count; at--)
        q->lists[at] = q->lists[at - 1];
    q->lists[at] = list;
}

static void
query_part(const struct grams *grams, struct query *q, enum ldap_filter_part_kind kind,
           struct slice value)
{
    struct strbuf marked = strbuf_new(LDAP_FILTER_BYTES_MAX + 3);

    if (kind == LDAP_PART_WHOLE || kind == LDAP_PART_INITIAL) {
        (void)strbuf_char(&marked, MARK_BEFORE);
        (void)strbuf_char(&marked, MARK_BEFORE);
    }
    (void)strbuf_append(&marked, value);
    if (kind == LDAP_PART_WHOLE || kind == LDAP_PART_FINAL)
        (void)strbuf_char(&marked, MARK_BEHIND);
    for (size_t i = 0; i + 3 <= marked.len && !q->nothing; i++)
        query_gram(grams, q, gram_at(marked.ptr + i));
    strbuf_free(&marked);
}

/* False: the index knows nothing of the leaf. */
static bool
query_leaf(const struct grams *grams, const struct ldap_filter *filter, int index, struct query *q)
{
    const struct ldap_filter_node *node = &filter->nodes[index];

    *q = (struct query){0};
    if (node->attribute < 0 || (ldap_attributes[node->attribute].flags & LDAP_INDEXED) == 0 ||
        node->match != LDAP_MATCH_TEXT || node->of_dn ||
        (node->op != LDAP_FILTER_EQUAL && node->op != LDAP_FILTER_SUBSTRING &&
         node->op != LDAP_FILTER_APPROX))
        return false;
    for (uint16_t i = 0; i < node->part_count && !q->nothing; i++) {
        const struct ldap_filter_part *part = &filter->parts[node->first_part + i];

        query_part(grams, q, part->kind,
                   slice_sub(strbuf_slice(&filter->folded), part->from, part->to));
    }
    return q->nothing || q->count > 0;
}

bool
grams_estimate(const struct grams *grams, const struct ldap_filter *filter, int node,
               uint32_t *count)
{
    struct query q;

    if (!query_leaf(grams, filter, node, &q))
        return false;
    *count = q.nothing ? 0 : q.lists[0]->count;
    return true;
}

static uint32_t
count_bits(const struct idset *set)
{
    uint32_t count = 0;

    for (size_t i = 0; i < set->word_count; i++)
        count += (uint32_t)__builtin_popcountll(set->words[i]);
    return count;
}

/* The contacts of the shortest list that the longer ones have, too, as far as that is worth it. */
static void
intersect(const struct query *q, struct idset *set, struct idset *room)
{
    struct idset here = {xcalloc(room->word_count, sizeof(uint64_t)), room->word_count};
    uint32_t left = q->lists[0]->count;

    put_list(q->lists[0], &here);
    for (size_t i = 1; i < q->count && left > FEW && q->lists[i]->count / WORTH_IT < left; i++) {
        memset(room->words, 0, room->word_count * sizeof(uint64_t));
        put_list(q->lists[i], room);
        for (size_t w = 0; w < here.word_count; w++)
            here.words[w] &= room->words[w];
        left = count_bits(&here);
    }
    for (size_t w = 0; w < here.word_count; w++)
        set->words[w] |= here.words[w];
    idset_free(&here);
}

void
grams_collect(const struct grams *grams, const struct ldap_filter *filter, int node,
              struct idset *set, struct idset *room)
{
    struct query q;

    if (!query_leaf(grams, filter, node, &q) || q.nothing)
        return;
    if (q.lists[0]->count <= FEW)
        put_list(q.lists[0], set);
    else
        intersect(&q, set, room);
}
