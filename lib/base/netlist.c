/*
 * lib/base/netlist.c - matches addresses against networks. No I/O.
 */
#include "lib/base/netlist.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/parse.h"

/* "a.b.c.d" or IPv6 text to 16 bytes; *max_bits is what a prefix of that family may have. */
static int
parse_ip(struct slice text, uint8_t bytes[16], unsigned *max_bits)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    char name[INET6_ADDRSTRLEN];

    if (text.len == 0 || text.len >= sizeof(name) || memchr(text.ptr, '\0', text.len) != NULL)
        return -1;
    memcpy(name, text.ptr, text.len);
    name[text.len] = '\0';
    if (inet_pton(AF_INET, name, bytes + 12) == 1) {
        memcpy(bytes, mapped, sizeof(mapped));
        *max_bits = 32;
        return 0;
    }
    *max_bits = 128;
    return inet_pton(AF_INET6, name, bytes) == 1 ? 0 : -1;
}

static bool
prefix_equal(const uint8_t a[16], const uint8_t b[16], unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;

    if (memcmp(a, b, whole) != 0)
        return false;
    return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

static bool
bits_behind_prefix(const uint8_t bytes[16], unsigned bits)
{
    for (unsigned i = bits; i < 128; i++)
        if (bytes[i / 8] & (0x80u >> (i % 8)))
            return true;
    return false;
}

int
netlist_add(struct netlist *list, struct slice text)
{
    struct netlist_entry entry;
    size_t slash = slice_index(text, '/');
    struct slice address = slice_sub(text, 0, slash), prefix;
    unsigned max_bits;
    uint64_t bits;

    if (parse_ip(address, entry.bytes, &max_bits) < 0)
        return -1;
    bits = max_bits;
    prefix = slice_sub(text, slash + 1, text.len);
    if (slash < text.len && parse_u64(prefix, max_bits, &bits) < 0)
        return -1;
    entry.bits = (unsigned)bits + (128 - max_bits);
    if (bits_behind_prefix(entry.bytes, entry.bits))
        return -1;
    list->entries = xreallocarray(list->entries, list->count + 1, sizeof(*list->entries));
    list->entries[list->count++] = entry;
    return 0;
}

bool
netlist_has(const struct netlist *list, const char *ip)
{
    uint8_t bytes[16];
    unsigned max_bits;

    if (list->count == 0 || parse_ip(slice_of(ip), bytes, &max_bits) < 0)
        return false;
    for (size_t i = 0; i < list->count; i++)
        if (prefix_equal(bytes, list->entries[i].bytes, list->entries[i].bits))
            return true;
    return false;
}

void
netlist_free(struct netlist *list)
{
    xfree(&list->entries);
    list->count = 0;
}
