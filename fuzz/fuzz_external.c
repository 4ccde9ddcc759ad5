/*
 * fuzz/fuzz_external.c - methods of external_auth as text.
 */
#include <stdint.h>
#include <stdlib.h>

#include "lib/auth/external.h"
#include "lib/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_make(data, size);
    struct strbuf name = strbuf_new(EXTERNAL_NAME_MAX);
    struct external_method method;

    if (external_parse(input, &method) == NULL) {
        assert_always(method.host.len > 0 && (method.port > 0 || method.kind == EXTERNAL_PAM));
        (void)external_name(&method, SLICE("user@d.test"), &name);
    }
    strbuf_free(&name);
    return 0;
}
