/*
 * fuzz/fuzz_ldap_call.c - what a directory answers, what is made of its entries, and filters and
 * maps as text: what is encoded of a filter is BER that its own reader takes.
 */
#include <stdint.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/ldap/ber.h"
#include "lib/ldap/call.h"
#include "lib/ldap/dn.h"
#include "lib/ldap/filter_text.h"
#include "lib/sync/entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is made of an entry can be read again, and has its parts. */
static void
take_entry(const struct ldap_response *entry)
{
    static const struct sync_given given = {.url = {"ldap://h/dc=x", 13}, .layout = {"ad", 2}};
    static struct object_field fields[OBJECT_FIELDS_MAX];
    struct strbuf out = strbuf_new((size_t)8 << 20);
    struct sync_source source;
    struct slice data;
    int count, objects = 0;

    assert_always(sync_source_read(&given, &source) == NULL);
    for (int of_group = 0; of_group < 2; of_group++) {
        strbuf_clear(&out);
        if (sync_entry_add(&source, of_group == 1, entry, &out) < 0 || out.overflow)
            continue;
        data = strbuf_slice(&out);
        for (objects = 0; (count = object_next(&data, fields)) > 0; objects++)
            assert_always(slice_eq(object_get(fields, (uint32_t)count, "dn"), entry->dn) ||
                          entry->dn.len == 0);
        assert_always(count == 0 && objects > 0);
    }
    strbuf_free(&out);
}

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
    if (response.type == LDAP_RESPONSE_ENTRY)
        take_entry(&response);
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
    (void)sync_map_wrong(input);
    (void)sync_url_wrong(input);
    xfree(&copy);
    return 0;
}
