/*
 * lib/ldap/entry.c - an entry of the directory: packed fields, and the values of its attributes.
 * No I/O. Fields come from other processes of ours and are checked like anybody's.
 */
#include "lib/ldap/entry.h"

#include <string.h>

#include "lib/ldap/fold.h"

enum { TIME_MAX = 16, SAME_MAX = 16384, POSTAL_MAX = 16384 };

/* Of the length of a field. */
enum { LENGTH_BITS = 7, LENGTH_BYTES_MAX = 4, MORE = 1 << LENGTH_BITS };

/* ---- fields ---- */

bool
ldap_fields_add(struct strbuf *fields, enum ldap_field field, struct slice value)
{
    size_t before = fields->len, len = value.len;
    bool fits = len <= LDAP_FIELDS_BYTES_MAX;

    if (len == 0)
        return true;
    fits = fits && strbuf_char(fields, (char)field);
    for (; len >= MORE; len >>= LENGTH_BITS)
        fits = fits && strbuf_char(fields, (char)(len | MORE));
    fits = fits && strbuf_char(fields, (char)len) && strbuf_append(fields, value);
    if (!fits)
        strbuf_truncate(fields, before);
    return fits;
}

/* Off *rest. -1: there is none, or a longer one than can be. */
static int
take_length(struct slice *rest, size_t *len)
{
    *len = 0;
    for (unsigned i = 0; i < LENGTH_BYTES_MAX && i < rest->len; i++) {
        unsigned char byte = (unsigned char)rest->ptr[i];

        *len |= (size_t)(byte & (MORE - 1)) << (LENGTH_BITS * i);
        if ((byte & MORE) == 0) {
            *rest = slice_sub(*rest, i + 1, rest->len);
            return 0;
        }
    }
    return -1;
}

int
ldap_fields_next(struct slice *rest, enum ldap_field *field, struct slice *value)
{
    struct slice at = slice_sub(*rest, 1, rest->len);
    size_t len;

    if (rest->len == 0)
        return 0;
    if ((unsigned char)rest->ptr[0] >= LDAP_FIELD_COUNT || take_length(&at, &len) < 0 || len == 0 ||
        len > at.len)
        return -1;
    *field = (enum ldap_field)(unsigned char)rest->ptr[0];
    *value = slice_sub(at, 0, len);
    *rest = slice_sub(at, len, at.len);
    return 1;
}

struct slice
ldap_entry_field(const struct ldap_entry *entry, enum ldap_field wanted)
{
    struct slice rest = entry->fields, value;
    enum ldap_field field;

    while (ldap_fields_next(&rest, &field, &value) == 1)
        if (field == wanted)
            return value;
    return SLICE("");
}

/* ---- values ---- */

struct visit {
    const struct ldap_entry *entry;
    int (*each)(void *arg, struct slice value);
    void *arg;
};

static int
give(const struct visit *v, struct slice value)
{
    return value.len == 0 ? 0 : v->each(v->arg, value);
}

static struct slice
full_name(const struct ldap_entry *entry)
{
    struct slice name = ldap_entry_field(entry, LDAP_FIELD_FULL_NAME);

    return name.len > 0 ? name : entry->name;
}

static struct slice
last_word(struct slice name)
{
    size_t at = slice_rindex(name, ' ');

    return at == name.len ? name : slice_sub(name, at + 1, name.len);
}

static struct slice
first_words(struct slice name)
{
    size_t at = slice_rindex(name, ' ');

    return at == name.len ? SLICE("") : slice_trim(slice_sub(name, 0, at));
}

/* The structural class. */
static struct slice
class_of(const struct ldap_entry *entry)
{
    if (entry->kind == LDAP_ENTRY_CONTACT)
        return SLICE("inetOrgPerson");
    if (entry->kind == LDAP_ENTRY_GROUP) /* RFC 4519 section 3.5: the one with members */
        return ldap_entry_field(entry, LDAP_FIELD_MEMBERS).len > 0 ? SLICE("groupOfNames")
                                                                   : SLICE("posthornGroup");
    if (entry->kind == LDAP_ENTRY_BOOK || entry->kind == LDAP_ENTRY_UNIT ||
        slice_eq_nocase(entry->book, SLICE("ou")))
        return SLICE("organizationalUnit");
    return slice_eq_nocase(entry->book, SLICE("dc")) ? SLICE("domain") : SLICE("organization");
}

static int
give_classes(const struct visit *v)
{
    static const char *const of_person[] = {"person", "organizationalPerson", "posthornPerson"};
    int rc = give(v, SLICE("top"));

    for (size_t i = 0; i < ARRAY_LEN(of_person) && v->entry->kind == LDAP_ENTRY_CONTACT; i++)
        rc = rc != 0 ? rc : give(v, slice_of(of_person[i]));
    if (v->entry->kind == LDAP_ENTRY_GROUP && rc == 0)
        rc = give(v, SLICE("posthornMailGroup"));
    return rc != 0 ? rc : give(v, class_of(v->entry));
}

static int
give_words(const struct visit *v, struct slice words)
{
    int rc = 0;

    while (words.len > 0 && rc == 0)
        rc = give(v, slice_split(&words, ' '));
    return rc;
}

static int
give_second_word(const struct visit *v, struct slice words)
{
    (void)slice_split(&words, ' ');
    return give(v, slice_split(&words, ' '));
}

static int
give_postal(const struct visit *v, struct slice line)
{
    struct strbuf text;
    int rc;

    if (slice_index(line, '$') == line.len && slice_index(line, '\\') == line.len)
        return give(v, line);
    text = strbuf_new(POSTAL_MAX);
    for (size_t i = 0; i < line.len; i++)
        (void)(line.ptr[i] == '$'    ? strbuf_str(&text, "\\24")
               : line.ptr[i] == '\\' ? strbuf_str(&text, "\\5C")
                                     : strbuf_char(&text, line.ptr[i]));
    rc = give(v, strbuf_slice(&text)); /* a property is no longer than some hundred bytes */
    strbuf_free(&text);
    return rc;
}

/* "2026-11-23T10:00:00Z" as RFC 4517 section 3.3.13 has it. */
static int
give_created(const struct visit *v)
{
    struct slice created = ldap_entry_field(v->entry, LDAP_FIELD_CREATED);
    char text[TIME_MAX];
    size_t len = 0;

    for (size_t i = 0; i < created.len && len < sizeof(text) - 1; i++)
        if (created.ptr[i] >= '0' && created.ptr[i] <= '9')
            text[len++] = created.ptr[i];
    if (len != sizeof("20261123100000") - 1)
        return 0;
    text[len++] = 'Z';
    return give(v, slice_make(text, len));
}

/* Of the entries above the contacts: what names them. */
static int
give_rdn(const struct visit *v, enum ldap_attribute attribute)
{
    if (v->entry->kind == LDAP_ENTRY_BOOK)
        return attribute == LDAP_ATTR_OU ? give(v, v->entry->book) : 0;
    return ldap_attribute_find(v->entry->book) == (int)attribute ? give(v, v->entry->name) : 0;
}

static int
give_of_contact(const struct visit *v, const struct ldap_attribute_row *row)
{
    const struct ldap_entry *entry = v->entry;

    switch (row->source) {
    case SOURCE_FIELD:
        return give(v, ldap_entry_field(entry, row->field));
    case SOURCE_WORDS:
        return give_words(v, ldap_entry_field(entry, row->field));
    case SOURCE_POSTAL:
        return give_postal(v, ldap_entry_field(entry, row->field));
    case SOURCE_SECOND_WORD:
        return give_second_word(v, ldap_entry_field(entry, row->field));
    case SOURCE_NAME:
        return give(v, entry->name);
    case SOURCE_FULL_NAME:
        return give(v, full_name(entry));
    case SOURCE_LAST_WORD:
        return give(v, last_word(full_name(entry)));
    case SOURCE_FIRST_WORDS:
        return give(v, first_words(full_name(entry)));
    case SOURCE_CREATED:
        return give_created(v);
    case SOURCE_LINES: /* contacts have none */
    case SOURCE_RDN:
    case SOURCE_CLASSES:
    case SOURCE_STRUCTURAL:
    case SOURCE_SUBSCHEMA:
        break;
    }
    return 0;
}

static int
give_lines(const struct visit *v, struct slice lines)
{
    int rc = 0;

    while (lines.len > 0 && rc == 0)
        rc = give(v, slice_split(&lines, '\n'));
    return rc;
}

/* cn has the full name, and the name, which is in the entry's own. */
static int
give_of_group(const struct visit *v, enum ldap_attribute attribute)
{
    const struct ldap_attribute_row *row = &ldap_attributes[attribute];
    struct slice value = ldap_entry_field(v->entry, row->field), full = full_name(v->entry);
    int rc;

    switch (attribute) {
    case LDAP_ATTR_CN: /* Thunderbird shows the first */
        rc = give(v, full);
        return rc != 0 || slice_eq(full, v->entry->name) ? rc : give(v, v->entry->name);
    case LDAP_ATTR_DISPLAY_NAME:
        return give(v, full);
    case LDAP_ATTR_MAIL:
    case LDAP_ATTR_MEMBER_MAIL:
        return give_words(v, value);
    case LDAP_ATTR_DESCRIPTION:
        return give(v, value);
    case LDAP_ATTR_MEMBER:
        return give_lines(v, value);
    case LDAP_ATTR_CREATE_TIMESTAMP:
        return give_created(v);
    default:
        return 0;
    }
}

/* Are they one value (RFC 4512 section 2.2: no two of an attribute are)? */
static bool
same_text(struct slice a, struct slice b)
{
    struct strbuf fa = strbuf_new(SAME_MAX), fb = strbuf_new(SAME_MAX);
    bool same = ldap_fold(LDAP_MATCH_TEXT, false, a, &fa) &&
                ldap_fold(LDAP_MATCH_TEXT, false, b, &fb) &&
                slice_eq(strbuf_slice(&fa), strbuf_slice(&fb));

    strbuf_free(&fa);
    strbuf_free(&fb);
    return same;
}

/* ou has the name, which is in the entry's own, and the full name: if they are one value, as people
 * write it. */
static int
give_of_unit(const struct visit *v, enum ldap_attribute attribute)
{
    struct slice full = full_name(v->entry);
    int rc;

    switch (attribute) {
    case LDAP_ATTR_OU:
        rc = same_text(full, v->entry->name) ? 0 : give(v, v->entry->name);
        return rc != 0 ? rc : give(v, full);
    case LDAP_ATTR_DESCRIPTION:
        return give(v, ldap_entry_field(v->entry, LDAP_FIELD_DESCRIPTION));
    default:
        return 0;
    }
}

int
ldap_entry_values(const struct ldap_entry *entry, enum ldap_attribute attribute,
                  int (*each)(void *arg, struct slice value), void *arg)
{
    const struct ldap_attribute_row *row = &ldap_attributes[attribute];
    const struct visit v = {entry, each, arg};

    if (row->source == SOURCE_CLASSES)
        return give_classes(&v);
    if (row->source == SOURCE_STRUCTURAL)
        return give(&v, class_of(entry));
    if (row->source == SOURCE_SUBSCHEMA)
        return give(&v, SLICE(LDAP_SUBSCHEMA_DN));
    if (entry->kind == LDAP_ENTRY_GROUP)
        return give_of_group(&v, attribute);
    if (entry->kind == LDAP_ENTRY_UNIT)
        return give_of_unit(&v, attribute);
    return entry->kind == LDAP_ENTRY_CONTACT ? give_of_contact(&v, row) : give_rdn(&v, attribute);
}
