/*
 * ldapd/search.c - search and compare (RFC 4511 sections 4.5 and 4.10), with pages (RFC 2696),
 * sorting (RFC 2891) and matched values (RFC 3876).
 *
 * directoryd answers part by part; between parts the client may abandon the search.
 */
#include <string.h>

#include "ldapd/matched.h"
#include "ldapd/operations.h"
#include "ldapd/query.h"
#include "ldapd/root.h"
#include "ldapd/sorted.h"
#include "lib/base/clock.h"
#include "lib/ipc/client.h"
#include "lib/log/log.h"

#define COOKIE_BYTES 12 /* the search's mark, and how far it is */
#define TAG_CONTROLS 0xa0
#define PART_OF_UNSORTED 200 /* entries of one part: what is found is sent soon */

/* How a search goes on. */
struct progress {
    struct session *s;
    const struct query *query;
    uint64_t after; /* directoryd's last serial */
    bool more;      /* it may have others behind that */
    uint32_t sent;
    bool needs_members; /* of groups: else one says that there are some */
    enum ldap_result result;
    const char *text;
    uint64_t as_of;        /* the last part is */
    struct strbuf *fields; /* of search_fetch */
};

/* ---- entries ---- */

struct put {
    struct session *s;
    const struct query *query;
    enum ldap_attribute attribute;
    bool any;
};

/* RFC 3876 section 3: a value is returned if an item about its attribute matches it. */
static bool
passes_values_filter(const struct put *put, struct slice value)
{
    struct ldap_filter *filter = put->s->values_filter;

    for (int i = 1; i < filter->count; i++) {
        int attribute = filter->nodes[i].attribute;

        if ((attribute == (int)put->attribute || attribute == LDAP_ATTR_ANY) &&
            ldap_filter_match_value(filter, i, value))
            return true;
    }
    return false;
}

static int
put_value(void *arg, struct slice value)
{
    struct put *put = arg;

    if (put->query->has_values_filter && !passes_values_filter(put, value))
        return 0;
    put->any = true;
    if (!put->query->types_only)
        ber_put(&put->s->out, BER_OCTETS, value);
    return 0;
}

static void
put_attribute(struct put *put, const struct ldap_entry *entry)
{
    struct strbuf *out = &put->s->out;
    size_t start = ber_begin(out, BER_SEQUENCE), set;

    put->any = false;
    ber_put(out, BER_OCTETS, ldap_attribute_name(put->attribute));
    set = ber_begin(out, BER_SET);
    (void)ldap_entry_values(entry, put->attribute, put_value, put);
    ber_end(out, set);
    ber_end(out, start);
    if (!put->any)
        strbuf_truncate(out, start);
}

static void
send_entry(struct progress *p, const struct ldap_entry *entry)
{
    struct session *s = p->s;
    struct strbuf name = strbuf_new((size_t)2 * LDAP_DN_MAX);
    size_t op, list, start = session_begin(s, LDAP_OP_ENTRY, &op);
    struct put put = {.s = s, .query = p->query};

    names_put(&s->server->names, entry, &name);
    ber_put(&s->out, BER_OCTETS, strbuf_slice(&name));
    strbuf_free(&name);
    list = ber_begin(&s->out, BER_SEQUENCE);
    for (int a = 0; a < LDAP_ATTR_COUNT; a++) {
        put.attribute = (enum ldap_attribute)a;
        if (query_wants(p->query, put.attribute))
            put_attribute(&put, entry);
    }
    ber_end(&s->out, list);
    ber_end(&s->out, op);
    session_send(s, start);
    p->sent++;
}

/* ---- the end ---- */

static void
put_cookie(struct session *s, const struct query *query, bool more, uint64_t position)
{
    char cookie[COOKIE_BYTES];
    struct strbuf value = strbuf_new(64);
    size_t start = ber_begin(&value, BER_SEQUENCE);

    for (int i = 0; i < 4; i++)
        cookie[i] = (char)(query->mark >> (24 - 8 * i));
    for (int i = 0; i < 8; i++)
        cookie[4 + i] = (char)(position >> (56 - 8 * i));
    ber_put_number(&value, BER_INTEGER, 0); /* how many there are is not known */
    ber_put(&value, BER_OCTETS, more ? slice_make(cookie, sizeof(cookie)) : SLICE(""));
    ber_end(&value, start);
    start = ber_begin(&s->out, BER_SEQUENCE);
    ber_put(&s->out, BER_OCTETS, SLICE(LDAP_OID_PAGED));
    ber_put(&s->out, BER_OCTETS, strbuf_slice(&value));
    ber_end(&s->out, start);
    strbuf_free(&value);
}

static void
put_sort_result(struct session *s, enum ldap_result result)
{
    struct strbuf value = strbuf_new(64);
    size_t start = ber_begin(&value, BER_SEQUENCE);

    ber_put_number(&value, BER_ENUMERATED, result);
    ber_end(&value, start);
    start = ber_begin(&s->out, BER_SEQUENCE);
    ber_put(&s->out, BER_OCTETS, SLICE(LDAP_OID_SORTED));
    ber_put(&s->out, BER_OCTETS, strbuf_slice(&value));
    ber_end(&s->out, start);
    strbuf_free(&value);
}

static void
send_done(struct progress *p, struct slice matched, bool more, uint64_t position)
{
    struct session *s = p->s;
    size_t op, controls, start = session_begin(s, LDAP_OP_SEARCH_DONE, &op);

    session_put_result(s, p->result, matched, slice_of(p->text));
    ber_end(&s->out, op);
    if (p->query->is_paged || p->query->is_sorted) {
        controls = ber_begin(&s->out, TAG_CONTROLS);
        if (p->query->is_paged)
            put_cookie(s, p->query, more, position);
        if (p->query->is_sorted)
            put_sort_result(s, p->query->sort_result);
        ber_end(&s->out, controls);
    }
    session_send(s, start);
}

/* ---- directoryd ---- */

/* Where the search is, in its words. False: nowhere. */
static bool
place_of(const struct query *query, struct directory_search *search)
{
    static const uint8_t scopes[] = {DIRECTORY_SCOPE_BASE, DIRECTORY_SCOPE_ONE,
                                     DIRECTORY_SCOPE_SUBTREE, DIRECTORY_SCOPE_BELOW};

    search->scope = scopes[query->scope];
    search->book = query->target.book;
    search->name = query->target.name;
    switch (query->target.kind) {
    case TARGET_ROOT: /* below it is the one top that we have */
        search->level = LDAP_ENTRY_BASE;
        if (query->scope == QUERY_ONE)
            search->scope = DIRECTORY_SCOPE_BASE;
        else
            search->scope = DIRECTORY_SCOPE_SUBTREE;
        return true;
    case TARGET_BASE:
        search->level = LDAP_ENTRY_BASE;
        return true;
    case TARGET_BOOK:
        search->level = LDAP_ENTRY_BOOK;
        return true;
    case TARGET_CONTACT:
        search->level = LDAP_ENTRY_CONTACT;
        return true;
    case TARGET_GROUP:
        search->level = LDAP_ENTRY_GROUP;
        return true;
    case TARGET_UNIT:
        search->level = LDAP_ENTRY_UNIT;
        return true;
    default:
        return false;
    }
}

static void
set_failure(struct progress *p, enum directory_result result)
{
    static const struct {
        enum ldap_result result;
        const char *text;
    } failures[] = {
        [DIRECTORY_OK] = {LDAP_SUCCESS, NULL},
        [DIRECTORY_NO_SUCH_BASE] = {LDAP_NO_SUCH_OBJECT, NULL},
        [DIRECTORY_NO_ACCESS] = {LDAP_INSUFFICIENT_ACCESS_RIGHTS, "log in first"},
        [DIRECTORY_NOT_READY] = {LDAP_BUSY, "the contacts are still being read"},
    };

    p->result = failures[result].result;
    p->text = failures[result].text;
}

/* Asks for the next part; take() gets each entry and returns false to stop. False: no more. */
static bool
next_part(struct progress *p, uint32_t wanted,
          bool (*take)(struct progress *p, const struct ldap_entry *entry))
{
    struct directory_search search = {.after = p->after, .members = p->needs_members};
    struct strbuf request = strbuf_new(DIRECTORY_REQUEST_MAX);
    struct ipc_reply answer = {.fd = -1};
    struct directory_found found;
    struct ldap_entry entry;
    bool goes_on = true;

    search.wanted = (uint16_t)(wanted > DIRECTORY_ENTRIES_MAX ? DIRECTORY_ENTRIES_MAX : wanted);
    p->more = false;
    if (!place_of(p->query, &search)) {
        set_failure(p, DIRECTORY_NO_SUCH_BASE);
    } else if (directory_search_encode(&request, &search, p->s->filter) < 0) {
        p->result = LDAP_ADMIN_LIMIT_EXCEEDED;
    } else if (session_ask(p->s, &request, DIRECTORY_FOUND, &answer) < 0 ||
               directory_found_decode(answer.payload, &found) < 0 ||
               found.result > DIRECTORY_NOT_READY) {
        p->result = LDAP_BUSY;
        p->text = "the directory is not there at the moment";
    } else {
        set_failure(p, found.result);
        p->after = found.last;
        p->more = found.more;
        p->as_of = found.number;
        while (goes_on && directory_entry_next(&found.entries, &entry) == 1)
            goes_on = take(p, &entry);
    }
    strbuf_free(&request);
    return goes_on && p->more && p->result == LDAP_SUCCESS;
}

static bool
is_late(struct progress *p)
{
    if (clock_mono_ms() < p->query->deadline)
        return false;
    p->result = LDAP_TIME_LIMIT_EXCEEDED;
    return true;
}

/* ---- in directoryd's order ---- */

static bool
take_unsorted(struct progress *p, const struct ldap_entry *entry)
{
    if (p->sent == p->query->size_max) { /* one more than may be sent was asked for */
        p->result = LDAP_SIZE_LIMIT_EXCEEDED;
        return false;
    }
    send_entry(p, entry);
    return !p->s->is_over;
}

/* False: abandoned. */
static bool
run_unsorted(struct progress *p)
{
    uint32_t max = p->query->is_paged ? p->query->page_size : p->query->size_max + 1;

    for (bool goes_on = true; goes_on;) {
        uint32_t left = max - p->sent,
                 part = p->sent == 0 && left > PART_OF_UNSORTED ? PART_OF_UNSORTED : left;

        goes_on = left > 0 && next_part(p, part, take_unsorted) && !is_late(p);
        if (p->sent < max && goes_on && session_is_abandoned(p->s))
            return false;
    }
    return true;
}

/* ---- sorted ---- */

static bool
take_sorted(struct progress *p, const struct ldap_entry *entry)
{
    if (sorted_add(p->s->sorted, entry) == 0)
        return true;
    p->result = LDAP_ADMIN_LIMIT_EXCEEDED;
    p->text = "too many entries to sort";
    return false;
}

/* False: abandoned. */
static bool
collect_sorted(struct progress *p)
{
    sorted_free(&p->s->sorted);
    p->s->sorted = sorted_new(p->query);
    while (next_part(p, DIRECTORY_ENTRIES_MAX, take_sorted) && !is_late(p))
        if (session_is_abandoned(p->s))
            return false;
    sorted_finish(p->s->sorted);
    return true;
}

static void
send_sorted(struct progress *p)
{
    uint32_t max = p->query->is_paged ? p->query->page_size : p->query->size_max;
    struct ldap_entry entry;

    while (p->sent < max && !p->s->is_over && sorted_next(p->s->sorted, &entry))
        send_entry(p, &entry);
    if (!p->query->is_paged && sorted_has_more(p->s->sorted) && p->result == LDAP_SUCCESS)
        p->result = LDAP_SIZE_LIMIT_EXCEEDED;
}

/* ---- pages ---- */

/* How far the search was. -1: this is a cookie of another one. */
static int
read_cookie(const struct query *query, uint64_t *position)
{
    uint32_t mark = 0;

    *position = 0;
    if (query->cookie.len == 0)
        return 0;
    if (query->cookie.len != COOKIE_BYTES)
        return -1;
    for (int i = 0; i < 4; i++)
        mark = mark << 8 | (unsigned char)query->cookie.ptr[i];
    for (int i = 4; i < COOKIE_BYTES; i++)
        *position = *position << 8 | (unsigned char)query->cookie.ptr[i];
    return mark == query->mark ? 0 : -1;
}

static void
finish(struct progress *p, bool more, uint64_t position)
{
    struct strbuf matched = strbuf_new((size_t)2 * LDAP_DN_MAX);

    p->s->has_assertion = false; /* it was looked at */
    if (p->result == LDAP_NO_SUCH_OBJECT)
        matched_put(p->s, &p->query->target, &matched);
    send_done(p, strbuf_slice(&matched), more, position);
    strbuf_free(&matched);
}

static void
run_sorted(struct progress *p, uint64_t position)
{
    struct session *s = p->s;

    if (position > 0 && (s->sorted == NULL || sorted_mark(s->sorted) != p->query->mark ||
                         sorted_position(s->sorted) != position)) {
        p->result = LDAP_UNWILLING_TO_PERFORM;
        p->text = "these pages are not there any more: search again";
    } else if (position == 0 && !collect_sorted(p)) {
        return;
    }
    if (p->result == LDAP_SUCCESS)
        send_sorted(p);
    finish(p, p->result == LDAP_SUCCESS && sorted_has_more(s->sorted),
           s->sorted == NULL ? 0 : sorted_position(s->sorted));
    if (s->sorted != NULL &&
        (p->result != LDAP_SUCCESS || !p->query->is_paged || !sorted_has_more(s->sorted)))
        sorted_free(&s->sorted);
}

static bool
is_of_members(enum ldap_attribute attribute)
{
    return attribute == LDAP_ATTR_MEMBER || attribute == LDAP_ATTR_MEMBER_MAIL;
}

static bool
needs_members(const struct query *query)
{
    bool needs = query_wants(query, LDAP_ATTR_MEMBER) || query_wants(query, LDAP_ATTR_MEMBER_MAIL);

    for (size_t i = 0; i < query->key_count && query->is_sorted && !needs; i++)
        needs = is_of_members(query->keys[i].attribute);
    return needs;
}

static void
run_query(struct session *s, struct query *query)
{
    struct progress p = {.s = s, .query = query, .needs_members = needs_members(query)};
    uint64_t position;

    if (query->is_sorted && p.needs_members)
        query->mark ^= 1; /* entries that are kept without them are no pages of these */
    if (query->is_paged && query->page_size > query->size_max)
        query->page_size = query->size_max;
    if (query->is_paged && read_cookie(query, &position) < 0) {
        p.result = LDAP_UNWILLING_TO_PERFORM;
        p.text = "the cookie is of another search";
        send_done(&p, SLICE(""), false, 0);
    } else if (query->is_paged && query->page_size == 0) { /* RFC 2696 section 3: that is enough */
        sorted_free(&s->sorted);
        send_done(&p, SLICE(""), false, 0);
    } else if (query->is_sorted && query->sort_result == LDAP_SUCCESS) {
        run_sorted(&p, query->is_paged ? position : 0);
    } else {
        p.after = query->is_paged ? position : 0;
        if (run_unsorted(&p))
            finish(&p, query->is_paged && p.more && p.result == LDAP_SUCCESS, p.after);
    }
}

/* ---- one entry ---- */

/* RFC 4528 section 3: what is undefined is not true. */
static bool
asserted(struct session *s, const struct ldap_entry *entry)
{
    return !s->has_assertion || ldap_filter_match(s->assertion, entry) == LDAP_TRUE;
}

static bool
take_fields(struct progress *p, const struct ldap_entry *entry)
{
    p->sent = 1;
    if (!asserted(p->s, entry))
        p->result = LDAP_ASSERTION_FAILED;
    else if (p->fields != NULL)
        (void)strbuf_append(p->fields, entry->fields); /* no longer than an entry's are */
    return false;
}

static void
set_filter_all(struct session *s)
{
    ldap_filter_clear(s->filter);
    (void)ldap_filter_open(s->filter, LDAP_FILTER_PRESENT, LDAP_ATTR_OBJECT_CLASS);
}

enum ldap_result
search_fetch(struct session *s, const struct target *target, struct strbuf *fields, uint64_t *as_of)
{
    const struct query query = {.scope = QUERY_BASE, .target = *target};
    struct progress p = {.s = s, .query = &query, .needs_members = true, .fields = fields};

    set_filter_all(s);
    (void)next_part(&p, 1, take_fields);
    *as_of = p.as_of;
    return p.sent == 0 && p.result == LDAP_SUCCESS ? LDAP_NO_SUCH_OBJECT : p.result;
}

/* ---- search ---- */

/* RFC 4528 section 3: what is asserted is about the base. What is malformed is told of later. */
static enum ldap_result
check_assertion(struct session *s)
{
    struct slice rest = s->message.body, base;
    struct target target;
    uint64_t as_of;

    if (ber_take(&rest, BER_OCTETS, &base) < 0)
        return LDAP_SUCCESS;
    target = names_find(&s->server->names, base);
    switch (target.kind) {
    case TARGET_MALFORMED:
        return LDAP_SUCCESS;
    case TARGET_ROOT:
    case TARGET_SUBSCHEMA:
        return root_fits(s->assertion, target.kind == TARGET_SUBSCHEMA) == LDAP_TRUE
                   ? LDAP_SUCCESS
                   : LDAP_ASSERTION_FAILED;
    default:
        return search_fetch(s, &target, NULL, &as_of);
    }
}

void
search_run(struct session *s)
{
    struct query query;
    enum ldap_result why;
    const char *text;

    stats_add(s->server->count.searches, 1);
    why = s->has_assertion ? check_assertion(s) : LDAP_SUCCESS;
    if (why == LDAP_NO_SUCH_OBJECT)
        why = LDAP_SUCCESS; /* the search says so itself, and how much of the name is there */
    if (why != LDAP_SUCCESS)
        session_result(s, LDAP_OP_SEARCH_DONE, why, NULL);
    else if (query_decode(s, &query, &why, &text) < 0)
        session_result(s, LDAP_OP_SEARCH_DONE, why, text);
    else if (query.is_sorted && query.sort_is_critical && query.sort_result != LDAP_SUCCESS)
        session_result(s, LDAP_OP_SEARCH_DONE, LDAP_UNAVAILABLE_CRITICAL_EXTENSION,
                       "this cannot be sorted by");
    else if (query.target.kind == TARGET_ROOT && query.scope == QUERY_BASE)
        root_search(s, &query);
    else if (query.target.kind == TARGET_SUBSCHEMA)
        root_search_schema(s, &query);
    else
        run_query(s, &query);
}

/* ---- compare ---- */

static int
is_there(void *arg, struct slice value)
{
    (void)arg, (void)value;
    return 1;
}

/* RFC 4511 section 4.10: what the entry does not have is neither equal nor unequal. */
static bool
compare_entry(struct progress *p, const struct ldap_entry *entry)
{
    struct ldap_filter *wanted = p->s->values_filter;
    enum ldap_attribute attribute = (enum ldap_attribute)wanted->nodes[0].attribute;

    p->sent = 1;
    if (!asserted(p->s, entry))
        p->result = LDAP_ASSERTION_FAILED;
    else if (ldap_entry_values(entry, attribute, is_there, NULL) == 0)
        p->result = LDAP_NO_SUCH_ATTRIBUTE;
    else
        p->result =
            ldap_filter_match(wanted, entry) == LDAP_TRUE ? LDAP_COMPARE_TRUE : LDAP_COMPARE_FALSE;
    return false;
}

static void
compare_with(struct session *s, struct query *query, struct slice value, int attribute)
{
    struct progress p = {.s = s, .query = query, .needs_members = true};

    set_filter_all(s);
    ldap_filter_clear(s->values_filter);
    (void)ldap_filter_open(s->values_filter, LDAP_FILTER_EQUAL, attribute);
    if (ldap_filter_part(s->values_filter, LDAP_PART_WHOLE, value) < 0 ||
        ldap_filter_fold(s->values_filter) < 0) {
        session_result(s, LDAP_OP_COMPARE_RESPONSE, LDAP_ADMIN_LIMIT_EXCEEDED, NULL);
        return;
    }
    if (s->values_filter->nodes[0].is_invalid) { /* "undefined" is no compareFalse (section 4.10) */
        session_result(s, LDAP_OP_COMPARE_RESPONSE, LDAP_INVALID_ATTRIBUTE_SYNTAX, NULL);
        return;
    }
    (void)next_part(&p, 1, compare_entry);
    if (p.sent == 0 && (p.result == LDAP_SUCCESS || p.result == LDAP_NO_SUCH_OBJECT))
        matched_refuse(s, LDAP_OP_COMPARE_RESPONSE, &query->target);
    else
        session_result(s, LDAP_OP_COMPARE_RESPONSE, p.result, p.text);
}

void
compare_run(struct session *s)
{
    struct slice rest = s->message.body, name, assertion, description, value;
    struct query query = {.scope = QUERY_BASE};
    int attribute;

    if (ber_take(&rest, BER_OCTETS, &name) < 0 || ber_take(&rest, BER_SEQUENCE, &assertion) < 0 ||
        rest.len > 0 || ber_take(&assertion, BER_OCTETS, &description) < 0 ||
        ber_take(&assertion, BER_OCTETS, &value) < 0 || assertion.len > 0) {
        session_result(s, LDAP_OP_COMPARE_RESPONSE, LDAP_PROTOCOL_ERROR, "malformed compare");
        return;
    }
    attribute = ldap_attribute_find(description);
    query.target = names_find(&s->server->names, name);
    if (query.target.kind == TARGET_MALFORMED)
        session_result(s, LDAP_OP_COMPARE_RESPONSE, LDAP_INVALID_DN_SYNTAX, NULL);
    else if (attribute < 0)
        session_result(s, LDAP_OP_COMPARE_RESPONSE, LDAP_UNDEFINED_ATTRIBUTE_TYPE, NULL);
    else
        compare_with(s, &query, value, attribute);
}
