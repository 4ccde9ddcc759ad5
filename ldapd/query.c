/*
 * ldapd/query.c - decodes a search request and its controls. Bytes come from clients. No I/O.
 */
#include "ldapd/query.h"

#include "lib/base/clock.h"
#include "lib/base/crc32c.h"

enum { TAG_RULE = 0x80, TAG_REVERSE = 0x81, DEREF_MAX = 3, SCOPE_MAX = 3 };

static int
fail(enum ldap_result *why, const char **text, enum ldap_result result, const char *what)
{
    *why = result;
    *text = what;
    return -1;
}

/* ---- attributes ---- */

static void
select_name(struct query *query, struct slice name)
{
    int attribute = ldap_attribute_find(name);

    if (slice_eq(name, SLICE("*")))
        query->all_user = true;
    else if (slice_eq(name, SLICE("+")))
        query->all_operational = true;
    else if (attribute >= 0)
        query->selected[attribute] = true;
    query->names[query->name_count++] = name; /* others are none of ours: RFC 4511 4.5.1.8 */
}

static int
take_selection(struct slice list, struct query *query)
{
    struct slice name;

    query->all_user = list.len == 0;
    while (list.len > 0) {
        if (query->name_count == LDAP_SELECTED_MAX || ber_take(&list, BER_OCTETS, &name) < 0)
            return -1;
        select_name(query, name);
    }
    return 0;
}

bool
query_wants(const struct query *query, enum ldap_attribute attribute)
{
    bool operational = (ldap_attributes[attribute].flags & LDAP_OPERATIONAL) != 0;

    return query->selected[attribute] || (operational ? query->all_operational : query->all_user);
}

bool
query_wants_name(const struct query *query, const char *name, bool is_operational)
{
    if (is_operational ? query->all_operational : query->all_user)
        return true;
    for (size_t i = 0; i < query->name_count; i++)
        if (slice_eq_nocase(query->names[i], slice_of(name)))
            return true;
    return false;
}

/* ---- controls ---- */

static int
take_paging(struct slice value, struct query *query)
{
    struct slice content;

    query->is_paged = true;
    if (ber_take(&value, BER_SEQUENCE, &content) < 0 || value.len > 0 ||
        ber_take_number(&content, BER_INTEGER, INT32_MAX, &query->page_size) < 0 ||
        ber_take(&content, BER_OCTETS, &query->cookie) < 0 || content.len > 0)
        return -1;
    return 0;
}

/* One key; an attribute or a rule that cannot be sorted by is in query->sort_result. */
static int
take_key(struct slice *list, struct query *query)
{
    struct slice content, name, rule = {NULL, 0}, reverse = SLICE("");
    enum ldap_match match;
    int attribute;

    if (ber_take(list, BER_SEQUENCE, &content) < 0 || ber_take(&content, BER_OCTETS, &name) < 0)
        return -1;
    if (ber_next_is(content, TAG_RULE) && ber_take(&content, TAG_RULE, &rule) < 0)
        return -1;
    if (content.len > 0 && (ber_take(&content, TAG_REVERSE, &reverse) < 0 || reverse.len != 1))
        return -1;
    if (content.len > 0 || query->key_count == QUERY_SORT_KEYS_MAX)
        return -1;
    attribute = ldap_attribute_find(name);
    if (attribute < 0) {
        query->sort_result = LDAP_NO_SUCH_ATTRIBUTE;
        return 0;
    }
    if (rule.ptr != NULL && !slice_eq_nocase(rule, SLICE("caseIgnoreOrderingMatch")) &&
        !slice_eq(rule, SLICE("2.5.13.3")) && ldap_match_find(rule, &match) < 0)
        query->sort_result = LDAP_INAPPROPRIATE_MATCHING;
    query->keys[query->key_count].attribute = (enum ldap_attribute)attribute;
    query->keys[query->key_count++].reverse = reverse.len == 1 && reverse.ptr[0] != 0;
    return 0;
}

static int
take_sort(const struct message_control *control, struct query *query)
{
    struct slice value = control->value, list;

    query->is_sorted = true;
    query->sort_is_critical = control->critical;
    if (ber_take(&value, BER_SEQUENCE, &list) < 0 || value.len > 0 || list.len == 0)
        return -1;
    while (list.len > 0)
        if (take_key(&list, query) < 0)
            return -1;
    return 0;
}

static int
take_control(struct session *s, const struct message_control *control, struct query *query)
{
    struct slice value = control->value;

    if (slice_eq(control->oid, SLICE(LDAP_OID_PAGED)))
        return take_paging(value, query);
    if (slice_eq(control->oid, SLICE(LDAP_OID_SORT)))
        return take_sort(control, query);
    if (!slice_eq(control->oid, SLICE(LDAP_OID_MATCHED_VALUES)))
        return 0;
    query->has_values_filter = true;
    return message_take_values_filter(&value, s->values_filter) < 0 || value.len > 0 ||
                   ldap_filter_fold(s->values_filter) < 0
               ? -1
               : 0;
}

/* ---- the request ---- */

static void
set_limits(const struct server *server, struct query *query, uint32_t size, uint32_t seconds)
{
    int64_t time_ms = server->time_ms;

    query->size_max = size == 0 || size > server->size_limit ? server->size_limit : size;
    if (seconds != 0 && (int64_t)seconds * 1000 < time_ms)
        time_ms = (int64_t)seconds * 1000;
    query->deadline = clock_mono_ms() + time_ms;
}

int
query_decode(struct session *s, struct query *query, enum ldap_result *why, const char **text)
{
    struct slice rest = s->message.body, base, selection, before;
    uint32_t deref, size, seconds;

    *query = (struct query){.mark = 0};
    if (ber_take(&rest, BER_OCTETS, &base) < 0 ||
        ber_take_number(&rest, BER_ENUMERATED, SCOPE_MAX, &query->scope) < 0 ||
        ber_take_number(&rest, BER_ENUMERATED, DEREF_MAX, &deref) < 0 ||
        ber_take_number(&rest, BER_INTEGER, INT32_MAX, &size) < 0 ||
        ber_take_number(&rest, BER_INTEGER, INT32_MAX, &seconds) < 0 ||
        ber_take_bool(&rest, &query->types_only) < 0)
        return fail(why, text, LDAP_PROTOCOL_ERROR, "malformed search");
    before = rest;
    if (message_take_filter(&rest, s->filter) < 0)
        return fail(why, text, LDAP_PROTOCOL_ERROR,
                    "the filter is malformed, too deep or too large");
    query->mark = crc32c(crc32c(query->scope, base), slice_sub(before, 0, before.len - rest.len));
    if (ber_take(&rest, BER_SEQUENCE, &selection) < 0 || rest.len > 0 ||
        take_selection(selection, query) < 0)
        return fail(why, text, LDAP_PROTOCOL_ERROR, "malformed search");
    if (ldap_filter_fold(s->filter) < 0)
        return fail(why, text, LDAP_ADMIN_LIMIT_EXCEEDED, "the filter's values are too long");
    set_limits(s->server, query, size, seconds);
    for (size_t i = 0; i < s->message.control_count; i++)
        if (take_control(s, &s->message.controls[i], query) < 0)
            return fail(why, text, LDAP_PROTOCOL_ERROR, "malformed control");
    query->target = names_find(&s->server->names, base);
    if (query->target.kind == TARGET_MALFORMED)
        return fail(why, text, LDAP_INVALID_DN_SYNTAX, "the base is no name");
    return 0;
}
