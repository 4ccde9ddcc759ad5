/*
 * imapd/list_args.c - the arguments of LIST and LSUB.
 *
 * Input:  command text. Untrusted.
 */
#include "imapd/list_args.h"

#include <string.h>

#include "imapd/mailbox_name.h"
#include "imapd/status_items.h"

enum { PATTERNS_MAX = 64 };

static bool
parse_selection_option(struct parser *p, struct list_args *out)
{
    if (parser_word(p, "SUBSCRIBED"))
        out->select_subscribed = true;
    else if (parser_word(p, "SPECIAL-USE"))
        out->select_special_use = true;
    else if (parser_word(p, "RECURSIVEMATCH"))
        out->recursive_match = true;
    else if (!parser_word(p, "REMOTE")) /* there are no remote folders to add */
        return parser_fail(p, "Unknown selection option");
    return true;
}

static bool
parse_return_option(struct parser *p, struct list_args *out)
{
    if (parser_word(p, "STATUS"))
        return parser_space(p) && status_items_parse(p, &out->status_items);
    if (parser_word(p, "METADATA"))
        return parser_space(p) && metadata_args_parse_entries(p, &out->metadata);
    if (parser_word(p, "SUBSCRIBED"))
        out->return_subscribed = true;
    else if (parser_word(p, "MYRIGHTS"))
        out->return_myrights = true;
    else if (!parser_word(p, "CHILDREN") && !parser_word(p, "SPECIAL-USE")) /* always sent */
        return parser_fail(p, "Unknown return option");
    return true;
}

/* "(" [option *(SP option)] ")" */
static bool
parse_options(struct parser *p, struct list_args *out,
              bool (*parse)(struct parser *p, struct list_args *out))
{
    out->extended = true;
    if (!parser_char(p, '('))
        return false;
    if (parser_optional(p, ')'))
        return true;
    do {
        if (!parse(p, out))
            return false;
    } while (parser_optional(p, ' '));
    return parser_char(p, ')');
}

/* list-select-opts (RFC 5258 section 6) */
static bool
parse_selection(struct parser *p, struct list_args *out)
{
    if (!parse_options(p, out, parse_selection_option))
        return false;
    if (out->recursive_match && !out->select_subscribed && !out->select_special_use)
        return parser_fail(p, "RECURSIVEMATCH needs another selection option");
    return parser_space(p);
}

/* "RETURN" SP list of options */
static bool
parse_return(struct parser *p, struct list_args *out)
{
    if (!parser_word(p, "RETURN"))
        return parser_fail(p, "RETURN expected");
    return parser_space(p) && parse_options(p, out, parse_return_option);
}

/* Puts the reference in front (RFC 3501 section 6.3.8: no break-out characters here). A pattern
 * that is not well encoded matches nothing and is left out (RFC 5258 section 3). */
static void
add_pattern(struct parser *p, struct slice reference, struct slice pattern, struct list_args *out)
{
    struct strbuf utf8 = strbuf_new(MAILBOX_PATTERN_MAX);

    if (parser_decode_name(p, reference, &utf8) && parser_decode_name(p, pattern, &utf8) &&
        utf8.len > 0)
        out->patterns[out->pattern_count++] = arena_copy(p->arena, strbuf_slice(&utf8));
    strbuf_free(&utf8);
}

/* list-mailbox, or several in parentheses. */
static bool
parse_patterns(struct parser *p, struct slice reference, bool extended_allowed,
               struct list_args *out)
{
    struct slice pattern;

    out->patterns = arena_alloc(p->arena, PATTERNS_MAX * sizeof(*out->patterns));
    if (!extended_allowed || !parser_optional(p, '(')) {
        if (!parser_list_mailbox(p, &pattern))
            return false;
        out->is_root_request = pattern.len == 0;
        if (pattern.len > 0)
            add_pattern(p, reference, pattern, out);
        return true;
    }
    out->extended = true;
    do {
        if (!parser_list_mailbox(p, &pattern))
            return false;
        if (out->pattern_count == PATTERNS_MAX)
            return parser_fail(p, "Too many patterns");
        if (pattern.len > 0)
            add_pattern(p, reference, pattern, out);
    } while (parser_optional(p, ' '));
    return parser_char(p, ')');
}

bool
list_args_parse(struct parser *p, bool extended_allowed, struct list_args *out)
{
    struct slice reference;

    *out = (struct list_args){.pattern_count = 0};
    if (!parser_space(p))
        return false;
    if (extended_allowed && parser_peek(p) == '(' && !parse_selection(p, out))
        return false;
    if (!parser_astring(p, &reference) || !parser_space(p) ||
        !parse_patterns(p, reference, extended_allowed, out))
        return false;
    if (extended_allowed && parser_optional(p, ' ') && !parse_return(p, out))
        return false;
    if (out->extended)
        out->is_root_request = false; /* RFC 5258 section 3 */
    return parser_end(p);
}
