/*
 * fuzz/fuzz_imap_search.c - SEARCH programs: RETURN options, charset and keys.
 *
 * The first byte says whether the client is one of UTF-8, and whether the criteria are SORT's. What
 * is parsed must be a tree that an evaluation can walk.
 */
// LINK: imapd/parser.c
// LINK: imapd/seqset.c
// LINK: imapd/partial_range.c
// LINK: imapd/search_args.c
// LINK: imapd/search_fuzzy.c
#include "imapd/search_args.h"
#include "lib/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { KEYS_MAX = 100000 /* more than any input has */ };

/* The number of keys below `key`. */
static unsigned
walk(const struct search_key *key)
{
    unsigned count = 1;

    assert_always(key->op <= SEARCH_TEXT && key->cost <= SEARCH_TEXT);
    if (key->op == SEARCH_AND || key->op == SEARCH_OR || key->op == SEARCH_NOT)
        for (const struct search_key *child = key->children; child != NULL; child = child->next)
            count += walk(child);
    if (key->op == SEARCH_HEADER)
        assert_always(key->name.len > 0);
    assert_always(count < KEYS_MAX);
    return count;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {NULL};
    struct search_args args;
    struct parser p;
    bool parsed;

    if (size == 0)
        return 0;
    p = parser_begin(slice_make(data + 1, size - 1), &arena);
    p.utf8 = (data[0] & 1) != 0;
    p.uid_only = (data[0] & 2) != 0;
    parsed =
        (data[0] & 4) != 0 ? search_args_parse_criteria(&p, &args) : search_args_parse(&p, &args);
    if (parsed) {
        assert_always(p.rest.len == 0 && args.root->op == SEARCH_AND);
        (void)walk(args.root);
    }
    arena_free(&arena);
    return 0;
}
