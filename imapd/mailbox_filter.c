/*
 * imapd/mailbox_filter.c - which mailboxes a command is about.
 *
 * Input:  command text. Untrusted; its length bounds the number of names.
 */
#include "imapd/mailbox_filter.h"

static const struct {
    const char *word;
    enum mailbox_filter_kind kind;
} words[] = {
    {"selected", FILTER_SELECTED},       {"selected-delayed", FILTER_SELECTED_DELAYED},
    {"inboxes", FILTER_PERSONAL},        {"personal", FILTER_PERSONAL},
    {"subscribed", FILTER_SUBSCRIBED},   {"subtree", FILTER_SUBTREE},
    {"subtree-one", FILTER_SUBTREE_ONE}, {"mailboxes", FILTER_MAILBOXES},
};

static struct mailbox_filter **
add(struct parser *p, struct mailbox_filter **link, enum mailbox_filter_kind kind,
    struct slice name)
{
    *link = arena_alloc(p->arena, sizeof(**link));
    **link = (struct mailbox_filter){.kind = kind, .name = name};
    return &(*link)->next;
}

/* one-or-more-mailbox = mailbox / "(" mailbox *(SP mailbox) ")" */
static bool
parse_names(struct parser *p, enum mailbox_filter_kind kind, struct mailbox_filter ***link)
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

bool
mailbox_filter_parse(struct parser *p, unsigned allowed, struct mailbox_filter ***link)
{
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if ((words[i].kind & allowed) == 0 || !parser_word(p, words[i].word))
            continue;
        if (words[i].kind >= FILTER_SUBTREE)
            return parse_names(p, words[i].kind, link);
        *link = add(p, *link, words[i].kind, SLICE(""));
        return true;
    }
    return parser_fail(p, "Unknown kind of mailboxes");
}

static bool
is_below(struct slice name, struct slice parent, bool children_only)
{
    struct slice rest = slice_sub(name, parent.len + 1, name.len);

    return name.len > parent.len + 1 && slice_starts(name, parent) && name.ptr[parent.len] == '/' &&
           (!children_only || slice_index(rest, '/') == rest.len);
}

bool
mailbox_filter_match(const struct mailbox_filter *filters, struct slice name, bool subscribed,
                     bool foreign)
{
    for (const struct mailbox_filter *f = filters; f != NULL; f = f->next) {
        if ((f->kind == FILTER_PERSONAL && !foreign) ||
            (f->kind == FILTER_SUBSCRIBED && subscribed))
            return true;
        if (f->kind >= FILTER_SUBTREE && slice_eq(f->name, name))
            return true;
        if ((f->kind == FILTER_SUBTREE || f->kind == FILTER_SUBTREE_ONE) &&
            is_below(name, f->name, f->kind == FILTER_SUBTREE_ONE))
            return true;
    }
    return false;
}
