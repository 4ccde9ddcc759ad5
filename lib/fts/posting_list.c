/*
 * lib/fts/posting_list.c - which messages of a batch have one gram, as bytes.
 *
 * Input:  lists from the index. Not trusted to be undamaged: no bit is set outside the batch.
 */
#include "lib/fts/posting_list.h"

enum {
    SEVEN_BITS = 0x7f,
    GOES_ON = 0x80,
    SHIFT_MAX = 28, /* of the fifth byte, of which four bits are left */
};

void
posting_number_write(uint32_t number, struct strbuf *out)
{
    for (; number > SEVEN_BITS; number >>= 7)
        (void)strbuf_char(out,
                          (char)((number & SEVEN_BITS) | GOES_ON)); /* overflow shows in `out` */
    (void)strbuf_char(out, (char)number);
}

bool
posting_number_read(struct slice *in, uint32_t *number)
{
    uint32_t value = 0;

    for (unsigned shift = 0, i = 0; shift <= SHIFT_MAX && i < in->len; shift += 7, i++) {
        unsigned char c = (unsigned char)in->ptr[i];

        if (shift == SHIFT_MAX && c > 0xf)
            return false;
        value |= (uint32_t)(c & SEVEN_BITS) << shift;
        if (c < GOES_ON) {
            *number = value;
            *in = slice_sub(*in, i + 1, in->len);
            return true;
        }
    }
    return false;
}

static size_t
bits_len(uint32_t count)
{
    return (count + 7) / 8;
}

static void
write_bits(const struct posting_bits *bits, uint32_t count, struct strbuf *out)
{
    for (uint32_t i = 0; i < bits_len(count); i++)
        (void)strbuf_char(out, (char)(bits->words[i / 8] >> i % 8 * 8 & 0xff));
}

void
posting_list_write(const struct posting_bits *bits, uint32_t count, struct strbuf *out)
{
    size_t begin = out->len;
    uint32_t next = 0; /* the lowest that is possible */

    for (uint32_t i = 0; i * 64 < count; i++)
        for (uint64_t word = bits->words[i]; word != 0; word &= word - 1) {
            uint32_t message = i * 64 + (uint32_t)__builtin_ctzll(word);

            posting_number_write(message + 1 - next, out);
            next = message + 1;
            if (out->len - begin < bits_len(count))
                continue;
            strbuf_truncate(out, begin);
            write_bits(bits, count, out);
            return;
        }
}

static bool
read_bits(struct slice list, uint32_t count, uint32_t base, struct posting_bits *bits)
{
    for (uint32_t i = 0; i < list.len; i++)
        for (unsigned byte = (unsigned char)list.ptr[i]; byte != 0; byte &= byte - 1) {
            uint32_t message = i * 8 + (uint32_t)__builtin_ctz(byte);

            if (message >= count)
                return false;
            posting_bits_set(bits, base + message);
        }
    return true;
}

bool
posting_list_read(struct slice list, uint32_t count, uint32_t base, struct posting_bits *bits)
{
    uint32_t next = 0, distance;

    if (list.len == bits_len(count))
        return read_bits(list, count, base, bits);
    while (list.len > 0) {
        if (!posting_number_read(&list, &distance) || distance == 0 || distance > count - next)
            return false;
        next += distance;
        posting_bits_set(bits, base + next - 1);
    }
    return true;
}
