/*
 * fuzz/fuzz_arc.c - header sections with chains of ARC, and key records. Whatever they say, claims
 * and digests stay in their bounds.
 */
#include "lib/base/mem.h"
#include "lib/dkim/arc.h"
#include "lib/dkim/public_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
try_set(struct slice section, const struct arc_chain *chain, unsigned instance)
{
    const struct arc_set *set = &chain->sets[instance - 1];
    unsigned char digest[DKIM_DIGEST];
    struct arc_claim claim;

    if (arc_message_claim(set, &claim) == NULL)
        (void)arc_message_digest(section, set, &claim, digest);
    arc_claim_free(&claim);
    if (arc_seal_claim(set, &claim) == NULL)
        assert_always(claim.domain.len > 0 && claim.selector.len > 0);
    arc_claim_free(&claim);
    (void)arc_seal_digest(chain, instance, digest);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice section = slice_make(data, size);
    struct dkim_public *key = dkim_public_parse(section, DKIM_RSA_SHA256);
    struct arc_chain chain;

    dkim_public_free(&key);
    key = dkim_public_parse(section, DKIM_ED25519_SHA256);
    dkim_public_free(&key);
    arc_collect(section, &chain);
    assert_always(chain.count <= ARC_SETS_MAX && (!chain.ended || chain.count > 0));
    if (chain.trouble != NULL)
        return 0;
    for (unsigned i = 1; i <= chain.count; i++)
        try_set(section, &chain, i);
    return 0;
}
