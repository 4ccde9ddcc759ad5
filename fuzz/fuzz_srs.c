/*
 * fuzz/fuzz_srs.c - the Sender Rewriting Scheme: any bytes are taken or refused, and what is
 * rewritten comes back.
 */
#include <stdint.h>

#include "lib/base/mem.h"
#include "lib/mail/address.h"
#include "lib/mail/srs.h"

#define NOW_MS INT64_C(1800000000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct srs_key key = {"a key"};
    struct slice input = slice_make(data, size);
    struct strbuf there = strbuf_new(1000), back = strbuf_new(1000);
    struct address address;

    (void)srs_reverse(&key, input, NOW_MS, &back);
    strbuf_clear(&back);
    if (srs_forward(&key, input, SLICE("d.test"), NOW_MS, &there) == 0) {
        assert_always(there.len <= ADDRESS_MAX);
        assert_always(srs_reverse(&key, strbuf_slice(&there), NOW_MS, &back) == SRS_GOOD);
        if (!address_is_rewritten(slice_sub(input, 0, slice_rindex(input, '@'))))
            assert_always(slice_eq(strbuf_slice(&back), input));
        if (address_parse(input, ADDRESS_UTF8, &address) == ADDRESS_OK)
            assert_always(address_parse(strbuf_slice(&there), ADDRESS_UTF8, &address) ==
                          ADDRESS_OK);
    }
    strbuf_free(&there);
    strbuf_free(&back);
    return 0;
}
