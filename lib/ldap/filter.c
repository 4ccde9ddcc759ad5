/*
 * lib/ldap/filter.c - search filters: building, the wire's form, and what they say of an entry.
 *
 * Values come from clients; the wire's form comes from session processes, which may be in an
 * attacker's hands. No I/O.
 */
#include "lib/ldap/filter.h"

#include "lib/base/mem.h"
#include "lib/ldap/fold.h"
#include "lib/ldap/value.h"

#define SCRATCH_MAX ((size_t)11 * 65536) /* casemap may make so much of a value */

struct ldap_filter *
ldap_filter_new(void)
{
    struct ldap_filter *filter = xcalloc(1, sizeof(*filter));

    filter->folded = strbuf_new(LDAP_FILTER_BYTES_MAX);
    filter->scratch = strbuf_new(SCRATCH_MAX);
    return filter;
}

void
ldap_filter_free(struct ldap_filter **filterp)
{
    if (*filterp == NULL)
        return;
    strbuf_free(&(*filterp)->folded);
    strbuf_free(&(*filterp)->scratch);
    xfree(filterp);
}

void
ldap_filter_clear(struct ldap_filter *filter)
{
    filter->count = filter->part_count = 0;
    strbuf_clear(&filter->folded);
}

/* ---- building ---- */

static enum ldap_match
match_of(int attribute)
{
    return attribute < 0 ? LDAP_MATCH_TEXT : ldap_attributes[attribute].match;
}

int
ldap_filter_open(struct ldap_filter *filter, enum ldap_filter_op op, int attribute)
{
    if (filter->count == LDAP_FILTER_NODES_MAX)
        return -1;
    filter->nodes[filter->count] = (struct ldap_filter_node){.op = op,
                                                             .attribute = attribute,
                                                             .match = match_of(attribute),
                                                             .width = 1,
                                                             .first_part = filter->part_count};
    return filter->count++;
}

int
ldap_filter_part(struct ldap_filter *filter, enum ldap_filter_part_kind kind, struct slice value)
{
    if (filter->count == 0 || filter->part_count == LDAP_FILTER_PARTS_MAX)
        return -1;
    filter->parts[filter->part_count++] = (struct ldap_filter_part){.kind = kind, .value = value};
    filter->nodes[filter->count - 1].part_count++;
    return 0;
}

void
ldap_filter_close(struct ldap_filter *filter, int index, unsigned children)
{
    filter->nodes[index].children = (uint16_t)children;
    filter->nodes[index].width = (uint16_t)(filter->count - index);
}

int
ldap_match_find(struct slice rule, enum ldap_match *match)
{
    static const struct {
        const char *name, *oid;
        enum ldap_match match;
    } rules[] = {
        {"objectIdentifierMatch", "2.5.13.0", LDAP_MATCH_OID},
        {"distinguishedNameMatch", "2.5.13.1", LDAP_MATCH_DN},
        {"caseIgnoreMatch", "2.5.13.2", LDAP_MATCH_TEXT},
        {"caseExactMatch", "2.5.13.5", LDAP_MATCH_EXACT},
        {"caseIgnoreListMatch", "2.5.13.11", LDAP_MATCH_TEXT},
        {"telephoneNumberMatch", "2.5.13.20", LDAP_MATCH_PHONE},
        {"generalizedTimeMatch", "2.5.13.27", LDAP_MATCH_TIME},
        {"caseIgnoreIA5Match", "1.3.6.1.4.1.1466.109.114.2", LDAP_MATCH_TEXT},
    };

    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        if (slice_eq_nocase(rule, slice_of(rules[i].name)) ||
            slice_eq(rule, slice_of(rules[i].oid))) {
            *match = rules[i].match;
            return 0;
        }
    return -1;
}

/* ---- the wire ---- */

void
ldap_filter_encode(struct writer *w, const struct ldap_filter *filter)
{
    writer_u16(w, filter->count);
    for (uint16_t i = 0; i < filter->count; i++) {
        const struct ldap_filter_node *node = &filter->nodes[i];

        writer_u8(w, (uint8_t)node->op);
        writer_u16(w, (uint16_t)(node->attribute + 2));
        writer_u8(w, (uint8_t)node->match);
        writer_u8(w, (uint8_t)((node->has_rule ? 1 : 0) | (node->of_dn ? 2 : 0)));
        writer_u16(w, node->children);
        writer_u16(w, node->part_count);
        for (uint16_t p = 0; p < node->part_count; p++) {
            writer_u8(w, (uint8_t)filter->parts[node->first_part + p].kind);
            writer_bytes(w, filter->parts[node->first_part + p].value);
        }
    }
}

static bool
has_children(enum ldap_filter_op op)
{
    return op == LDAP_FILTER_AND || op == LDAP_FILTER_OR || op == LDAP_FILTER_NOT;
}

static int
decode_node(struct reader *r, struct ldap_filter *filter)
{
    uint8_t op = reader_u8(r);
    int attribute = (int)reader_u16(r) - 2;
    uint8_t match = reader_u8(r), flags = reader_u8(r);
    uint16_t children = reader_u16(r), parts = reader_u16(r);
    struct ldap_filter_node *node;
    int index;

    if (r->failed || op >= LDAP_FILTER_OPS || attribute < LDAP_ATTR_ANY ||
        attribute >= LDAP_ATTR_COUNT || match > LDAP_MATCH_EXACT)
        return -1;
    index = ldap_filter_open(filter, (enum ldap_filter_op)op, attribute);
    if (index < 0)
        return -1;
    node = &filter->nodes[index];
    node->match = (enum ldap_match)match;
    node->has_rule = (flags & 1) != 0;
    node->of_dn = (flags & 2) != 0;
    node->children = children;
    for (uint16_t i = 0; i < parts; i++) {
        uint8_t kind = reader_u8(r);
        struct slice value = reader_bytes(r, LDAP_FILTER_BYTES_MAX);

        if (r->failed || kind > LDAP_PART_FINAL ||
            ldap_filter_part(filter, (enum ldap_filter_part_kind)kind, value) < 0)
            return -1;
    }
    /* the parts that the matching looks at without asking */
    if (has_children(node->op))
        return parts == 0 && (node->op != LDAP_FILTER_NOT || children == 1) ? 0 : -1;
    return children == 0 && (node->op == LDAP_FILTER_PRESENT || parts > 0) ? 0 : -1;
}

/* Fills in the widths. The index behind the subtree at `index`, or -1. */
static int
measure(struct ldap_filter *filter, int index, unsigned depth)
{
    int next = index + 1;

    if (index >= filter->count || depth >= LDAP_FILTER_DEPTH_MAX)
        return -1;
    for (uint16_t i = 0; i < filter->nodes[index].children && next > 0; i++)
        next = measure(filter, next, depth + 1);
    if (next > 0)
        filter->nodes[index].width = (uint16_t)(next - index);
    return next;
}

int
ldap_filter_decode(struct reader *r, struct ldap_filter *filter)
{
    uint16_t count = reader_u16(r);

    ldap_filter_clear(filter);
    if (count == 0 || count > LDAP_FILTER_NODES_MAX)
        return -1;
    for (uint16_t i = 0; i < count; i++)
        if (decode_node(r, filter) < 0)
            return -1;
    return measure(filter, 0, 0) == count ? 0 : -1;
}

static int
fold_part(struct ldap_filter *filter, struct ldap_filter_node *node, struct ldap_filter_part *part)
{
    bool is_part = part->kind != LDAP_PART_WHOLE;

    strbuf_clear(&filter->scratch);
    part->from = part->to = filter->folded.len;
    if (!ldap_value_put(is_part ? LDAP_MATCH_EXACT : node->match, part->value, &filter->scratch)) {
        node->is_invalid = true;
        return filter->scratch.overflow ? -1 : 0;
    }
    if (!ldap_fold(node->match, is_part, strbuf_slice(&filter->scratch), &filter->folded))
        return -1;
    part->to = filter->folded.len;
    return 0;
}

int
ldap_filter_fold(struct ldap_filter *filter)
{
    strbuf_clear(&filter->folded);
    for (uint16_t i = 0; i < filter->count; i++) {
        struct ldap_filter_node *node = &filter->nodes[i];

        node->is_invalid = false;
        for (uint16_t p = 0; p < node->part_count; p++)
            if (fold_part(filter, node, &filter->parts[node->first_part + p]) < 0)
                return -1;
    }
    return 0;
}

/* ---- matching ---- */

static struct slice
folded(const struct ldap_filter *filter, const struct ldap_filter_part *part)
{
    return slice_sub(strbuf_slice(&filter->folded), part->from, part->to);
}

/* RFC 4517 section 3.3.30: initial at the start, the others behind each other, final at the end. */
static bool
match_substrings(const struct ldap_filter *filter, const struct ldap_filter_node *node,
                 struct slice value)
{
    for (uint16_t i = 0; i < node->part_count; i++) {
        const struct ldap_filter_part *part = &filter->parts[node->first_part + i];
        struct slice wanted = folded(filter, part);
        size_t at;

        if (part->kind == LDAP_PART_FINAL)
            return slice_ends(value, wanted);
        at = part->kind == LDAP_PART_INITIAL ? 0 : slice_find(value, wanted);
        if (at + wanted.len > value.len ||
            (part->kind == LDAP_PART_INITIAL && !slice_starts(value, wanted)))
            return false;
        value = slice_sub(value, at + wanted.len, value.len);
    }
    return true;
}

static bool
is_defined(const struct ldap_filter_node *node)
{
    if (node->is_invalid)
        return false;
    switch (node->op) {
    case LDAP_FILTER_SUBSTRING:
        return node->match == LDAP_MATCH_TEXT || node->match == LDAP_MATCH_PHONE;
    case LDAP_FILTER_GREATER:
    case LDAP_FILTER_LESS:
        return node->match == LDAP_MATCH_TEXT || node->match == LDAP_MATCH_TIME;
    default:
        return true;
    }
}

bool
ldap_filter_match_value(struct ldap_filter *filter, int index, struct slice value)
{
    const struct ldap_filter_node *node = &filter->nodes[index];
    const struct ldap_filter_part *part = &filter->parts[node->first_part];

    if (node->op == LDAP_FILTER_PRESENT)
        return true;
    if (!is_defined(node))
        return false;
    strbuf_clear(&filter->scratch);
    if (!ldap_fold(node->match, false, value, &filter->scratch))
        return false;
    value = strbuf_slice(&filter->scratch);
    switch (node->op) {
    case LDAP_FILTER_EQUAL:
    case LDAP_FILTER_APPROX:
    case LDAP_FILTER_EXTENSIBLE:
        return slice_eq(value, folded(filter, part));
    case LDAP_FILTER_SUBSTRING:
        return match_substrings(filter, node, value);
    case LDAP_FILTER_GREATER:
        return slice_cmp(value, folded(filter, part)) >= 0;
    case LDAP_FILTER_LESS:
        return slice_cmp(value, folded(filter, part)) <= 0;
    default:
        return false;
    }
}

struct matching {
    struct ldap_filter *filter;
    int index;
    bool any; /* there was a value */
};

static int
match_one(void *arg, struct slice value)
{
    struct matching *m = arg;

    m->any = true;
    return ldap_filter_match_value(m->filter, m->index, value);
}

static bool
match_attribute(struct matching *m, const struct ldap_entry *entry, int attribute)
{
    return ldap_entry_values(entry, (enum ldap_attribute)attribute, match_one, m) != 0;
}

static bool
match_part(struct matching *m, int attribute, int wanted, struct slice value)
{
    return (wanted == LDAP_ATTR_ANY || wanted == attribute) && match_one(m, value) != 0;
}

/* The parts of the name that the entry's own attributes do not have: the units' above a unit, the
 * book's, and the top's. */
static bool
match_name(struct matching *m, const struct ldap_entry *entry, int wanted)
{
    struct slice above = ldap_entry_field(entry, LDAP_FIELD_ABOVE);
    const struct ldap_dn *base = m->filter->base;
    bool found = entry->kind != LDAP_ENTRY_BASE && match_part(m, LDAP_ATTR_OU, wanted, entry->book);

    while (above.len > 0 && !found)
        found = match_part(m, LDAP_ATTR_OU, wanted, slice_split(&above, ' '));
    for (size_t i = 0; base != NULL && i < base->count && !found; i++)
        found = match_part(m, base->rdns[i].attribute, wanted, base->rdns[i].value);
    return found;
}

static enum ldap_truth
match_extensible(struct matching *m, const struct ldap_entry *entry)
{
    const struct ldap_filter_node *node = &m->filter->nodes[m->index];
    bool found = false;

    if (node->attribute >= 0)
        found = match_attribute(m, entry, node->attribute);
    for (int a = 0; node->attribute == LDAP_ATTR_ANY && a < LDAP_ATTR_COUNT && !found; a++)
        if (ldap_attributes[a].match == node->match ||
            (node->match == LDAP_MATCH_EXACT && ldap_attributes[a].match == LDAP_MATCH_TEXT))
            found = match_attribute(m, entry, a);
    if (!found && node->of_dn)
        found = match_name(m, entry, node->attribute);
    return found ? LDAP_TRUE : LDAP_FALSE;
}

static enum ldap_truth
match_leaf(struct ldap_filter *filter, int index, const struct ldap_entry *entry)
{
    const struct ldap_filter_node *node = &filter->nodes[index];
    struct matching m = {.filter = filter, .index = index};

    if (node->attribute == LDAP_ATTR_UNKNOWN || !is_defined(node))
        return LDAP_UNDEFINED;
    if (node->op == LDAP_FILTER_EXTENSIBLE)
        return match_extensible(&m, entry);
    return node->attribute >= 0 && match_attribute(&m, entry, node->attribute) ? LDAP_TRUE
                                                                               : LDAP_FALSE;
}

/* RFC 4511 section 4.5.1.7: three values. */
static enum ldap_truth
match_node(struct ldap_filter *filter, int index, const struct ldap_entry *entry)
{
    const struct ldap_filter_node *node = &filter->nodes[index];
    enum ldap_truth decisive = node->op == LDAP_FILTER_OR ? LDAP_TRUE : LDAP_FALSE, result, one;
    int child = index + 1;

    if (node->op == LDAP_FILTER_NOT) {
        one = match_node(filter, child, entry);
        return one == LDAP_UNDEFINED ? one : one == LDAP_TRUE ? LDAP_FALSE : LDAP_TRUE;
    }
    if (!has_children(node->op))
        return match_leaf(filter, index, entry);
    result = decisive == LDAP_TRUE ? LDAP_FALSE : LDAP_TRUE;
    for (uint16_t i = 0; i < node->children; i++) {
        one = match_node(filter, child, entry);
        if (one == decisive)
            return decisive;
        if (one == LDAP_UNDEFINED)
            result = LDAP_UNDEFINED;
        child += filter->nodes[child].width;
    }
    return result;
}

enum ldap_truth
ldap_filter_match(struct ldap_filter *filter, const struct ldap_entry *entry)
{
    return filter->count == 0 ? LDAP_UNDEFINED : match_node(filter, 0, entry);
}
