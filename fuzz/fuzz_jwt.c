/*
 * fuzz/fuzz_jwt.c - access tokens, key sets and answers of introspection: the input is a token, and
 * behind an empty line a key set.
 */
#include <stdint.h>
#include <stdlib.h>

#include "lib/auth/jwt.h"
#include "lib/auth/oauth_place.h"
#include "lib/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct jwt_rules rules = {
        .issuer = {"i", 1}, .audience = {"", 0}, .claim = {"sub", 3}, .now_s = 1};
    struct slice token = slice_make(data, size), keys;
    struct strbuf value = strbuf_new(JWT_CLAIM_MAX);
    struct oauth_place place;
    const char *why = NULL;
    size_t end = slice_find(token, SLICE("\n\n"));

    keys = slice_sub(token, end + 2, token.len);
    (void)oauth_place_parse(token, &place);
    if (jwt_check_introspection(token, &rules, &value, &why) == JWT_GOOD)
        assert_always(value.len > 0);
    strbuf_clear(&value);
    token = slice_sub(token, 0, end);
    (void)jwt_is_one(token);
    if (jwt_check(token, keys, &rules, &value, &why) != JWT_GOOD)
        assert_always(value.len == 0 && why != NULL);
    strbuf_free(&value);
    return 0;
}
