/*
 * imapd/fetch_args.c - what FETCH asks for.
 *
 * Input:  command text. Untrusted; its length bounds the number of items.
 */
#include "imapd/fetch_args.h"

#include <string.h>

static const struct {
    const char *name;
    unsigned items;
} macros[] = {
    {"ALL", FETCH_FLAGS | FETCH_INTERNALDATE | FETCH_SIZE | FETCH_ENVELOPE},
    {"FAST", FETCH_FLAGS | FETCH_INTERNALDATE | FETCH_SIZE},
    {"FULL", FETCH_FLAGS | FETCH_INTERNALDATE | FETCH_SIZE | FETCH_ENVELOPE | FETCH_BODY},
};

static const struct {
    const char *name;
    enum fetch_item item;
} plain_items[] = {
    {"UID", FETCH_UID},
    {"FLAGS", FETCH_FLAGS},
    {"INTERNALDATE", FETCH_INTERNALDATE},
    {"RFC822.SIZE", FETCH_SIZE},
    {"ENVELOPE", FETCH_ENVELOPE},
    {"BODYSTRUCTURE", FETCH_BODYSTRUCTURE},
    {"MODSEQ", FETCH_MODSEQ},
    {"EMAILID", FETCH_EMAILID},
    {"THREADID", FETCH_THREADID},
    {"SAVEDATE", FETCH_SAVEDATE},
};

static const struct {
    const char *name;
    enum mime_section section;
    bool peek;
} rfc822_items[] = {
    {"RFC822", MIME_SECTION_BODY, false},
    {"RFC822.HEADER", MIME_SECTION_HEADER, true},
    {"RFC822.TEXT", MIME_SECTION_TEXT, false},
};

static struct fetch_section *
add_section(struct parser *p, struct fetch_args *out)
{
    struct fetch_section **last = &out->sections;

    while (*last != NULL)
        last = &(*last)->next;
    *last = arena_alloc(p->arena, sizeof(**last));
    return *last;
}

/* "(" field names ")" */
static bool
parse_fields(struct parser *p, struct fetch_section *section)
{
    size_t max = p->rest.len / 2 + 1; /* each takes a character and a separator */

    section->fields = arena_alloc(p->arena, max * sizeof(*section->fields));
    section->has_fields = true;
    if (!parser_space(p) || !parser_char(p, '('))
        return false;
    do {
        if (!parser_astring(p, &section->fields[section->field_count]))
            return false;
        section->field_count++;
    } while (parser_optional(p, ' '));
    return parser_char(p, ')');
}

/* section-text: what follows the part numbers. */
static bool
parse_section_text(struct parser *p, struct fetch_section *section)
{
    if (parser_word(p, "HEADER.FIELDS.NOT")) {
        section->section = MIME_SECTION_HEADER;
        section->negate = true;
        return parse_fields(p, section);
    }
    if (parser_word(p, "HEADER.FIELDS")) {
        section->section = MIME_SECTION_HEADER;
        return parse_fields(p, section);
    }
    if (parser_word(p, "HEADER"))
        section->section = MIME_SECTION_HEADER;
    else if (parser_word(p, "TEXT"))
        section->section = MIME_SECTION_TEXT;
    else if (section->number_count > 0 && parser_word(p, "MIME"))
        section->section = MIME_SECTION_MIME;
    else
        return parser_fail(p, "Unknown section");
    return true;
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "[" [section-spec] "]" */
bool
fetch_args_parse_section(struct parser *p, struct fetch_section *section)
{
    if (!parser_char(p, '['))
        return false;
    if (is_digit(parser_peek(p)))
        section->numbers = arena_alloc(p->arena, FETCH_NUMBERS_MAX * sizeof(*section->numbers));
    while (is_digit(parser_peek(p))) {
        if (section->number_count == FETCH_NUMBERS_MAX)
            return parser_fail(p, "Part number is too deep");
        if (!parser_nz_number(p, &section->numbers[section->number_count++]))
            return false;
        if (parser_optional(p, ']'))
            return true;
        if (!parser_char(p, '.'))
            return false;
        if (!is_digit(parser_peek(p)))
            return parse_section_text(p, section) && parser_char(p, ']');
    }
    if (parser_optional(p, ']'))
        return true;
    return parse_section_text(p, section) && parser_char(p, ']');
}

/* ["<" number "." nz-number ">"] */
static bool
parse_partial(struct parser *p, struct fetch_section *section)
{
    if (!parser_optional(p, '<'))
        return p->error == NULL;
    section->partial = true;
    if (!parser_number64(p, &section->offset) || !parser_char(p, '.') ||
        !parser_number64(p, &section->length) || !parser_char(p, '>'))
        return false;
    return section->length > 0 || parser_fail(p, "Number above 0 expected");
}

/* '[' is an atom character, so these are no words. */
static const struct {
    const char *name;
    enum fetch_section_kind kind;
    bool peek;
} section_items[] = {
    {"BODY[", FETCH_SECTION_BODY, false},
    {"BODY.PEEK[", FETCH_SECTION_BODY, true},
    {"BINARY[", FETCH_SECTION_BINARY, false},
    {"BINARY.PEEK[", FETCH_SECTION_BINARY, true},
    {"BINARY.SIZE[", FETCH_SECTION_BINARY_SIZE, true},
};

/* Behind the item's name. */
static bool
parse_section_item(struct parser *p, struct fetch_section *section)
{
    if (!fetch_args_parse_section(p, section))
        return false;
    if (section->kind != FETCH_SECTION_BODY && section->section != MIME_SECTION_BODY)
        return parser_fail(p, "BINARY has part numbers only");
    return section->kind == FETCH_SECTION_BINARY_SIZE || parse_partial(p, section);
}

/* One of section_items. False without an error: none of them. */
static bool
parse_body(struct parser *p, struct fetch_args *out)
{
    for (size_t i = 0; i < ARRAY_LEN(section_items); i++) {
        struct slice name = slice_of(section_items[i].name);
        struct fetch_section *section;

        if (!slice_starts_nocase(p->rest, name))
            continue;
        p->rest = slice_sub(p->rest, name.len - 1, p->rest.len);
        section = add_section(p, out);
        section->kind = section_items[i].kind;
        section->peek = section_items[i].peek;
        return parse_section_item(p, section);
    }
    return false;
}

/* [SP "(" preview-mod *(SP preview-mod) ")"]. What else may stand in parentheses behind FETCH's
 * items is no business of this one. */
static bool
parse_preview(struct parser *p, struct fetch_args *out)
{
    out->items |= FETCH_PREVIEW;
    if (!slice_starts_nocase(p->rest, SLICE(" (LAZY")))
        return true;
    p->rest = slice_sub(p->rest, 2, p->rest.len);
    do {
        if (!parser_word(p, "LAZY"))
            return parser_fail(p, "Unknown modifier of PREVIEW");
    } while (parser_optional(p, ' '));
    out->preview_lazy = true;
    return parser_char(p, ')');
}

static bool
parse_item(struct parser *p, struct fetch_args *out)
{
    if (parser_word(p, "PREVIEW"))
        return parse_preview(p, out);
    for (size_t i = 0; i < ARRAY_LEN(plain_items); i++) {
        if (!parser_word(p, plain_items[i].name))
            continue;
        out->items |= plain_items[i].item;
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(rfc822_items); i++) {
        struct fetch_section *section;

        if (!parser_word(p, rfc822_items[i].name))
            continue;
        section = add_section(p, out);
        section->rfc822 = rfc822_items[i].name;
        section->section = rfc822_items[i].section;
        section->peek = rfc822_items[i].peek;
        return true;
    }
    if (parse_body(p, out))
        return true;
    if (p->error == NULL && parser_word(p, "BODY")) {
        out->items |= FETCH_BODY;
        return true;
    }
    return parser_fail(p, "Unknown item");
}

static bool
parse_list(struct parser *p, struct fetch_args *out)
{
    if (!parser_char(p, '('))
        return false;
    do {
        if (!parse_item(p, out))
            return false;
    } while (parser_optional(p, ' '));
    return parser_char(p, ')');
}

static bool
parse_items(struct parser *p, struct fetch_args *out)
{
    for (size_t i = 0; i < ARRAY_LEN(macros); i++) {
        if (!parser_word(p, macros[i].name))
            continue;
        out->items = macros[i].items;
        return true;
    }
    return parser_peek(p) == '(' ? parse_list(p, out) : parse_item(p, out);
}

static bool
parse_modifier(struct parser *p, struct fetch_args *out)
{
    if (!out->has_changed_since && parser_word(p, "CHANGEDSINCE")) {
        out->has_changed_since = true;
        out->items |= FETCH_MODSEQ;
        /* RFC 7162 section 7 wants 1 at least; Thunderbird asks for what is above 0: everything. */
        return parser_space(p) && parser_number64(p, &out->changed_since);
    }
    if (!out->has_partial && parser_word(p, "PARTIAL")) {
        out->has_partial = true;
        return partial_range_parse(p, &out->partial);
    }
    if (!out->vanished && parser_word(p, "VANISHED")) {
        out->vanished = true;
        return true;
    }
    return parser_fail(p, "Unknown modifier");
}

/* [SP "(" fetch-modifier *(SP fetch-modifier) ")"] (RFC 4466 section 2.4) */
static bool
parse_modifiers(struct parser *p, struct fetch_args *out)
{
    if (!parser_optional(p, ' '))
        return p->error == NULL;
    if (!parser_char(p, '('))
        return false;
    do {
        if (!parse_modifier(p, out))
            return false;
    } while (parser_optional(p, ' '));
    if (out->vanished && !out->has_changed_since)
        return parser_fail(p, "VANISHED wants CHANGEDSINCE");
    return parser_char(p, ')');
}

static void
note_seen(struct fetch_args *args)
{
    for (const struct fetch_section *x = args->sections; x != NULL; x = x->next)
        args->sets_seen = args->sets_seen || !x->peek;
}

bool
fetch_args_parse(struct parser *p, struct fetch_args *out)
{
    *out = (struct fetch_args){.items = 0};
    if (!parser_space(p) || !seqset_parse(p, &out->set) || !parser_space(p) ||
        !parse_items(p, out) || !parse_modifiers(p, out) || !parser_end(p))
        return false;
    note_seen(out);
    return true;
}

bool
fetch_args_parse_list(struct parser *p, struct fetch_args *out)
{
    *out = (struct fetch_args){.items = 0};
    if (!parse_list(p, out))
        return false;
    note_seen(out);
    return true;
}

/* ---- two requests in one ---- */

static bool
same_part(const struct fetch_section *a, const struct fetch_section *b)
{
    return a->section == b->section && a->number_count == b->number_count &&
           (a->number_count == 0 ||
            memcmp(a->numbers, b->numbers, a->number_count * sizeof(*a->numbers)) == 0) &&
           a->partial == b->partial && a->offset == b->offset && a->length == b->length;
}

/* The same bytes under the same name. */
static bool
same_section(const struct fetch_section *a, const struct fetch_section *b)
{
    if (a->kind != b->kind || a->rfc822 != b->rfc822 || !same_part(a, b) ||
        a->has_fields != b->has_fields || a->negate != b->negate ||
        a->field_count != b->field_count)
        return false;
    for (size_t i = 0; i < a->field_count; i++)
        if (!slice_eq_nocase(a->fields[i], b->fields[i]))
            return false;
    return true;
}

void
fetch_args_add(struct fetch_args *to, const struct fetch_args *more, struct arena *arena)
{
    to->items |= more->items;
    to->preview_lazy = to->preview_lazy || more->preview_lazy;
    for (const struct fetch_section *x = more->sections; x != NULL; x = x->next) {
        struct fetch_section **last = &to->sections;

        while (*last != NULL && !same_section(*last, x))
            last = &(*last)->next;
        if (*last != NULL)
            continue;
        *last = arena_alloc(arena, sizeof(**last));
        **last = *x;
        (*last)->next = NULL;
    }
    note_seen(to);
}
