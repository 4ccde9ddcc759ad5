/*
 * imapd/sort_order.c - the criteria of SORT, and messages in their order.
 *
 * Each message gets one value per criterion, with the first bytes of a text as a number: most
 * comparisons end there.
 */
#include "imapd/sort_order.h"

#include <stdlib.h>

#include "imapd/search_eval.h"
#include "imapd/sort_data.h"

static const struct {
    const char *word;
    enum sort_kind kind;
    enum sort_text_field field;
} words[] = {
    {"ARRIVAL", SORT_ARRIVAL, 0},
    {"CC", SORT_TEXT, SORT_TEXT_CC},
    {"DATE", SORT_DATE, 0},
    {"DISPLAYFROM", SORT_TEXT, SORT_TEXT_DISPLAY_FROM},
    {"DISPLAYTO", SORT_TEXT, SORT_TEXT_DISPLAY_TO},
    {"FROM", SORT_TEXT, SORT_TEXT_FROM},
    {"RELEVANCY", SORT_RELEVANCY, 0},
    {"SIZE", SORT_SIZE, 0},
    {"SUBJECT", SORT_TEXT, SORT_TEXT_SUBJECT},
    {"TO", SORT_TEXT, SORT_TEXT_TO},
};

/* ---- criteria ---- */

static bool
has_key(const struct sort_order *order, const struct sort_key *key)
{
    for (unsigned i = 0; i < order->count; i++)
        if (order->keys[i].kind == key->kind &&
            (key->kind != SORT_TEXT || order->keys[i].field == key->field))
            return true;
    return false;
}

/* sort-criterion = ["REVERSE" SP] sort-key */
static bool
parse_criterion(struct parser *p, struct sort_order *out)
{
    struct sort_key key = {.reverse = parser_word(p, "REVERSE")};

    if (key.reverse && !parser_space(p))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (!parser_word(p, words[i].word))
            continue;
        key.kind = words[i].kind;
        key.field = words[i].field;
        if (!has_key(out, &key))
            out->keys[out->count++] = key;
        return true;
    }
    return parser_fail(p, "Unknown sort criterion");
}

bool
sort_order_parse(struct parser *p, struct sort_order *out)
{
    out->count = 0;
    if (!parser_char(p, '('))
        return false;
    do {
        if (!parse_criterion(p, out))
            return false;
    } while (parser_optional(p, ' '));
    return parser_char(p, ')');
}

/* ---- values ---- */

struct value {
    uint64_t head;     /* a number, or the first bytes of a text */
    struct slice rest; /* what follows them */
};

struct item {
    uint32_t seq;
    struct value *values; /* one for each criterion */
};

static struct value
number_value(int64_t number)
{
    return (struct value){.head = (uint64_t)number ^ (UINT64_C(1) << 63)}; /* negative ones first */
}

/* Keys hold no NUL, so that a short one sorts before all that it begins. */
static struct value
text_value(struct slice text, struct arena *arena)
{
    struct value value = {.head = 0};

    for (size_t i = 0; i < sizeof(value.head); i++)
        value.head = value.head << 8 | (i < text.len ? (unsigned char)text.ptr[i] : 0);
    if (text.len > sizeof(value.head))
        value.rest = arena_copy(arena, slice_sub(text, sizeof(value.head), text.len));
    return value;
}

static bool
needs_text(const struct sort_order *order)
{
    for (unsigned i = 0; i < order->count; i++)
        if (order->keys[i].kind == SORT_DATE || order->keys[i].kind == SORT_TEXT)
            return true;
    return false;
}

bool
sort_order_has_relevancy(const struct sort_order *order)
{
    for (unsigned i = 0; i < order->count; i++)
        if (order->keys[i].kind == SORT_RELEVANCY)
            return true;
    return false;
}

/* What a message is sorted by, as long as all its criteria are at hand. */
struct source {
    const struct message *m;
    int64_t sent_ms;
    unsigned score;
    struct sort_text text;
};

static struct value
value_of(const struct sort_key *key, const struct source *from, struct arena *arena)
{
    switch (key->kind) {
    case SORT_ARRIVAL:
        return number_value(from->m->internal_ms);
    case SORT_SIZE:
        return number_value((int64_t)from->m->size);
    case SORT_DATE:
        return number_value(from->sent_ms);
    case SORT_RELEVANCY: /* the highest comes first */
        return number_value(-(int64_t)from->score);
    case SORT_TEXT:
        break;
    }
    return text_value(from->text.fields[key->field], arena);
}

static void
fill(const struct sort_order *order, const struct search_key *root, struct sort_reader *reader,
     struct arena *arena, struct item *item)
{
    struct source from = {.m = mailbox_message(reader->mailbox, item->seq)};

    if (sort_order_has_relevancy(order))
        from.score = search_eval_score(root, reader->mailbox, item->seq, reader->message);
    if (needs_text(order)) { /* the last that reads the cache: the slices are good until then */
        sort_data_text(reader, item->seq, &from.text);
        from.sent_ms = sort_data_sent_ms(reader, item->seq, &from.text);
    }
    for (unsigned i = 0; i < order->count; i++)
        item->values[i] = value_of(&order->keys[i], &from, arena);
}

/* ---- the order ---- */

static int
compare(const void *a, const void *b, void *arg)
{
    const struct item *x = a, *y = b;
    const struct sort_order *order = arg;

    for (unsigned i = 0; i < order->count; i++) {
        const struct value *v = &x->values[i], *w = &y->values[i];
        int way = (v->head > w->head) - (v->head < w->head);

        if (way == 0 && (v->rest.len > 0 || w->rest.len > 0))
            way = slice_cmp(v->rest, w->rest);
        if (way != 0)
            return order->keys[i].reverse ? -way : way;
    }
    return (x->seq > y->seq) - (x->seq < y->seq);
}

void
sort_order_apply(const struct sort_order *order, const struct search_key *root,
                 struct message_data *message, struct arena *arena, struct search_found *found)
{
    struct sort_reader reader = sort_reader_begin(found->mailbox, message);
    struct item *items = arena_alloc(arena, found->count * sizeof(*items));
    struct value *values = arena_alloc(arena, sizeof(*values) * order->count * found->count);
    uint32_t *sorted = arena_alloc(arena, found->count * sizeof(*sorted));

    for (uint32_t i = 0; i < found->count; i++) {
        items[i] = (struct item){found->seqs[i], values + (size_t)i * order->count};
        fill(order, root, &reader, arena, &items[i]);
    }
    sort_reader_end(&reader);
    qsort_r(items, found->count, sizeof(*items), compare, (void *)(uintptr_t)order);
    for (uint32_t i = 0; i < found->count; i++)
        sorted[i] = items[i].seq;
    found->seqs = sorted;
    found->in_mailbox_order = false;
}
