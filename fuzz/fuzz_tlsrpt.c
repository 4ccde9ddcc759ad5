/*
 * fuzz/fuzz_tlsrpt.c - TLS-RPT records and URIs from anybody. What is taken can stand in an SMTP
 * command, and in an HTTP request.
 */
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/mail/address.h"
#include "lib/tlsrpt/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_mailto(struct slice uri)
{
    struct strbuf out = strbuf_new(ADDRESS_MAX);
    struct address address;

    if (tlsrpt_mailto(uri, &out) == 0)
        assert_always(address_parse(strbuf_slice(&out), 0, &address) == ADDRESS_OK);
    strbuf_free(&out);
}

static void
check_https(struct slice uri)
{
    struct strbuf host = strbuf_new(TLSRPT_HOST_MAX), path = strbuf_new(TLSRPT_URI_MAX);

    if (tlsrpt_https(uri, &host, &path) == 0)
        assert_always(address_is_domain(strbuf_slice(&host), false) && path.ptr[0] == '/' &&
                      parse_is_ascii_print(strbuf_slice(&path)));
    strbuf_free(&host);
    strbuf_free(&path);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tlsrpt_record record;

    if (tlsrpt_record_parse(slice_make(data, size), &record) != 0)
        return 0;
    assert_always(record.count > 0 && record.count <= TLSRPT_PLACES_MAX);
    for (size_t i = 0; i < record.count; i++) {
        assert_always(record.places[i].uri.len <= TLSRPT_URI_MAX);
        if (record.places[i].scheme == TLSRPT_MAILTO)
            check_mailto(record.places[i].uri);
        else
            check_https(record.places[i].uri);
    }
    return 0;
}
