/*
 * lib/account/schema.c - the kinds of accounts, the table of their properties, and the check of
 * each value. Values come from administrators and import files: anything may be in them. No I/O.
 */
#include "lib/account/schema.h"

#include <string.h>

#include "lib/account/canonical.h"
#include "lib/auth/access_list.h"
#include "lib/auth/external.h"
#include "lib/auth/oauth_place.h"
#include "lib/base/parse.h"
#include "lib/base/suggest.h"
#include "lib/mail/address.h"
#include "lib/store/store_dirs.h"
#include "lib/sync/source.h"

#define RECORD_MAX 2048

const struct property account_properties[ACCOUNT_PROPERTY_COUNT] = {
#define PROPERTY(id, kind, name, type, dflt, min, max, choices, flags, help)                       \
    [id] = {(kind), (name), sizeof(name) - 1, (type),  (dflt),                                     \
            (min),  (max),  (choices),        (flags), (help)},
#include "lib/account/schema.def"
#undef PROPERTY
};

static const char *const kind_names[ACCOUNT_KIND_COUNT] = {
    [ACCOUNT_DOMAIN] = "domain",      [ACCOUNT_DOMAIN_ALIAS] = "domain-alias",
    [ACCOUNT_USER] = "user",          [ACCOUNT_ALIAS] = "alias",
    [ACCOUNT_GROUP] = "group",        [ACCOUNT_MEMBER] = "member",
    [ACCOUNT_ADMIN] = "admin",        [ACCOUNT_PUBLIC] = "public",
    [ACCOUNT_SHARE] = "share",        [ACCOUNT_CONTACT] = "contact",
    [ACCOUNT_WORD] = "weak-password", [ACCOUNT_AUTH_CODE] = "auth-code",
    [ACCOUNT_UNIT] = "organisation",
};

const char *
account_kind_name(enum account_kind kind)
{
    return kind_names[kind];
}

int
account_kind_find(struct slice name)
{
    for (int kind = 0; kind < ACCOUNT_KIND_COUNT; kind++)
        if (slice_eq(name, slice_of(kind_names[kind])))
            return kind;
    return -1;
}

/* Found once: each look at a record asks for them. */
static struct kind_range {
    size_t first, count;
} ranges[ACCOUNT_KIND_COUNT];

static void
find_ranges(void)
{
    for (size_t id = ACCOUNT_PROPERTY_COUNT; id-- > 0;) {
        struct kind_range *range = &ranges[account_properties[id].kind];

        range->first = id;
        range->count++;
    }
}

size_t
account_properties_of(enum account_kind kind, size_t *first)
{
    if (ranges[ACCOUNT_DOMAIN].count == 0)
        find_ranges();
    *first = ranges[kind].first;
    return ranges[kind].count;
}

int
account_property_find(enum account_kind kind, struct slice name, const char **near)
{
    struct suggest suggest = suggest_begin(name);
    size_t first, count = account_properties_of(kind, &first);

    for (size_t id = first; id < first + count; id++) {
        if (slice_eq(name, slice_of(account_properties[id].name)))
            return (int)id;
        if ((account_properties[id].flags & PROPERTY_GIVEN) == 0)
            suggest_offer(&suggest, account_properties[id].name);
    }
    *near = suggest.best;
    return -1;
}

static bool
is_separator(char c)
{
    return c == ' ' || c == '\t' || c == ';' || c == ',';
}

struct slice
property_next_word(struct slice *rest)
{
    size_t from = 0, to;
    struct slice word;

    while (from < rest->len && is_separator(rest->ptr[from]))
        from++;
    to = from;
    while (to < rest->len && !is_separator(rest->ptr[to]))
        to++;
    word = slice_sub(*rest, from, to);
    *rest = slice_sub(*rest, to, rest->len);
    return word;
}

/* ---- the types ---- */

static bool
is_line_of_text(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
            return false;
    return parse_is_utf8(text);
}

static int
fail(struct strbuf *error, const struct property *p, const char *expected, struct slice given)
{
    (void)strbuf_printf(error, "%s: expected %s, not '%.*s'", p->name, expected,
                        (int)(given.len > 100 ? 100 : given.len), given.ptr);
    return -1;
}

static int
normalize_text(const struct property *p, struct slice given, struct strbuf *stored,
               struct strbuf *error)
{
    if (is_line_of_text(given) && (p->max == 0 || given.len <= p->max) &&
        strbuf_append(stored, given))
        return 0;
    (void)strbuf_printf(error, "%s: expected one line of UTF-8 text of at most %llu bytes", p->name,
                        (unsigned long long)p->max);
    return -1;
}

static int
normalize_number(const struct property *p, struct slice given, struct strbuf *stored,
                 struct strbuf *error)
{
    uint64_t max = p->max == 0 ? INT64_MAX : p->max, value = 0;
    int rc =
        p->type == PROPERTY_SIZE ? parse_size(given, max, &value) : parse_u64(given, max, &value);

    if (rc == 0 && value >= p->min)
        return strbuf_u64(stored, value) ? 0 : -1;
    return fail(error, p, p->type == PROPERTY_SIZE ? "a size such as 512K or 20M" : "a number",
                given);
}

/* Digits where the pattern has 'd', the pattern's own characters elsewhere. */
static bool
matches(struct slice text, const char *pattern)
{
    if (text.len != strlen(pattern))
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (pattern[i] == 'd' ? text.ptr[i] < '0' || text.ptr[i] > '9' : text.ptr[i] != pattern[i])
            return false;
    return true;
}

static bool
is_date(struct slice text)
{
    static const unsigned days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    uint64_t year = 0, month = 0, day = 0;
    bool leap;

    if (!matches(text, "dddd-dd-dd") || parse_u64(slice_sub(text, 0, 4), 9999, &year) < 0 ||
        parse_u64(slice_sub(text, 5, 7), 12, &month) < 0 ||
        parse_u64(slice_sub(text, 8, 10), 31, &day) < 0 || month == 0 || day == 0)
        return false;
    leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return day <= days[month - 1] + (month == 2 && leap ? 1 : 0);
}

static int
normalize_word(const struct property *p, bool valid, const char *expected, struct slice given,
               struct strbuf *stored, struct strbuf *error)
{
    if (valid && strbuf_append(stored, given))
        return 0;
    return fail(error, p, expected, given);
}

static int
normalize_enum(const struct property *p, struct slice given, struct strbuf *stored,
               struct strbuf *error)
{
    struct strbuf expected = strbuf_new(256);
    struct slice choices = slice_of(p->choices);
    int rc;

    (void)strbuf_str(&expected, "one of");
    while (choices.len > 0) {
        struct slice choice = slice_split(&choices, '|');

        if (slice_eq(choice, given)) {
            strbuf_free(&expected);
            return strbuf_append(stored, given) ? 0 : -1;
        }
        (void)strbuf_printf(&expected, " %.*s", (int)choice.len, choice.ptr);
    }
    rc = fail(error, p, strbuf_cstr(&expected), given);
    strbuf_free(&expected);
    return rc;
}

/* An address outside keeps its local part: only its owner knows what it means. */
static int
normalize_address(struct slice given, struct strbuf *stored)
{
    struct address address;

    if (address_parse(given, ADDRESS_UTF8, &address) != ADDRESS_OK || address.is_literal ||
        address.is_quoted)
        return -1;
    return strbuf_append(stored, address.local) && strbuf_char(stored, '@') &&
                   canonical_domain(address.domain, stored) == 0
               ? 0
               : -1;
}

static int
normalize_list(const struct property *p, struct slice given, struct strbuf *stored,
               struct strbuf *error)
{
    uint64_t max = p->max == 0 ? 1000 : p->max, count = 0;
    struct slice rest = given, word = property_next_word(&rest);

    for (; word.len > 0; word = property_next_word(&rest)) {
        if (count++ > 0)
            (void)strbuf_char(stored, ' '); /* overflow is tested at the end */
        if (p->type == PROPERTY_WORDS ? !strbuf_append(stored, word)
                                      : normalize_address(word, stored) < 0)
            return fail(error, p, "an address user@domain", word);
    }
    if (count <= max && !stored->overflow)
        return 0;
    (void)strbuf_printf(error, "%s: expected at most %llu", p->name, (unsigned long long)max);
    return -1;
}

static int
normalize_method(const struct property *p, struct slice given, struct strbuf *stored,
                 struct strbuf *error)
{
    struct external_method method;
    const char *expected = external_parse(given, &method);

    if (expected == NULL && is_line_of_text(given))
        return strbuf_append(stored, given) ? 0 : -1;
    return fail(error, p, expected == NULL ? "one line of UTF-8 text" : expected, given);
}

static int
normalize_sync(const struct property *p, struct slice given, struct strbuf *stored,
               struct strbuf *error)
{
    struct slice part = slice_of(p->choices);
    const char *wrong = !is_line_of_text(given)           ? "expected one line of UTF-8 text"
                        : slice_eq(part, SLICE("url"))    ? sync_url_wrong(given)
                        : slice_eq(part, SLICE("filter")) ? sync_filter_wrong(given)
                                                          : sync_map_wrong(given);

    if (wrong == NULL)
        return strbuf_append(stored, given) ? 0 : -1;
    (void)strbuf_printf(error, "%s: %s, not '%.*s'", p->name, wrong,
                        (int)(given.len > 100 ? 100 : given.len), given.ptr);
    return -1;
}

static int
normalize_access(const struct property *p, struct slice given, struct strbuf *stored,
                 struct strbuf *error)
{
    const char *expected = given.len == 0 ? NULL : access_list_normalize(given, stored);

    return expected == NULL ? 0 : fail(error, p, expected, given);
}

/* "{SCHEME}data", printable: what is in it is authd's business. */
static bool
is_record(struct slice text)
{
    size_t end = slice_index(text, '}');

    return text.len <= RECORD_MAX && text.len > 2 && text.ptr[0] == '{' && end > 1 &&
           end + 1 < text.len && parse_is_ascii_print(text);
}

int
property_normalize(enum account_property id, struct slice given, struct strbuf *stored,
                   struct strbuf *error)
{
    const struct property *p = &account_properties[id];
    struct oauth_place place;
    bool on;

    if (given.len == 0 && p->dflt[0] == '\0')
        return 0; /* empty is the default: not set */
    switch (p->type) {
    case PROPERTY_TEXT:
        return normalize_text(p, given, stored, error);
    case PROPERTY_BOOL:
        if (parse_bool(given, &on) < 0)
            return fail(error, p, "yes or no", given);
        return strbuf_str(stored, on ? "yes" : "no") ? 0 : -1;
    case PROPERTY_INT:
    case PROPERTY_SIZE:
        return normalize_number(p, given, stored, error);
    case PROPERTY_DATE:
        return normalize_word(p, is_date(given), "a date YYYY-MM-DD", given, stored, error);
    case PROPERTY_TIME:
        return normalize_word(
            p, matches(given, "dddd-dd-ddTdd:dd:ddZ") || matches(given, "dddd-dd-ddTdd:dd:dd.dddZ"),
            "a time YYYY-MM-DDThh:mm:ssZ", given, stored, error);
    case PROPERTY_ENUM:
        return normalize_enum(p, given, stored, error);
    case PROPERTY_DIRECTORY:
        return normalize_word(p, store_dir_id_valid(given), "the ID of a storage directory", given,
                              stored, error);
    case PROPERTY_ADDRESS:
    case PROPERTY_ADDRESSES:
    case PROPERTY_WORDS:
        return normalize_list(p, given, stored, error);
    case PROPERTY_PLACE:
        return normalize_word(p, oauth_place_parse(given, &place) == 0,
                              "https://HOST[:PORT]/PATH or file:NAME", given, stored, error);
    case PROPERTY_METHOD:
        return normalize_method(p, given, stored, error);
    case PROPERTY_SYNC:
        return normalize_sync(p, given, stored, error);
    case PROPERTY_ACCESS:
        return normalize_access(p, given, stored, error);
    case PROPERTY_RECORD:
        if (is_record(given))
            return strbuf_append(stored, given) ? 0 : -1;
        (void)strbuf_printf(error, "%s: expected a record '{SCHEME}data' of at most %d bytes",
                            p->name, RECORD_MAX); /* never with the value: it is a secret */
        return -1;
    }
    return -1;
}
