/*
 * fuzz/fuzz_sts_policy.c - MTA-STS records and policies from anybody. What is taken borrows from
 * the input and keeps its limits.
 */
#include "lib/base/mem.h"
#include "lib/sts/sts_policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_make(data, size), id;
    struct sts_policy policy;

    if (sts_record_parse(text, &id) == 0)
        assert_always(id.len > 0 && id.len <= STS_ID_MAX);
    if (sts_policy_parse(text, &policy) != NULL)
        return 0;
    assert_always(policy.max_age_s <= STS_MAX_AGE_MAX && policy.mx_count <= STS_MX_MAX);
    assert_always(policy.mx_count > 0 || policy.mode == STS_NONE);
    for (size_t i = 0; i < policy.mx_count; i++)
        if (policy.mx[i].ptr[0] != '*')
            assert_always(sts_policy_allows(&policy, policy.mx[i]));
    return 0;
}
