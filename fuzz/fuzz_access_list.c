/*
 * fuzz/fuzz_access_list.c - access lists of anybody's making: what is taken for good stays as it
 * is.
 */
#include <stdint.h>

#include "lib/auth/access_list.h"
#include "lib/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_make(data, size);
    struct strbuf stored = strbuf_new(ACCESS_LIST_MAX + 1), again = strbuf_new(ACCESS_LIST_MAX + 1);
    const struct ip client = {{0}};

    if (access_list_normalize(text, &stored) == NULL) {
        assert_always(access_list_normalize(strbuf_slice(&stored), &again) == NULL);
        assert_always(slice_eq(strbuf_slice(&stored), strbuf_slice(&again)));
        assert_always(access_list_takes(text, &client) ==
                      access_list_takes(strbuf_slice(&stored), &client));
    }
    (void)access_list_takes(text, &client);
    strbuf_free(&stored);
    strbuf_free(&again);
    return 0;
}
