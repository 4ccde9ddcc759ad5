/*
 * fuzz/fuzz_ldap_call.c - what a directory answers, and filters as text: what is encoded of one is
 * BER that its own reader takes.
 */
#include <stdint.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/ldap/ber.h"
#include "lib/ldap/call.h"
#include "lib/ldap/dn.h"
#include "lib/ldap/filter_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
read_answer(struct slice input)
{
    struct slice description, values, value;
    struct ldap_response response;
    size_t length = 0;

    if (ldap_call_length(input, &length) < 0 || length == 0 || length > input.len ||
        ldap_call_decode(slice_sub(input, 0, length), &response) < 0)
        return;
    assert_always(response.dn.len <= LDAP_DN_MAX && response.text.len <= length);
    assert_always(response.cookie.len <= LDAP_COOKIE_MAX);
    assert_always(response.type != LDAP_RESPONSE_ENTRY || response.result == 0);
    while (ldap_call_attribute(&response.attributes, &description, &values) == 1)
        while (ldap_call_value(&values, &value) == 1)
            assert_always(value.len <= length);
}

static void
read_filter(struct slice input)
{
    struct strbuf out = strbuf_new(16384);
    struct slice rest, content;
    unsigned tag;

    if (ldap_filter_text_encode(input, &out) == NULL) {
        rest = strbuf_slice(&out);
        assert_always(ber_take_any(&rest, &tag, &content) == 1 && rest.len == 0);
        assert_always((tag >= 0xa0 && tag <= 0xa9) || tag == 0x87);
    }
    strbuf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = xmalloc(size + 1); /* of that size: no byte more may be looked at */
    struct slice input = slice_make(copy, size);

    if (size > 0)
        memcpy(copy, data, size);
    read_answer(input);
    read_filter(input);
    xfree(&copy);
    return 0;
}
