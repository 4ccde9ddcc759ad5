/*
 * imapd/flag_list.c - lists of flags as clients write them.
 *
 * Input:  command text. Untrusted.
 */
#include "imapd/flag_list.h"

enum { LIST_MAX = 128 /* flags in one list; a folder has at most 5 + MAILBOX_KEYWORDS_MAX */ };

const struct flag_name flag_list_system[FLAG_LIST_SYSTEM_COUNT] = {
    {"Answered", MESSAGE_ANSWERED}, {"Flagged", MESSAGE_FLAGGED}, {"Deleted", MESSAGE_DELETED},
    {"Seen", MESSAGE_SEEN},         {"Draft", MESSAGE_DRAFT},
};

static bool
parse_system_flag(struct parser *p, struct flag_list *out)
{
    struct slice name;

    if (!parser_atom(p, &name))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(flag_list_system); i++) {
        if (!slice_eq_nocase(name, slice_of(flag_list_system[i].name)))
            continue;
        out->flags |= flag_list_system[i].flag;
        return true;
    }
    return parser_fail(p, "This system flag cannot be set");
}

static bool
parse_flag(struct parser *p, struct flag_list *out)
{
    struct slice name;

    if (parser_optional(p, '\\'))
        return parse_system_flag(p, out);
    if (!parser_atom(p, &name))
        return false;
    for (uint32_t i = 0; i < out->keyword_count; i++)
        if (slice_eq_nocase(name, out->keywords[i]))
            return true;
    if (out->keyword_count == LIST_MAX)
        out->too_many = true;
    else
        out->keywords[out->keyword_count++] = name;
    return true;
}

static bool
parse_flags(struct parser *p, struct flag_list *out)
{
    do {
        if (!parse_flag(p, out))
            return false;
    } while (parser_optional(p, ' '));
    return true;
}

bool
flag_list_parse(struct parser *p, struct flag_list *out)
{
    *out = (struct flag_list){.keywords = arena_alloc(p->arena, LIST_MAX * sizeof(struct slice))};
    if (!parser_char(p, '('))
        return false;
    if (parser_optional(p, ')'))
        return true;
    return parse_flags(p, out) && parser_char(p, ')');
}

bool
flag_list_parse_store(struct parser *p, struct flag_list *out)
{
    if (parser_peek(p) == '(')
        return flag_list_parse(p, out);
    *out = (struct flag_list){.keywords = arena_alloc(p->arena, LIST_MAX * sizeof(struct slice))};
    return parse_flags(p, out);
}
