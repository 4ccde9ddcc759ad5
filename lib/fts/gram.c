/*
 * lib/fts/gram.c - the grams by which a text is indexed and a search string is looked up.
 *
 * Input:  text of messages and search strings. Untrusted; any bytes will do.
 */
#include "lib/fts/gram.h"

#include "lib/base/mem.h"
#include "lib/mail/utf8.h"

enum {
    CODE_BITS = 21, /* of a code point */
    /* A short gram is so many characters, mixed into so many bits; a long one is followed by one
     * more character, of which a few bits are kept. */
    NARROW_LEN = 3,
    NARROW_BITS = 12,
    NARROW_NEXT = 1,
    WIDE_LEN = 1,
    WIDE_BITS = 9,
    WIDE_NEXT = 7,
    /* where the numbers of grams begin */
    NARROW_SHORT = 1 << (NARROW_BITS + NARROW_NEXT),
    WIDE_LONG = NARROW_SHORT + (1 << NARROW_BITS),
    WIDE_SHORT = WIDE_LONG + (1 << (WIDE_BITS + WIDE_NEXT)),
    WORD_BITS = 64
};
_Static_assert(GRAM_NUMBERS == WIDE_SHORT + (1 << WIDE_BITS), "as the header says");

#define CODES(count) ((UINT64_C(1) << CODE_BITS * (count)) - 1)

enum char_class { APART, NARROW, WIDE };

static const struct shape {
    unsigned len, bits, next_bits;
    uint64_t mask; /* so many code points */
    uint32_t first_long, first_short;
} shapes[] = {
    [NARROW] = {NARROW_LEN, NARROW_BITS, NARROW_NEXT, CODES(NARROW_LEN), 0, NARROW_SHORT},
    [WIDE] = {WIDE_LEN, WIDE_BITS, WIDE_NEXT, CODES(WIDE_LEN), WIDE_LONG, WIDE_SHORT},
};

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
    uint64_t seen[GRAM_NUMBERS / WORD_BITS + 1]; /* a bit for each number */
    uint32_t numbers[GRAM_NUMBERS + 1];
    uint32_t count;
    /* the run so far */
    enum char_class class;
    size_t run_len;
    uint64_t window; /* the last code points, as many as a short gram has */
    uint32_t last;   /* the last short gram, mixed */
};

static bool
is_ascii_narrow(uint32_t code)
{
    return (code >= '0' && code <= '9') || ((code | 0x20) >= 'a' && (code | 0x20) <= 'z');
}

/* Of what is not ASCII. */
static enum char_class
class_of(uint32_t code)
{
    size_t low = 0, high = ARRAY_LEN(class_ranges);

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
gram_set_new(enum gram_side side)
{
    struct gram_set *set = xcalloc(1, sizeof(*set));

    set->side = side;
    return set;
}

void
gram_set_free(struct gram_set **setp)
{
    xfree(setp);
}

void
gram_set_clear(struct gram_set *set)
{
    for (uint32_t i = 0; i < set->count; i++)
        set->seen[set->numbers[i] / WORD_BITS] = 0;
    set->count = 0;
    set->class = APART;
    set->run_len = 0;
}

/* Puts the gram behind `count` others; returns how many there are now. Without a branch: whether a
 * gram is new is anybody's guess, the processor's too. */
static inline uint32_t
add_to(struct gram_set *set, uint32_t count, uint32_t number)
{
    uint64_t *word = &set->seen[number / WORD_BITS];
    uint64_t seen = *word;
    unsigned bit = number % WORD_BITS;

    set->numbers[count] = number;
    *word = seen | UINT64_C(1) << bit;
    return count + (uint32_t)(~seen >> bit & 1);
}

static void
add(struct gram_set *set, uint32_t number)
{
    set->count = add_to(set, set->count, number);
}

static inline uint32_t
mix(uint64_t codes, unsigned bits)
{
    return (uint32_t)((codes * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - bits));
}

/* The last short gram of a text's run may be all that a search string has of it. A search string
 * asks for its own only if it has no long one. */
static void
end_run(struct gram_set *set)
{
    const struct shape *shape = &shapes[set->class];

    if (set->class != APART &&
        (set->side == GRAM_TEXT ? set->run_len >= shape->len : set->run_len == shape->len))
        add(set, shape->first_short + set->last);
    set->class = APART;
    set->run_len = 0;
    set->window = 0;
}

/* One more character of the run. */
static inline void
run_on(struct gram_set *set, enum char_class class, uint32_t code)
{
    const struct shape *shape = &shapes[class];

    set->run_len++;
    set->window = set->window << CODE_BITS | code;
    if (set->run_len > shape->len)
        add(set, shape->first_long + (set->last << shape->next_bits | mix(code, shape->next_bits)));
    if (set->run_len >= shape->len)
        set->last = mix(set->window & shape->mask, shape->bits);
}

/* Most of most mail: letters and digits of ASCII that go on with a run. The same as run_on for
 * each, on copies that the processor keeps at hand. Returns how many there were. */
static size_t
run_on_ascii(struct gram_set *set, struct slice text)
{
    uint64_t window = set->window;
    uint32_t last = set->last, count = set->count;
    size_t i;

    for (i = 0; i < text.len && is_ascii_narrow((unsigned char)text.ptr[i]); i++) {
        uint32_t code = (unsigned char)text.ptr[i];

        window = window << CODE_BITS | code;
        count = add_to(set, count, last << NARROW_NEXT | mix(code, NARROW_NEXT));
        last = mix(window & CODES(NARROW_LEN), NARROW_BITS);
    }
    set->window = window;
    set->last = last;
    set->count = count;
    set->run_len += i;
    return i;
}

static void
take(struct gram_set *set, enum char_class class, uint32_t code)
{
    if (class != set->class)
        end_run(set);
    set->class = class;
    if (class != APART)
        run_on(set, class, code);
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
        if (set->class == NARROW && set->run_len >= NARROW_LEN && is_ascii_narrow(code)) {
            text = slice_sub(text, run_on_ascii(set, text), text.len);
            continue;
        }
        take(set, is_ascii_narrow(code) ? NARROW : APART, code);
        text = slice_sub(text, 1, text.len);
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

uint32_t
gram_set_number(const struct gram_set *set, uint32_t i)
{
    return set->numbers[i];
}

unsigned
gram_set_ranges(const struct gram_set *set, uint32_t i, struct gram_range out[GRAM_RANGES_MAX])
{
    uint32_t number = set->numbers[i];
    const struct shape *shape = &shapes[number < WIDE_LONG ? NARROW : WIDE];
    uint32_t first;

    out[0] = (struct gram_range){number, number};
    if (number < shape->first_short || set->side == GRAM_TEXT)
        return 1;
    first = shape->first_long + ((number - shape->first_short) << shape->next_bits);
    out[1] = (struct gram_range){first, first + (1u << shape->next_bits) - 1};
    return 2;
}
