/*
 * fuzz/fuzz_external.c - what a directory answers, and methods of external_auth as text.
 */
#include <stdint.h>
#include <stdlib.h>

#include "lib/auth/external.h"
#include "lib/auth/ldap_message.h"
#include "lib/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_make(data, size);
    struct strbuf name = strbuf_new(EXTERNAL_NAME_MAX);
    struct ldap_response response;
    struct external_method method;
    size_t length = 0;

    if (ldap_message_length(input, &length) == 0 && length > 0 && length <= size &&
        ldap_response_decode(slice_sub(input, 0, length), &response) == 0) {
        assert_always(response.dn.len <= LDAP_DN_MAX && response.text.len <= length);
        assert_always(response.type != LDAP_RESPONSE_ENTRY || response.result == 0);
    }
    if (external_parse(input, &method) == NULL) {
        assert_always(method.host.len > 0 && (method.port > 0 || method.kind == EXTERNAL_PAM));
        (void)external_name(&method, SLICE("user@d.test"), &name);
    }
    strbuf_free(&name);
    return 0;
}
