/*
 * lib/fts/gram.c - the grams by which a text is indexed and a search string is looked up.
 *
 * Input:  text of messages and search strings. Untrusted; any bytes will do.
 */
#include "lib/fts/gram.h"

#include <string.h>

#include "lib/base/mem.h"
#include "lib/mail/utf8.h"

enum {
    CODE_BITS = 21, /* of a code point */
    NARROW_LEN = 3,
    WIDE_LEN = 2,
    NARROW_TERM = 5, /* bytes of a term for three narrow characters */
    WIDE_TERM = 3,   /* for each wide one */
    BITS_FIRST = 10  /* the table begins with two to this power of slots */
};

#define CODE_MASK ((UINT64_C(1) << CODE_BITS) - 1)
#define WINDOW_MASK ((UINT64_C(1) << CODE_BITS * NARROW_LEN) - 1)
#define PAIR_MASK ((UINT64_C(1) << CODE_BITS * WIDE_LEN) - 1)

enum char_class { APART, NARROW, WIDE };

/* The class of the code points from `first` up to the next row. Blocks, not properties: a
 * punctuation mark that counts as a letter costs nothing but a gram. */
static const struct class_range {
    uint32_t first;
    enum char_class class;
} class_ranges[] = {
    {0x80, APART},    {0xaa, NARROW},    {0xab, APART},    {0xb5, NARROW},   {0xb6, APART},
    {0xba, NARROW},   {0xbb, APART},     {0xc0, NARROW},   {0xd7, APART},    {0xd8, NARROW},
    {0xf7, APART},    {0xf8, NARROW},    {0x2000, APART},  {0x2100, NARROW}, {0x2150, APART},
    {0x2600, WIDE},   {0x27c0, APART},   {0x2b00, WIDE},   {0x2c00, NARROW}, {0x2e00, APART},
    {0x2e80, WIDE},   {0x2ff0, APART},   {0x3005, WIDE},   {0x3008, APART},  {0x3021, WIDE},
    {0x302a, APART},  {0x3031, WIDE},    {0xa4d0, NARROW}, {0xac00, WIDE},   {0xd7b0, NARROW},
    {0xe000, APART},  {0xf900, WIDE},    {0xfb00, NARROW}, {0xfe00, APART},  {0xfe70, NARROW},
    {0xfeff, APART},  {0xff10, NARROW},  {0xff1a, APART},  {0xff21, NARROW}, {0xff3b, APART},
    {0xff41, NARROW}, {0xff5b, APART},   {0xff66, WIDE},   {0xffdd, APART},  {0x10000, NARROW},
    {0x17000, WIDE},  {0x1b300, NARROW}, {0x1f000, WIDE},  {0x1fc00, APART}, {0x20000, WIDE},
    {0x40000, APART},
};

struct gram_set {
    enum gram_side side;
    uint64_t *grams; /* each up to three code points; the last one in the lowest bits */
    uint32_t *slots; /* numbers of grams, plus one; 0: free */
    uint32_t count, max;
    unsigned bits; /* two to this power of slots are in use */
    bool overflowed;
    /* the run so far */
    enum char_class class;
    uint32_t run_len; /* up to NARROW_LEN: more does not matter */
    uint64_t window;
};

static enum char_class
class_of(uint32_t code)
{
    size_t low = 0, high = ARRAY_LEN(class_ranges);

    if (code < 0x80)
        return (code >= 'a' && code <= 'z') || (code >= '0' && code <= '9') ||
                       (code >= 'A' && code <= 'Z')
                   ? NARROW
                   : APART;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;

        if (code < class_ranges[middle].first)
            high = middle;
        else
            low = middle;
    }
    return class_ranges[low].class;
}

struct gram_set *
gram_set_new(enum gram_side side, uint32_t max)
{
    struct gram_set *set = xcalloc(1, sizeof(*set));
    unsigned bits = BITS_FIRST;

    while ((UINT32_C(1) << bits) < 2 * max)
        bits++;
    set->side = side;
    set->max = max;
    set->grams = xreallocarray(NULL, max, sizeof(*set->grams));
    set->slots = xcalloc(UINT32_C(1) << bits, sizeof(*set->slots));
    set->bits = BITS_FIRST;
    return set;
}

void
gram_set_free(struct gram_set **setp)
{
    if (*setp == NULL)
        return;
    xfree(&(*setp)->grams);
    xfree(&(*setp)->slots);
    xfree(setp);
}

/* Begins the table anew with so many slots. Small texts touch little of it. */
static void
table_clear(struct gram_set *set, unsigned bits)
{
    set->bits = bits;
    memset(set->slots, 0, sizeof(*set->slots) << bits);
}

void
gram_set_clear(struct gram_set *set)
{
    set->count = 0;
    set->overflowed = false;
    set->class = APART;
    set->run_len = 0;
    table_clear(set, BITS_FIRST);
}

/* Where `gram` is, or the free slot where it belongs. */
static uint32_t *
table_find(const struct gram_set *set, uint64_t gram)
{
    uint32_t mask = (UINT32_C(1) << set->bits) - 1;
    uint32_t at = (uint32_t)((gram * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - set->bits));

    while (set->slots[at] != 0 && set->grams[set->slots[at] - 1] != gram)
        at = (at + 1) & mask;
    return &set->slots[at];
}

static void
add(struct gram_set *set, uint64_t gram)
{
    uint32_t *slot = table_find(set, gram);

    if (*slot != 0)
        return;
    if (set->count == set->max) {
        set->overflowed = true;
        return;
    }
    set->grams[set->count++] = gram;
    *slot = set->count;
    if (set->count < UINT32_C(1) << (set->bits - 1) || set->count == set->max)
        return;
    table_clear(set, set->bits + 1);
    for (uint32_t i = 0; i < set->count; i++)
        *table_find(set, set->grams[i]) = i + 1;
}

/* A text's last wide character may be all that a search string has of its run; so may a search
 * string's only one. */
static void
end_run(struct gram_set *set)
{
    if (set->class == WIDE && (set->side == GRAM_TEXT || set->run_len == 1))
        add(set, set->window & CODE_MASK);
    set->class = APART;
    set->run_len = 0;
}

static void
take(struct gram_set *set, enum char_class class, uint32_t code)
{
    if (class != set->class)
        end_run(set);
    if (class == APART)
        return;
    set->class = class;
    set->window = (set->window << CODE_BITS | code) & WINDOW_MASK;
    if (set->run_len < NARROW_LEN)
        set->run_len++;
    if (class == NARROW && set->run_len >= NARROW_LEN)
        add(set, set->window);
    if (class == WIDE && set->run_len >= WIDE_LEN)
        add(set, set->window & PAIR_MASK);
}

void
gram_set_feed(struct gram_set *set, struct slice text)
{
    while (text.len > 0) {
        uint32_t code = (unsigned char)text.ptr[0];

        if (code >= 0x80 && utf8_next(&text, &code)) {
            take(set, class_of(code), code);
            continue;
        }
        take(set, code < 0x80 ? class_of(code) : APART, code);
        text = (struct slice){text.ptr + 1, text.len - 1};
    }
}

void
gram_set_gap(struct gram_set *set)
{
    end_run(set);
}

uint32_t
gram_set_count(const struct gram_set *set)
{
    return set->count;
}

bool
gram_set_overflowed(const struct gram_set *set)
{
    return set->overflowed;
}

/* Letters from '0' to 'o', six bits each. */
static size_t
put_mixed(uint64_t codes, unsigned letters, char *out)
{
    uint64_t mixed = codes * UINT64_C(0x9e3779b97f4a7c15);

    for (unsigned i = 0; i < letters; i++, mixed <<= 6)
        out[i] = (char)('0' + (mixed >> 58));
    return letters;
}

size_t
gram_set_term(const struct gram_set *set, uint32_t i, char out[GRAM_TERM_MAX], bool *prefix)
{
    uint64_t gram = set->grams[i], first = gram >> CODE_BITS, last = gram & CODE_MASK;
    size_t len = 0;

    *prefix = set->side == GRAM_NEEDLE && first == 0;
    if (first > CODE_MASK) /* three: NUL is in no run */
        return put_mixed(gram, NARROW_TERM, out);
    if (first != 0)
        len = put_mixed(first, WIDE_TERM, out);
    return len + put_mixed(last, WIDE_TERM, out + len);
}
