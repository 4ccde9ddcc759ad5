/*
 * lib/sync/entry.c - an entry of a directory elsewhere as an object of ours. No I/O.
 *
 * Input: what the directory sent, untrusted beyond its encoding; accountd checks every value.
 */
#include "lib/sync/entry.h"

#include "lib/base/parse.h"

enum {
    SINGLE_MAX = 64,                  /* fields besides lists */
    LIST_MAX = OBJECT_FIELDS_MAX - 4, /* values of lists in one object */
    ACCOUNT_DISABLED = 2,             /* ADS_UF_ACCOUNTDISABLE of userAccountControl */
    VALUE_MAX = 4096
};

struct making {
    const struct sync_source *source;
    bool of_group;
    const struct ldap_response *entry;
    struct strbuf *out;
    struct object_field fields[OBJECT_FIELDS_MAX];
    uint32_t count;
    struct strbuf id;
};

/* ---- attributes ---- */

/* Without its options: "member;range=0-1499" is one of Active Directory's (MS-ADTS 3.1.1.3.1.3.3).
 */
static struct slice
base_name(struct slice description)
{
    return slice_sub(description, 0, slice_index(description, ';'));
}

static bool
is_attribute(struct slice description, struct slice wanted)
{
    return slice_eq_nocase(description, wanted) ||
           (slice_index(wanted, ';') == wanted.len &&
            slice_eq_nocase(base_name(description), wanted));
}

/* The first value of the attribute; false: none. */
static bool
first_value(const struct ldap_response *entry, struct slice wanted, struct slice *value)
{
    struct slice rest = entry->attributes, description, values;

    while (ldap_call_attribute(&rest, &description, &values) == 1)
        if (is_attribute(description, wanted) && ldap_call_value(&values, value) == 1)
            return true;
    return false;
}

static const struct sync_row *
find_row(const struct making *m, const char *name)
{
    for (size_t i = 0; i < m->source->count; i++)
        if (m->source->rows[i].of_group == m->of_group &&
            slice_eq(m->source->rows[i].name, slice_of(name)))
            return &m->source->rows[i];
    return NULL;
}

/* Of the row's attributes the first that is there. */
static bool
row_value(const struct making *m, const struct sync_row *row, struct slice *attribute,
          struct slice *value)
{
    struct slice list = row == NULL ? SLICE("") : row->attributes;

    while (list.len > 0) {
        *attribute = slice_split(&list, ',');
        if (first_value(m->entry, *attribute, value))
            return true;
    }
    return false;
}

/* ---- fields ---- */

static void
put(struct making *m, struct slice name, struct slice value)
{
    if (m->count < OBJECT_FIELDS_MAX && value.len <= VALUE_MAX)
        m->fields[m->count++] = (struct object_field){name, value};
}

/* Text as it is; what is none in hexadecimal digits, and objectGUID always, which may look like
 * text by chance. */
static void
put_id(struct making *m)
{
    static const char digits[] = "0123456789abcdef";
    struct slice attribute, value = SLICE("");

    if (row_value(m, find_row(m, "id"), &attribute, &value) &&
        (!parse_is_ascii_print(value) || slice_eq_nocase(attribute, SLICE("objectGUID")))) {
        for (size_t i = 0; i < value.len; i++) {
            (void)strbuf_char(&m->id, digits[(unsigned char)value.ptr[i] >> 4]);
            (void)strbuf_char(&m->id, digits[(unsigned char)value.ptr[i] & 15]);
        }
    } else {
        (void)strbuf_append(&m->id, value);
    }
    if (m->id.overflow)
        strbuf_clear(&m->id);
    put(m, SLICE("id"), strbuf_slice(&m->id));
}

static bool
is_disabled(const struct making *m)
{
    struct slice attribute, value;
    uint64_t bits;

    if (!row_value(m, find_row(m, "disabled"), &attribute, &value))
        return false;
    if (slice_eq_nocase(attribute, SLICE("userAccountControl")))
        return parse_u64(value, UINT32_MAX, &bits) == 0 && (bits & ACCOUNT_DISABLED) != 0;
    return slice_eq_nocase(value, SLICE("TRUE")) || slice_eq_nocase(value, SLICE("yes")) ||
           slice_eq(value, SLICE("1"));
}

static bool
is_list(struct slice name)
{
    return slice_eq(name, SLICE("alias")) || slice_eq(name, SLICE("member")) ||
           slice_eq(name, SLICE("member_of"));
}

static void
put_properties(struct making *m)
{
    struct slice attribute, value;

    for (size_t i = 0; i < m->source->count && m->count < SINGLE_MAX; i++) {
        const struct sync_row *row = &m->source->rows[i];

        if (row->of_group != m->of_group || is_list(row->name) ||
            slice_eq(row->name, SLICE("id")) || slice_eq(row->name, SLICE("disabled")))
            continue;
        if (row_value(m, row, &attribute, &value))
            put(m, row->name, value);
    }
}

/* ---- lists ---- */

/* "smtp:alias@d.test", "SMTP:main@d.test"; other kinds of addresses have other prefixes. */
static struct slice
address_of(struct slice value)
{
    size_t colon = slice_index(value, ':');

    if (colon == value.len)
        return value;
    return slice_eq_nocase(slice_sub(value, 0, colon), SLICE("smtp"))
               ? slice_sub(value, colon + 1, value.len)
               : SLICE("");
}

static void
flush(struct making *m)
{
    object_add(m->out, m->fields, m->count);
    m->count = 2; /* kind and dn */
}

static void
put_values(struct making *m, struct slice name, struct slice values)
{
    bool is_alias = slice_eq(name, SLICE("alias"));
    struct slice value;

    while (ldap_call_value(&values, &value) == 1) {
        if (is_alias)
            value = address_of(value);
        if (value.len == 0)
            continue;
        if (m->count >= LIST_MAX)
            flush(m);
        put(m, name, value);
    }
}

static void
put_lists(struct making *m)
{
    for (size_t i = 0; i < m->source->count; i++) {
        const struct sync_row *row = &m->source->rows[i];
        struct slice list = row->attributes;

        while (row->of_group == m->of_group && is_list(row->name) && list.len > 0) {
            struct slice wanted = slice_split(&list, ','), rest = m->entry->attributes, description,
                         values;

            while (ldap_call_attribute(&rest, &description, &values) == 1)
                if (is_attribute(description, wanted))
                    put_values(m, row->name, values);
        }
    }
}

/* ---- all of it ---- */

static bool
is_sound(const struct ldap_response *entry)
{
    struct slice rest = entry->attributes, description, values, value;
    int rc, of_values;

    while ((rc = ldap_call_attribute(&rest, &description, &values)) == 1) {
        while ((of_values = ldap_call_value(&values, &value)) == 1)
            continue;
        if (of_values < 0)
            return false;
    }
    return rc == 0;
}

int
sync_entry_add(const struct sync_source *source, bool of_group, const struct ldap_response *entry,
               struct strbuf *out)
{
    struct making m = {.source = source,
                       .of_group = of_group,
                       .entry = entry,
                       .out = out,
                       .id = strbuf_new(SYNC_ID_MAX)};

    if (!is_sound(entry))
        return -1;
    put(&m, SLICE("kind"), of_group ? SLICE("group") : SLICE("user"));
    put(&m, SLICE("dn"), entry->dn);
    put_id(&m);
    put(&m, SLICE("disabled"), is_disabled(&m) ? SLICE("yes") : SLICE("no"));
    put_properties(&m);
    put_lists(&m);
    flush(&m);
    strbuf_free(&m.id);
    return 0;
}

void
sync_entry_fold(struct slice dn, struct strbuf *out)
{
    for (size_t i = 0; i < dn.len; i++) {
        char c = dn.ptr[i];
        bool beside = (i > 0 && dn.ptr[i - 1] == ',') || (i + 1 < dn.len && dn.ptr[i + 1] == ',');

        if (c == ' ' && beside)
            continue;
        (void)strbuf_char(out, c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c);
    }
}
