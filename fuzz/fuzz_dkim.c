/*
 * fuzz/fuzz_dkim.c - what keyd's readers do with a message: header fields chosen, canonical forms
 * made, a field built. The canonical form of a body must not depend on how it is cut, and is its
 * own.
 */
#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/dkim/canonical.h"
#include "lib/dkim/record.h"
#include "lib/dkim/signature.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
append(void *arg, struct slice piece)
{
    assert_always(strbuf_append(arg, piece));
}

static void
canonical(struct slice input, size_t step, struct strbuf *out)
{
    struct dkim_body body;

    dkim_body_begin(&body, append, out);
    for (size_t at = 0; at < input.len; at += step)
        dkim_body_feed(&body, slice_sub(input, at, at + step));
    dkim_body_end(&body);
}

static void
check_body(struct slice input)
{
    struct strbuf whole = strbuf_new(2 * input.len + 16), pieces = strbuf_new(2 * input.len + 16);
    struct strbuf again = strbuf_new(2 * input.len + 16);

    canonical(input, input.len + 1, &whole);
    canonical(input, 3, &pieces);
    assert_always(slice_eq(strbuf_slice(&whole), strbuf_slice(&pieces)));
    canonical(strbuf_slice(&whole), 7, &again);
    assert_always(slice_eq(strbuf_slice(&whole), strbuf_slice(&again)));
    strbuf_free(&whole);
    strbuf_free(&pieces);
    strbuf_free(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct slice names[] = {{"From", 4}, {"Subject", 7}, {"To", 2}};
    static const unsigned char hash[DKIM_DIGEST];
    const struct dkim_header_list list = {names, 3, names, 2};
    struct slice input = slice_make(data, size);
    struct dkim_header header;
    struct strbuf domain = strbuf_new(300), field = strbuf_new(DKIM_FIELD_MAX);
    unsigned char digest[DKIM_DIGEST];

    check_body(input);
    (void)dkim_author_domain(input, &domain);
    if (dkim_header_choose(input, &list, &header) == NULL) {
        const struct dkim_signer signer = {.domain = strbuf_slice(&domain),
                                           .selector = SLICE("s"),
                                           .algorithm = DKIM_RSA_SHA256,
                                           .time_s = 1};

        assert_always(dkim_field_make(&signer, &header, hash, &field, digest) == 0);
    }
    (void)dkim_record_check(input, DKIM_RSA_SHA256, slice_make(hash, sizeof(hash)));
    dkim_header_free(&header);
    strbuf_free(&domain);
    strbuf_free(&field);
    return 0;
}
