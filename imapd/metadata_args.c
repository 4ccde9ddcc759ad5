/*
 * imapd/metadata_args.c - the arguments of GETMETADATA and SETMETADATA.
 *
 * Input:  command text. Untrusted; its length and METADATA_ENTRIES_MAX bound what is allocated.
 */
#include "imapd/metadata_args.h"

/* ---- names of entries ---- */

/* Components of a name: "/private/comment" has two. */
static size_t
count_components(struct slice name)
{
    size_t count = 0;

    for (size_t i = 0; i < name.len; i++)
        count += name.ptr[i] == '/';
    return count;
}

static bool
is_scope(struct slice name)
{
    return slice_eq_nocase(name, SLICE("private")) || slice_eq_nocase(name, SLICE("shared"));
}

/* RFC 5464 section 3.2: at least two components, below "vendor" four. */
static bool
is_complete(struct slice name)
{
    struct slice rest = slice_sub(name, 1, name.len);
    struct slice second;

    (void)slice_split(&rest, '/');
    second = slice_split(&rest, '/');
    return second.len > 0 &&
           (!slice_eq_nocase(second, SLICE("vendor")) || count_components(name) >= 4);
}

/* Section 3.2 again, its octets read as hexadecimal and C0 control characters as meant; the name of
 * an entry is ASCII. */
static bool
has_good_characters(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];

        if (c < 0x20 || c > 0x7e || c == '*' || c == '%' ||
            (c == '/' && (i + 1 == name.len || name.ptr[i + 1] == '/')))
            return false;
    }
    return true;
}

/* `above`: it may be only the beginning of names, which DEPTH asks for. */
static bool
check_entry(struct parser *p, struct slice name, bool above)
{
    struct slice scope = slice_sub(name, 1, name.len);

    if (name.len > ANNOTATION_NAME_MAX)
        return parser_fail(p, "Entry name is too long");
    if (!slice_starts(name, SLICE("/")) || !is_scope(slice_split(&scope, '/')))
        return parser_fail(p, "Entry name must begin with /private or /shared");
    if (!has_good_characters(name))
        return parser_fail(p, "Entry name has wrong characters");
    return above || is_complete(name) || parser_fail(p, "Entry name is not complete");
}

/* ---- GETMETADATA ---- */

static bool
parse_option(struct parser *p, struct metadata_want *out)
{
    if (parser_word(p, "MAXSIZE")) {
        out->has_max_size = true;
        return parser_space(p) && parser_number(p, &out->max_size);
    }
    if (!parser_word(p, "DEPTH"))
        return parser_fail(p, "Unknown option");
    if (!parser_space(p))
        return false;
    if (parser_word(p, "0"))
        out->depth = METADATA_DEPTH_0;
    else if (parser_word(p, "1"))
        out->depth = METADATA_DEPTH_1;
    else if (parser_word(p, "infinity"))
        out->depth = METADATA_DEPTH_INFINITY;
    else
        return parser_fail(p, "DEPTH is 0, 1 or infinity");
    return true;
}

/* "(" option *(SP option) ")" SP */
static bool
parse_options(struct parser *p, struct metadata_want *out)
{
    if (!parser_char(p, '('))
        return false;
    do {
        if (!parse_option(p, out))
            return false;
    } while (parser_optional(p, ' '));
    return parser_char(p, ')') && parser_space(p);
}

/* The grammar puts options in front of the mailbox, the examples behind it (section 4.2.1): they
 * are told from a list of entries by their first character. */
static bool
has_options(const struct parser *p)
{
    char first = p->rest.len > 1 ? p->rest.ptr[1] : '\0';

    return parser_peek(p) == '(' && first != '/' && first != '"' && first != '{';
}

/* entry *(SP entry) */
static bool
parse_list(struct parser *p, struct metadata_want *out)
{
    struct slice *entries = arena_alloc(p->arena, METADATA_ENTRIES_MAX * sizeof(*entries));

    out->entries = entries;
    do {
        if (out->count == METADATA_ENTRIES_MAX)
            return parser_fail(p, "Too many entries");
        if (!parser_astring(p, &entries[out->count]) ||
            !check_entry(p, entries[out->count], out->depth != METADATA_DEPTH_0))
            return false;
        out->count++;
    } while (parser_optional(p, ' '));
    return true;
}

bool
metadata_args_parse_entries(struct parser *p, struct metadata_want *out)
{
    *out = (struct metadata_want){.count = 0};
    return parser_char(p, '(') && parse_list(p, out) && parser_char(p, ')');
}

bool
metadata_args_parse_get(struct parser *p, struct slice *mailbox, struct metadata_want *out)
{
    *out = (struct metadata_want){.count = 0};
    if (!parser_space(p) || (parser_peek(p) == '(' && !parse_options(p, out)) ||
        !parser_mailbox(p, mailbox) || !parser_space(p) ||
        (has_options(p) && !parse_options(p, out)))
        return false;
    if (!parser_optional(p, '('))
        return parse_list(p, out) && parser_end(p); /* several: as in an example of section 4.4.1 */
    return parse_list(p, out) && parser_char(p, ')') && parser_end(p);
}

/* ---- SETMETADATA ---- */

static bool
parse_change(struct parser *p, struct annotation_change *out)
{
    return parser_astring(p, &out->name) && check_entry(p, out->name, false) && parser_space(p) &&
           parser_nstring8(p, &out->value);
}

bool
metadata_args_parse_set(struct parser *p, struct slice *mailbox, struct annotation_change **changes,
                        size_t *count)
{
    *count = 0;
    if (!parser_space(p) || !parser_mailbox(p, mailbox) || !parser_space(p) || !parser_char(p, '('))
        return false;
    *changes = arena_alloc(p->arena, METADATA_ENTRIES_MAX * sizeof(**changes));
    do {
        if (*count == METADATA_ENTRIES_MAX)
            return parser_fail(p, "Too many entries");
        if (!parse_change(p, &(*changes)[*count]))
            return false;
        ++*count;
    } while (parser_optional(p, ' '));
    return parser_char(p, ')') && parser_end(p);
}

bool
metadata_args_is_set(struct slice command, struct arena *arena)
{
    struct parser p = parser_begin(command, arena);
    struct slice tag;

    return parser_tag(&p, &tag) && parser_space(&p) && parser_word(&p, "SETMETADATA");
}
