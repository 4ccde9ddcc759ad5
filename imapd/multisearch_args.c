/*
 * imapd/multisearch_args.c - the mailboxes that ESEARCH searches.
 *
 * Input:  command text. Untrusted; its length bounds the number of sources.
 */
#include "imapd/multisearch_args.h"

static const struct {
    const char *word;
    enum multisearch_kind kind;
    bool has_names;
} words[] = {
    {"selected", MULTISEARCH_SELECTED, false},
    {"inboxes", MULTISEARCH_PERSONAL, false}, /* RFC 5465 section 6.3: any folder may get mail */
    {"personal", MULTISEARCH_PERSONAL, false},
    {"subscribed", MULTISEARCH_SUBSCRIBED, false},
    {"subtree", MULTISEARCH_SUBTREE, true},
    {"subtree-one", MULTISEARCH_SUBTREE_ONE, true},
    {"mailboxes", MULTISEARCH_MAILBOXES, true},
};

static struct multisearch_source **
add(struct parser *p, struct multisearch_source **link, enum multisearch_kind kind,
    struct slice name)
{
    *link = arena_alloc(p->arena, sizeof(**link));
    **link = (struct multisearch_source){.kind = kind, .name = name};
    return &(*link)->next;
}

/* one-or-more-mailbox = mailbox / "(" mailbox *(SP mailbox) ")" */
static bool
parse_names(struct parser *p, enum multisearch_kind kind, struct multisearch_source ***link)
{
    struct slice name;
    bool many;

    if (!parser_space(p))
        return false;
    many = parser_optional(p, '(');
    do {
        if (!parser_mailbox(p, &name))
            return false;
        *link = add(p, *link, kind, name);
    } while (many && parser_optional(p, ' '));
    return !many || parser_char(p, ')');
}

static bool
parse_source(struct parser *p, struct multisearch_source ***link)
{
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (!parser_word(p, words[i].word))
            continue;
        if (words[i].has_names)
            return parse_names(p, words[i].kind, link);
        *link = add(p, *link, words[i].kind, SLICE(""));
        return true;
    }
    return parser_fail(p, "Unknown source of messages"); /* also scope options: none are defined */
}

bool
multisearch_args_parse(struct parser *p, struct multisearch_source **out)
{
    struct multisearch_source **link = out;
    struct parser ahead = *p;

    *out = NULL;
    if (!parser_optional(&ahead, ' ') || !parser_word(&ahead, "IN"))
        return true;
    *p = ahead;
    if (!parser_space(p) || !parser_char(p, '('))
        return false;
    do {
        if (!parse_source(p, &link))
            return false;
    } while (parser_optional(p, ' '));
    return parser_char(p, ')');
}

static bool
is_below(struct slice name, struct slice parent, bool children_only)
{
    struct slice rest = slice_sub(name, parent.len + 1, name.len);

    return name.len > parent.len + 1 && slice_starts(name, parent) && name.ptr[parent.len] == '/' &&
           (!children_only || slice_index(rest, '/') == rest.len);
}

bool
multisearch_args_match(const struct multisearch_source *sources, struct slice name, bool subscribed,
                       bool foreign)
{
    for (const struct multisearch_source *s = sources; s != NULL; s = s->next) {
        if ((s->kind == MULTISEARCH_PERSONAL && !foreign) ||
            (s->kind == MULTISEARCH_SUBSCRIBED && subscribed))
            return true;
        if (s->kind >= MULTISEARCH_SUBTREE && slice_eq(s->name, name))
            return true;
        if ((s->kind == MULTISEARCH_SUBTREE || s->kind == MULTISEARCH_SUBTREE_ONE) &&
            is_below(name, s->name, s->kind == MULTISEARCH_SUBTREE_ONE))
            return true;
    }
    return false;
}
