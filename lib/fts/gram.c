/*
 * lib/fts/gram.c - the grams by which a text is indexed and a search string is looked up.
 *
 * Input:  text of messages and search strings. Untrusted; any bytes will do.
 */
#include "lib/fts/gram.h"

#include "lib/base/mem.h"
#include "lib/mail/utf8.h"

enum {
    CODE_BITS = 21,  /* of a code point */
    LETTER_BITS = 3, /* of a letter of a term */
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
    NUMBERS = WIDE_SHORT + (1 << WIDE_BITS),
    WORD_BITS = 64
};

#define CODES(count) ((UINT64_C(1) << CODE_BITS * (count)) - 1)

enum char_class { APART, NARROW, WIDE };

static const struct shape {
    unsigned len, bits, next_bits;
    uint64_t mask; /* so many code points */
    uint32_t first_long, first_short;
    char base; /* the lowest of the letters of its terms */
} shapes[] = {
    [NARROW] = {NARROW_LEN, NARROW_BITS, NARROW_NEXT, CODES(NARROW_LEN), 0, NARROW_SHORT, '0'},
    [WIDE] = {WIDE_LEN, WIDE_BITS, WIDE_NEXT, CODES(WIDE_LEN), WIDE_LONG, WIDE_SHORT, '8'},
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
    uint64_t seen[NUMBERS / WORD_BITS + 1]; /* a bit for each number */
    uint32_t numbers[NUMBERS + 1];
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

/* Without a branch: whether a gram is new is anybody's guess, the processor's too. */
static void
add(struct gram_set *set, uint32_t number)
{
    uint64_t *word = &set->seen[number / WORD_BITS];
    unsigned bit = number % WORD_BITS;

    set->numbers[set->count] = number;
    set->count += (uint32_t)(~*word >> bit & 1);
    *word |= UINT64_C(1) << bit;
}

static uint32_t
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
        if (set->class == NARROW && is_ascii_narrow(code))
            run_on(set, NARROW, code); /* most of most mail */
        else
            take(set, is_ascii_narrow(code) ? NARROW : APART, code);
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

/* Three bits a letter: FTS5's hash shifts by three, so that equal hashes are rare. */
static size_t
put_letters(uint32_t number, unsigned bits, char base, char *out)
{
    unsigned letters = (bits + LETTER_BITS - 1) / LETTER_BITS;

    for (unsigned i = letters; i-- > 0; number >>= LETTER_BITS)
        out[i] = (char)(base + (char)(number % (1 << LETTER_BITS)));
    return letters;
}

size_t
gram_set_term(const struct gram_set *set, uint32_t i, char out[GRAM_TERM_MAX], bool *prefix)
{
    uint32_t number = set->numbers[i];
    const struct shape *shape = &shapes[number < WIDE_LONG ? NARROW : WIDE];
    bool is_short = number >= shape->first_short;
    size_t len;

    *prefix = is_short && set->side == GRAM_NEEDLE;
    if (is_short)
        return put_letters(number - shape->first_short, shape->bits, shape->base, out);
    number -= shape->first_long;
    len = put_letters(number >> shape->next_bits, shape->bits, shape->base, out);
    return len +
           put_letters(number % (1u << shape->next_bits), shape->next_bits, shape->base, out + len);
}
