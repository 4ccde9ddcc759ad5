/*
 * lib/base/crc32c.c - CRC-32C by the processor's instruction where there is one, else by table.
 */
#include "lib/base/crc32c.h"

#include <string.h>
#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

#define POLYNOMIAL 0x82f63b78u /* reversed 0x1edc6f41 */

static uint32_t
by_table(uint32_t crc, struct slice data)
{
    static uint32_t table[256];

    if (table[1] == 0)
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t v = i;

            for (int bit = 0; bit < 8; bit++)
                v = v >> 1 ^ ((v & 1) != 0 ? POLYNOMIAL : 0);
            table[i] = v;
        }
    for (size_t i = 0; i < data.len; i++)
        crc = crc >> 8 ^ table[(crc ^ (unsigned char)data.ptr[i]) & 0xff];
    return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t
by_instruction(uint32_t crc, struct slice data)
{
    uint64_t wide = crc;

    while (data.len >= 8) {
        uint64_t word;

        memcpy(&word, data.ptr, 8);
        wide = _mm_crc32_u64(wide, word);
        data = slice_sub(data, 8, data.len);
    }
    crc = (uint32_t)wide;
    for (size_t i = 0; i < data.len; i++)
        crc = _mm_crc32_u8(crc, (unsigned char)data.ptr[i]);
    return crc;
}
#endif

uint32_t
crc32c(uint32_t crc, struct slice data)
{
    crc = ~crc;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2"))
        return ~by_instruction(crc, data);
#endif
    return ~by_table(crc, data);
}
