/*
 * imapd/sort_order.c - the criteria of SORT, and messages in their order.
 *
 * Each message gets one value per criterion, with the first bytes of a text as a number: most
 * comparisons end there.
 */
#include "imapd/sort_order.h"

#include <stdlib.h>

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

static void
fill(const struct sort_order *order, struct sort_reader *reader, struct arena *arena,
     struct item *item, bool needs_text)
{
    const struct message *m = mailbox_message(reader->mailbox, item->seq);
    struct sort_text text = {.has_sent = false};

    if (needs_text)
        sort_data_text(reader, item->seq, &text);
    for (unsigned i = 0; i < order->count; i++) {
        const struct sort_key *key = &order->keys[i];

        if (key->kind == SORT_ARRIVAL)
            item->values[i] = number_value(m->internal_ms);
        else if (key->kind == SORT_SIZE)
            item->values[i] = number_value((int64_t)m->size);
        else if (key->kind == SORT_DATE)
            item->values[i] = number_value(sort_data_sent_ms(reader, item->seq, &text));
        else
            item->values[i] = text_value(text.fields[key->field], arena);
    }
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

static bool
order_needs_text(const struct sort_order *order)
{
    for (unsigned i = 0; i < order->count; i++)
        if (order->keys[i].kind == SORT_DATE || order->keys[i].kind == SORT_TEXT)
            return true;
    return false;
}

void
sort_order_apply(const struct sort_order *order, struct message_data *message, struct arena *arena,
                 struct search_found *found)
{
    struct sort_reader reader = sort_reader_begin(found->mailbox, message);
    struct item *items = arena_alloc(arena, found->count * sizeof(*items));
    struct value *values = arena_alloc(arena, sizeof(*values) * order->count * found->count);
    uint32_t *sorted = arena_alloc(arena, found->count * sizeof(*sorted));
    bool needs_text = order_needs_text(order);

    for (uint32_t i = 0; i < found->count; i++) {
        items[i] = (struct item){found->seqs[i], values + (size_t)i * order->count};
        fill(order, &reader, arena, &items[i], needs_text);
    }
    sort_reader_end(&reader);
    qsort_r(items, found->count, sizeof(*items), compare, (void *)(uintptr_t)order);
    for (uint32_t i = 0; i < found->count; i++)
        sorted[i] = items[i].seq;
    found->seqs = sorted;
    found->in_mailbox_order = false;
}
