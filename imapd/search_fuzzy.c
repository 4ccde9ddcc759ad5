/*
 * imapd/search_fuzzy.c - SEARCH FUZZY.
 *
 * Input:  a parsed program. The number of words is bounded by the length of its strings.
 */
#include "imapd/search_fuzzy.h"

/* The next word of *text; empty at the end. */
static struct slice
next_word(struct slice *text)
{
    struct slice word = {NULL, 0};

    while (text->len > 0 && word.len == 0)
        word = slice_split(text, ' ');
    return word;
}

static struct search_key *
key_for(const struct search_key *model, struct slice text, struct arena *arena)
{
    struct search_key *key = arena_alloc(arena, sizeof(*key));

    *key = *model;
    key->text = text;
    key->next = NULL;
    return key;
}

/* AND of the words; the pairs of neighbours are for the score. */
static struct search_key *
split(struct search_key *key, struct arena *arena)
{
    struct search_key *all, **words, **pairs;
    struct slice rest = key->text, word, before = next_word(&rest);

    if (before.len == 0)
        return key;
    all = arena_alloc(arena, sizeof(*all));
    all->op = SEARCH_AND;
    all->cost = key->cost;
    all->next = key->next;
    words = &all->children;
    pairs = &all->pairs;
    *words = key_for(key, before, arena);
    for (word = next_word(&rest); word.len > 0; word = next_word(&rest)) {
        size_t pair_len = (size_t)(word.ptr - before.ptr) + word.len;

        words = &(*words)->next;
        *words = key_for(key, word, arena);
        *pairs = key_for(key, slice_make(before.ptr, pair_len), arena);
        pairs = &(*pairs)->next;
        before = word;
    }
    return all;
}

struct search_key *
search_fuzzy_make(struct search_key *key, struct arena *arena)
{
    if (key->op == SEARCH_HEADER || key->op == SEARCH_BODY || key->op == SEARCH_TEXT)
        return split(key, arena);
    for (struct search_key **link = &key->children; *link != NULL; link = &(*link)->next)
        *link = search_fuzzy_make(*link, arena);
    return key;
}
