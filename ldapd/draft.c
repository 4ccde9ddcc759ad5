/*
 * ldapd/draft.c - a contact that is being changed. Attributes and values come from clients, checked
 * again by accountd. No I/O.
 *
 * The full name is one property: cn sets it, and sn and givenName, which LDAP wants, have to be
 * parts of it.
 */
#include "ldapd/draft.h"

#include "lib/base/mem.h"
#include "lib/ldap/fold.h"

enum { VALUE_MAX = 16384, PARTS_MAX = 8 };

struct draft {
    struct slice name;
    struct strbuf values[LDAP_FIELD_COUNT];
    bool changed[LDAP_FIELD_COUNT];
    int by[LDAP_FIELD_COUNT];      /* the attribute that changed it; -1: none */
    struct slice parts[PARTS_MAX]; /* sn and givenName as given, borrowed from the request */
    size_t part_count;
    struct slice second; /* mozillaSecondEmail as given, likewise */
};

struct draft *
draft_new(struct slice name, struct slice fields)
{
    struct draft *draft = xcalloc(1, sizeof(*draft));
    enum ldap_field field;
    struct slice value;

    draft->name = name;
    for (int i = 0; i < LDAP_FIELD_COUNT; i++) {
        draft->values[i] = strbuf_new(VALUE_MAX);
        draft->by[i] = -1;
    }
    while (ldap_fields_next(&fields, &field, &value) == 1)
        (void)strbuf_append(&draft->values[field], value); /* longer than a property can be */
    return draft;
}

void
draft_free(struct draft **draftp)
{
    if (*draftp == NULL)
        return;
    for (int i = 0; i < LDAP_FIELD_COUNT; i++)
        strbuf_free(&(*draftp)->values[i]);
    xfree(draftp);
}

static bool
same(enum ldap_match match, struct slice a, struct slice b)
{
    struct strbuf fa = strbuf_new((size_t)11 * VALUE_MAX), fb = strbuf_new((size_t)11 * VALUE_MAX);
    bool equal = ldap_fold(match, false, a, &fa) && ldap_fold(match, false, b, &fb) &&
                 slice_eq(strbuf_slice(&fa), strbuf_slice(&fb));

    strbuf_free(&fa);
    strbuf_free(&fb);
    return equal;
}

static enum ldap_result
refuse(const char **text, enum ldap_result result, const char *why)
{
    *text = why;
    return result;
}

/* ---- a property with one value ---- */

/* An entry that was copied brings a property by each of its attributes. */
static bool
is_said_again(const struct draft *draft, int attribute, enum ldap_field field, struct slice value)
{
    return draft->by[field] >= 0 && draft->by[field] != attribute &&
           same(LDAP_MATCH_TEXT, value, strbuf_slice(&draft->values[field]));
}

static enum ldap_result
change_single(struct draft *draft, int attribute, enum draft_op op, const struct slice *values,
              size_t count, const char **text)
{
    enum ldap_field field = ldap_attributes[attribute].field;
    struct strbuf *now = &draft->values[field];

    if (count > 1)
        return refuse(text, LDAP_CONSTRAINT_VIOLATION, "this attribute has one value here");
    if (op == DRAFT_ADD && count == 1 && is_said_again(draft, attribute, field, values[0]))
        return LDAP_SUCCESS;
    if (op == DRAFT_ADD && now->len > 0)
        return refuse(text, LDAP_ATTRIBUTE_OR_VALUE_EXISTS, "this attribute has its value");
    if (op == DRAFT_DELETE &&
        (now->len == 0 || (count == 1 && !same(LDAP_MATCH_TEXT, values[0], strbuf_slice(now)))))
        return refuse(text, LDAP_NO_SUCH_ATTRIBUTE, "there is no such value");
    strbuf_clear(now);
    if (op != DRAFT_DELETE && count == 1 && !strbuf_append(now, values[0]))
        return refuse(text, LDAP_CONSTRAINT_VIOLATION, "the value is too long");
    draft->changed[field] = true;
    draft->by[field] = attribute;
    return LDAP_SUCCESS;
}

/* Lines of a Postal Address (RFC 4517 section 3.3.28) become one. False: too long. */
static bool
join_lines(struct slice lines, struct strbuf *out)
{
    bool fits = true;

    for (size_t i = 0; i < lines.len; i++) {
        struct slice escape = slice_sub(lines, i, i + 3 < lines.len ? i + 3 : lines.len);
        bool is_dollar = slice_eq(escape, SLICE("\\24")),
             is_escape = is_dollar || slice_eq_nocase(escape, SLICE("\\5C"));

        if (lines.ptr[i] == '$')
            fits &= strbuf_str(out, ", ");
        else
            fits &= strbuf_char(out, is_dollar ? '$' : is_escape ? '\\' : lines.ptr[i]);
        i += is_escape ? 2 : 0;
    }
    return fits;
}

static enum ldap_result
change_postal(struct draft *draft, int attribute, enum draft_op op, const struct slice *values,
              size_t count, const char **text)
{
    struct strbuf joined = strbuf_new(VALUE_MAX);
    struct slice value;
    enum ldap_result result;

    if (count == 1 && !join_lines(values[0], &joined)) {
        strbuf_free(&joined);
        return refuse(text, LDAP_CONSTRAINT_VIOLATION, "the value is too long");
    }
    value = strbuf_slice(&joined);
    result = change_single(draft, attribute, op, count == 1 ? &value : values, count, text);
    strbuf_free(&joined);
    return result;
}

/* ---- addresses ---- */

static bool
take_word(struct strbuf *list, struct slice word)
{
    struct strbuf left = strbuf_new(VALUE_MAX);
    struct slice rest = strbuf_slice(list), next;
    bool found = false;

    while (rest.len > 0) {
        next = slice_split(&rest, ' ');
        if (same(LDAP_MATCH_TEXT, next, word)) {
            found = true;
            continue;
        }
        if (left.len > 0)
            (void)strbuf_char(&left, ' ');
        (void)strbuf_append(&left, next); /* no longer than the list was */
    }
    strbuf_free(list);
    *list = left;
    return found;
}

static enum ldap_result
add_word(struct strbuf *list, struct slice word, const char **text)
{
    if (slice_index(word, ' ') < word.len || word.len == 0)
        return refuse(text, LDAP_CONSTRAINT_VIOLATION, "this is no mail address");
    if (list->len > 0)
        (void)strbuf_char(list, ' ');
    if (strbuf_append(list, word) && !list->overflow)
        return LDAP_SUCCESS;
    return refuse(text, LDAP_CONSTRAINT_VIOLATION, "there are too many addresses");
}

static enum ldap_result
change_words(struct draft *draft, enum ldap_field field, enum draft_op op,
             const struct slice *values, size_t count, const char **text)
{
    struct strbuf *list = &draft->values[field];
    enum ldap_result result = LDAP_SUCCESS;

    draft->changed[field] = true;
    if (op == DRAFT_DELETE && list->len == 0)
        return refuse(text, LDAP_NO_SUCH_ATTRIBUTE, "there is no such value");
    if (op == DRAFT_REPLACE || (op == DRAFT_DELETE && count == 0))
        strbuf_clear(list);
    for (size_t i = 0; i < count && result == LDAP_SUCCESS; i++) {
        if (op == DRAFT_DELETE)
            result = take_word(list, values[i])
                         ? LDAP_SUCCESS
                         : refuse(text, LDAP_NO_SUCH_ATTRIBUTE, "there is no such value");
        else
            result = add_word(list, values[i], text);
    }
    return result;
}

/* ---- what follows from others ---- */

static enum ldap_result
change_part(struct draft *draft, enum draft_op op, const struct slice *values, size_t count,
            const char **text)
{
    if (op == DRAFT_DELETE)
        return LDAP_SUCCESS; /* what it is now follows from cn */
    for (size_t i = 0; i < count; i++) {
        if (draft->part_count == PARTS_MAX)
            return refuse(text, LDAP_CONSTRAINT_VIOLATION, "too many values");
        draft->parts[draft->part_count++] = values[i];
    }
    return LDAP_SUCCESS;
}

static enum ldap_result
change_second(struct draft *draft, enum draft_op op, const struct slice *values, size_t count,
              const char **text)
{
    if (op == DRAFT_DELETE)
        return LDAP_SUCCESS; /* it follows from mail */
    if (count > 1)
        return refuse(text, LDAP_CONSTRAINT_VIOLATION, "this attribute has one value here");
    draft->second = count == 1 ? values[0] : SLICE("");
    return LDAP_SUCCESS;
}

static enum ldap_result
change_name(struct draft *draft, enum draft_op op, const struct slice *values, size_t count,
            const char **text)
{
    if (op == DRAFT_DELETE || count != 1 || !same(LDAP_MATCH_TEXT, values[0], draft->name))
        return refuse(text, LDAP_NOT_ALLOWED_ON_RDN, "uid is the contact's name, which stays");
    return LDAP_SUCCESS;
}

static enum ldap_result
change_classes(enum draft_op op, const struct slice *values, size_t count, const char **text)
{
    static const char *const known[] = {"top", "person", "organizationalPerson", "inetOrgPerson",
                                        "posthornPerson"};

    if (op == DRAFT_DELETE)
        return refuse(text, LDAP_OBJECT_CLASS_VIOLATION, "the classes of a contact stay");
    for (size_t i = 0; i < count; i++) {
        bool found = false;

        for (size_t k = 0; k < ARRAY_LEN(known); k++)
            found |= slice_eq_nocase(values[i], slice_of(known[k]));
        if (!found)
            return refuse(text, LDAP_OBJECT_CLASS_VIOLATION,
                          "a contact is an inetOrgPerson and a posthornPerson");
    }
    return LDAP_SUCCESS;
}

enum ldap_result
draft_change(struct draft *draft, enum draft_op op, struct slice description,
             const struct slice *values, size_t count, const char **text)
{
    int attribute = ldap_attribute_find(description);
    const struct ldap_attribute_row *row;

    if (attribute < 0)
        return refuse(text, LDAP_UNDEFINED_ATTRIBUTE_TYPE, "contacts have no such attribute");
    row = &ldap_attributes[attribute];
    switch (row->source) {
    case SOURCE_FIELD:
        return change_single(draft, attribute, op, values, count, text);
    case SOURCE_POSTAL:
        return change_postal(draft, attribute, op, values, count, text);
    case SOURCE_WORDS:
        return change_words(draft, row->field, op, values, count, text);
    case SOURCE_SECOND_WORD:
        return change_second(draft, op, values, count, text);
    case SOURCE_FULL_NAME:
        if (attribute == LDAP_ATTR_DISPLAY_NAME)
            return change_part(draft, op, values, count, text);
        return change_single(draft, attribute, op, values, count, text);
    case SOURCE_LAST_WORD:
    case SOURCE_FIRST_WORDS:
        return change_part(draft, op, values, count, text);
    case SOURCE_NAME:
        return change_name(draft, op, values, count, text);
    case SOURCE_CLASSES:
        return change_classes(op, values, count, text);
    case SOURCE_RDN:
    case SOURCE_STRUCTURAL:
    case SOURCE_CREATED:
    case SOURCE_LINES:
    case SOURCE_SUBSCHEMA:
        break;
    }
    return refuse(text, LDAP_CONSTRAINT_VIOLATION, "this attribute cannot be changed");
}

static bool
has_word(const struct strbuf *list, struct slice word)
{
    struct slice rest = strbuf_slice(list);

    while (rest.len > 0)
        if (same(LDAP_MATCH_TEXT, slice_split(&rest, ' '), word))
            return true;
    return false;
}

enum ldap_result
draft_check(const struct draft *draft, const char **text)
{
    struct strbuf name = strbuf_new((size_t)11 * VALUE_MAX),
                  part = strbuf_new((size_t)11 * VALUE_MAX);
    bool fits = ldap_fold(LDAP_MATCH_TEXT, false,
                          strbuf_slice(&draft->values[LDAP_FIELD_FULL_NAME]), &name);

    for (size_t i = 0; i < draft->part_count && fits; i++) {
        strbuf_clear(&part);
        fits = ldap_fold(LDAP_MATCH_TEXT, false, draft->parts[i], &part) &&
               slice_find(strbuf_slice(&name), strbuf_slice(&part)) < name.len;
    }
    strbuf_free(&name);
    strbuf_free(&part);
    if (draft->changed[LDAP_FIELD_DEPARTMENT] && draft->values[LDAP_FIELD_DEPARTMENT].len == 0 &&
        draft->values[LDAP_FIELD_COMPANYS_OWN].len > 0)
        return refuse(text, LDAP_UNWILLING_TO_PERFORM,
                      "ou of who belongs to the company itself is the company");
    if (draft->second.len > 0 && !has_word(&draft->values[LDAP_FIELD_ADDRESSES], draft->second))
        return refuse(text, LDAP_CONSTRAINT_VIOLATION,
                      "mozillaSecondEmail has to be a value of mail");
    return fits ? LDAP_SUCCESS
                : refuse(text, LDAP_CONSTRAINT_VIOLATION,
                         "sn, givenName and displayName have to be parts of cn");
}

void
draft_pack(const struct draft *draft, struct strbuf *fields)
{
    for (int i = 0; i < LDAP_FIELD_COUNT; i++) /* what is too long accountd will not take either */
        (void)ldap_fields_add(fields, (enum ldap_field)i, strbuf_slice(&draft->values[i]));
}

uint32_t
draft_fields(const struct draft *draft, struct object_field fields[LDAP_FIELD_COUNT])
{
    uint32_t count = 0;

    for (int i = 0; i < LDAP_FIELD_COUNT; i++)
        if (draft->changed[i])
            fields[count++] = (struct object_field){
                slice_of(ldap_field_property((enum ldap_field)i)), strbuf_slice(&draft->values[i])};
    return count;
}
