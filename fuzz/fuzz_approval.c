/*
 * fuzz/fuzz_approval.c - what approval reads: rules of the list file, and decisions as addresses.
 *
 * The first byte chooses. A rule that is taken names approvers; a token that is taken is written
 * again as the same text but for its signature.
 */
#include <stdint.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/conf/approval_rules.h"
#include "lib/queue/approval_token.h"

static void
try_rule(struct slice entry)
{
    struct approval_rule rule;

    if (entry.len > LIST_ENTRY_MAX || approval_rule_expected(entry) != NULL)
        return;
    approval_rule_parse(entry, &rule);
    assert_always(rule.approver_count > 0 && rule.approver_count <= APPROVAL_APPROVERS_MAX);
    for (size_t i = 0; i < rule.approver_count; i++)
        assert_always(rule.approvers[i].kinds != 0 && rule.approvers[i].address.len > 0);
}

static void
try_token(struct slice text)
{
    static const char key[APPROVAL_KEY_SIZE] = "a key for the fuzzer, of 32 byte";
    char again[APPROVAL_TOKEN_MAX + 1];
    struct approval_token token;
    size_t dot = slice_rindex(text, '.');

    if (approval_token_parse(text, &token) < 0)
        return;
    assert_always(approval_token_make(&token, key, again) == 0);
    assert_always(slice_eq(slice_sub(text, 0, dot), slice_sub(slice_of(again), 0, dot)));
    assert_always(approval_token_is_genuine(slice_of(again), key));
    assert_always(approval_token_is_genuine(text, key) == slice_eq(text, slice_of(again)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text;

    if (size == 0)
        return 0;
    text = slice_make((const char *)data + 1, size - 1);
    if ((data[0] & 1) != 0)
        try_token(text);
    else
        try_rule(text);
    return 0;
}
