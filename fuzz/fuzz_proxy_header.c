/*
 * fuzz/fuzz_proxy_header.c - PROXY protocol headers: a header that is taken ends within its bytes,
 * and each shorter part of it is neither whole nor wrong.
 */
#include "lib/base/mem.h"
#include "lib/sys/proxy_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice seen = slice_make(data, size);
    struct proxy_header header, part;
    size_t len = 0, other;

    if (proxy_header_parse(seen, &header, &len) != PROXY_OK)
        return 0;
    assert_always(len <= size && len <= PROXY_HEADER_MAX);
    for (size_t i = 0; i < len; i++)
        assert_always(proxy_header_parse(slice_sub(seen, 0, i), &part, &other) == PROXY_PART);
    return 0;
}
