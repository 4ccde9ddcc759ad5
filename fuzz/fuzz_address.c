/*
 * fuzz/fuzz_address.c - paths and mailboxes of SMTP, and xtext.
 */
#include <stdint.h>
#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/mail/address.h"
#include "lib/mail/xtext.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What we normalize must be an address again, and be its own normal form. */
static void
check_normal_form(const struct address *address, unsigned flags)
{
    struct strbuf once = strbuf_new(4096), twice = strbuf_new(4096);
    struct address again;

    assert_always(address_normalize(address, &once));
    assert_always(address_parse(strbuf_slice(&once), flags, &again) == ADDRESS_OK);
    assert_always(address_normalize(&again, &twice));
    assert_always(slice_eq(strbuf_slice(&once), strbuf_slice(&twice)));
    strbuf_free(&once);
    strbuf_free(&twice);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_make(data, size);
    struct strbuf plain = strbuf_new(1 << 16);

    for (unsigned flags = 0; flags < 8; flags++) {
        struct slice input = text;
        struct address address;

        if (address_parse_path(&input, flags, &address) == ADDRESS_OK && address.text.len > 0)
            check_normal_form(&address, flags);
        if (address_parse(text, flags, &address) == ADDRESS_OK)
            check_normal_form(&address, flags);
    }
    (void)address_is_literal(text);
    assert_always((xtext_decode(text, &plain) == 0) == xtext_is_valid(text));
    strbuf_free(&plain);
    return 0;
}
