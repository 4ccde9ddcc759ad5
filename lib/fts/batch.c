/*
 * lib/fts/batch.c - batches of messages in the index: written, merged, and searched.
 *
 * Input:  rows of the index. Not trusted to be undamaged: what does not fit is EBADMSG.
 */
#include "lib/fts/batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

enum {
    SOURCES_MAX = 16,                    /* batches merged with a new one */
    MERGED_MAX = BATCH_MESSAGES_MAX / 4, /* messages: the pages of the old ones stay free */
    GROWTH = 2,           /* one that is so many times as large as what comes is left alone */
    QUERY_GRAMS_MAX = 24, /* that are asked for: more hardly exclude anything */
    LIST_MAX = BATCH_MESSAGES_MAX / 8,
    ENTRY_MAX = 6,                      /* bytes in front of a list: a gram's distance, a length */
    UIDS_MAX = POSTING_MESSAGES_MAX * 5 /* bytes of distances */
};
_Static_assert(BATCH_MESSAGES_MAX <= POSTING_MESSAGES_MAX, "a list's bits");
_Static_assert(LIST_MAX + ENTRY_MAX <= TABLE_BLOCK_MAX, "a list goes into a block");

static int
damaged(void)
{
    errno = EBADMSG;
    return -1;
}

/* ---- which messages a batch has: distances, as in a list ---- */

static void
write_uids(const uint32_t *uids, size_t count, uint32_t *last, struct strbuf *out)
{
    for (size_t i = 0; i < count; i++) {
        posting_number_write(uids[i] - *last, out); /* fits: UIDS_MAX */
        *last = uids[i];
    }
}

/* Appends those with a bit; all without bits. */
static int
read_uids(struct table *table, const struct table_batch *batch, const struct posting_bits *bits,
          struct table_uids *out)
{
    struct strbuf bytes = strbuf_new(UIDS_MAX);
    int rc = table_batch_uids(table, batch->id, &bytes);
    struct slice rest = strbuf_slice(&bytes);
    uint32_t uid = 0, distance;

    for (uint32_t i = 0; rc == 0 && i < batch->messages; i++) {
        if (!posting_number_read(&rest, &distance)) {
            rc = damaged();
            break;
        }
        uid += distance;
        if (bits == NULL || (bits->words[i / 64] >> i % 64 & 1) != 0)
            table_uids_append(out, uid);
    }
    strbuf_free(&bytes);
    return rc;
}

/* ---- blocks: for each gram its distance from the one before, the length of its list, the list
 * ---- */

struct lists {
    struct slice rest;
    uint32_t gram; /* of the last list */
};

static void
append_list(struct strbuf *block, uint32_t distance, struct slice list)
{
    posting_number_write(distance, block); /* fits: ENTRY_MAX was left */
    posting_number_write((uint32_t)list.len, block);
    (void)strbuf_append(block, list);
}

/* 1: there is one; 0: that was all; -1 with errno. */
static int
next_in_block(struct lists *block, uint32_t *gram, struct slice *list)
{
    uint32_t distance, len;

    if (block->rest.len == 0)
        return 0;
    if (!posting_number_read(&block->rest, &distance) || !posting_number_read(&block->rest, &len) ||
        distance >= GRAM_NUMBERS - block->gram || len > block->rest.len)
        return damaged();
    block->gram += distance;
    *gram = block->gram;
    *list = slice_sub(block->rest, 0, len);
    block->rest = slice_sub(block->rest, len, block->rest.len);
    return 1;
}

/* The same over all blocks of a cursor. */
static int
next_list(struct table_cursor *cursor, struct lists *block, uint32_t *gram, struct slice *list)
{
    int rc;

    while ((rc = next_in_block(block, gram, list)) == 0) {
        rc = table_next_block(cursor, &block->gram, &block->rest);
        if (rc <= 0)
            return rc;
        if (block->gram >= GRAM_NUMBERS)
            return damaged();
    }
    return rc;
}

static int
read_batches(struct table *table, struct table_batches *out)
{
    if (table_batches(table, out) < 0)
        return -1;
    for (size_t i = 0; i < out->count; i++)
        if (out->list[i].messages > BATCH_MESSAGES_MAX)
            return damaged();
    return 0;
}

/* ---- writing ---- */

struct source {
    struct table_batch batch;
    uint32_t base; /* what its message 0 becomes */
    struct table_cursor cursor;
    struct lists block;
    uint32_t gram; /* of the list at hand; GRAM_NUMBERS: no more */
    struct slice list;
};

struct merge {
    struct table *table;
    const struct postings *postings;
    struct source sources[SOURCES_MAX];
    size_t source_count;
    uint32_t base;            /* what message 0 of the postings becomes */
    struct table_batch batch; /* what becomes of all of them */
};

static int
next_of_source(struct source *s)
{
    int rc = next_list(&s->cursor, &s->block, &s->gram, &s->list);

    if (rc == 0)
        s->gram = GRAM_NUMBERS;
    return rc < 0 ? -1 : 0;
}

/* The last batches, as far as what comes is not small beside them. */
static void
choose_sources(struct merge *m, const struct table_batches *all, uint32_t count)
{
    size_t first = all->count;

    m->batch = (struct table_batch){.id = 1, .messages = count};
    if (all->count > 0)
        m->batch.id = all->list[all->count - 1].id + 1;
    while (first > 0 && all->count - first < SOURCES_MAX) {
        const struct table_batch *b = &all->list[first - 1];

        if (b->messages > GROWTH * m->batch.messages ||
            b->messages + m->batch.messages > MERGED_MAX)
            break;
        m->batch.messages += b->messages;
        first--;
    }
    for (; first < all->count; first++) {
        m->sources[m->source_count++] = (struct source){.batch = all->list[first], .base = m->base};
        m->base += all->list[first].messages;
    }
}

/* The bits of one gram, of old batches and the new one. *any: there are some. */
static int
gather(struct merge *m, uint32_t gram, struct posting_bits *bits, bool *any)
{
    *any = postings_read(m->postings, gram, m->base, bits);
    for (size_t i = 0; i < m->source_count; i++) {
        struct source *s = &m->sources[i];

        if (s->gram != gram)
            continue;
        *any = true;
        if (!posting_list_read(s->list, s->batch.messages, s->base, bits))
            return damaged();
        if (next_of_source(s) < 0)
            return -1;
    }
    return 0;
}

/* The block that is being filled. */
struct filling {
    struct strbuf block;
    uint32_t first, last; /* grams */
};

static int
flush(const struct merge *m, struct filling *f)
{
    int rc = 0;

    if (f->block.len > 0)
        rc = table_add_block(m->table, m->batch.id, f->first, strbuf_slice(&f->block));
    strbuf_clear(&f->block);
    return rc;
}

static int
fill(const struct merge *m, struct filling *f, uint32_t gram, struct slice list)
{
    if (f->block.len + ENTRY_MAX + list.len > TABLE_BLOCK_MAX && flush(m, f) < 0)
        return -1;
    if (f->block.len == 0)
        f->first = f->last = gram;
    append_list(&f->block, gram - f->last, list);
    f->last = gram;
    return 0;
}

static int
write_lists(struct merge *m)
{
    struct filling f = {.block = strbuf_new(TABLE_BLOCK_MAX)};
    struct strbuf list = strbuf_new(LIST_MAX + 8);
    size_t used = ((size_t)m->batch.messages + 63) / 64 * sizeof(uint64_t);
    struct posting_bits bits;
    bool any;
    int rc = 0;

    memset(&bits, 0, used);
    for (uint32_t gram = 0; gram < GRAM_NUMBERS && rc == 0; gram++) {
        rc = gather(m, gram, &bits, &any);
        if (rc < 0 || !any)
            continue;
        strbuf_clear(&list);
        posting_list_write(&bits, m->batch.messages, &list);
        memset(&bits, 0, used);
        rc = fill(m, &f, gram, strbuf_slice(&list));
    }
    if (rc == 0)
        rc = flush(m, &f);
    strbuf_free(&list);
    strbuf_free(&f.block);
    return rc;
}

static int
open_sources(struct merge *m)
{
    int rc = 0;

    for (size_t i = 0; i < m->source_count && rc == 0; i++) {
        struct source *s = &m->sources[i];

        s->cursor = table_blocks(m->table, s->batch.id, 0, GRAM_NUMBERS - 1);
        rc = next_of_source(s);
    }
    return rc;
}

static int
write_batch(struct merge *m, const uint32_t *uids, uint32_t count)
{
    struct strbuf bytes = strbuf_new(UIDS_MAX);
    struct table_uids old = {NULL, 0, 0};
    uint32_t last = 0;
    int rc = 0;

    for (size_t i = 0; i < m->source_count && rc == 0; i++)
        rc = read_uids(m->table, &m->sources[i].batch, NULL, &old);
    write_uids(old.uids, old.count, &last, &bytes);
    write_uids(uids, count, &last, &bytes);
    if (rc == 0)
        rc = table_add_batch(m->table, &m->batch, strbuf_slice(&bytes));
    for (size_t i = 0; i < m->source_count && rc == 0; i++)
        rc = table_drop_batch(m->table, m->sources[i].batch.id);
    free(old.uids);
    strbuf_free(&bytes);
    return rc;
}

int
batch_write(struct table *table, const struct postings *postings, const uint32_t *uids,
            uint32_t count)
{
    struct merge *m = xcalloc(1, sizeof(*m));
    struct table_batches all;
    int rc = read_batches(table, &all);

    m->table = table;
    m->postings = postings;
    if (rc == 0) {
        choose_sources(m, &all, count);
        rc = open_sources(m);
    }
    if (rc == 0)
        rc = write_lists(m);
    for (size_t i = 0; i < m->source_count; i++)
        table_end_blocks(&m->sources[i].cursor);
    if (rc == 0)
        rc = write_batch(m, uids, count);
    free(all.list);
    free(m);
    return rc;
}

/* ---- searching ---- */

/* Leaves the bits of messages that have the gram, or one of those that it stands for. */
static int
narrow_down(struct table *table, const struct table_batch *batch, const struct gram_set *needle,
            uint32_t i, struct posting_bits *bits)
{
    struct gram_range ranges[GRAM_RANGES_MAX];
    unsigned count = gram_set_ranges(needle, i, ranges);
    struct posting_bits having = {{0}};
    struct slice list;
    uint32_t gram;
    int rc = 0;

    for (unsigned r = 0; r < count && rc == 0; r++) {
        struct table_cursor cursor =
            table_blocks(table, batch->id, ranges[r].first, ranges[r].last);

        struct lists block = {{NULL, 0}, 0};

        while (rc == 0 && (rc = next_list(&cursor, &block, &gram, &list)) > 0) {
            rc = 0;
            if (gram > ranges[r].last)
                break;
            if (gram >= ranges[r].first && !posting_list_read(list, batch->messages, 0, &having))
                rc = damaged();
        }
        table_end_blocks(&cursor);
    }
    for (size_t w = 0; w < ARRAY_LEN(bits->words); w++)
        bits->words[w] &= having.words[w];
    return rc;
}

static bool
has_bits(const struct posting_bits *bits)
{
    uint64_t all = 0;

    for (size_t w = 0; w < ARRAY_LEN(bits->words); w++)
        all |= bits->words[w];
    return all != 0;
}

/* Of many grams, some from everywhere. */
static int
match(struct table *table, const struct table_batch *batch, const struct gram_set *needle,
      struct table_uids *out)
{
    uint32_t count = gram_set_count(needle);
    uint32_t asked = count < QUERY_GRAMS_MAX ? count : QUERY_GRAMS_MAX;
    struct posting_bits bits;
    int rc = 0;

    memset(&bits, 0xff, sizeof(bits)); /* those behind the last message go with the first gram */
    for (uint32_t i = 0; i < asked && rc == 0; i++) {
        rc = narrow_down(table, batch, needle, (uint32_t)((uint64_t)i * count / asked), &bits);
        if (rc < 0 || !has_bits(&bits))
            return rc;
    }
    return rc == 0 ? read_uids(table, batch, &bits, out) : rc;
}

int
batch_match(struct table *table, const struct gram_set *needle, struct table_uids *out)
{
    struct table_batches all;
    int rc = read_batches(table, &all);

    for (size_t i = 0; i < all.count && rc == 0; i++)
        rc = match(table, &all.list[i], needle, out);
    free(all.list);
    return rc;
}
