/*
 * ldapd/query.h - a search request with its controls, decoded.
 */
#ifndef POSTHORN_LDAPD_QUERY_H
#define POSTHORN_LDAPD_QUERY_H

#include "ldapd/session.h"

#define QUERY_SORT_KEYS_MAX 4

enum query_scope { QUERY_BASE, QUERY_ONE, QUERY_SUBTREE, QUERY_BELOW };

struct query {
    struct target target;
    uint32_t scope;    /* enum query_scope */
    uint32_t size_max; /* entries; the smaller of the client's limit and ours */
    int64_t deadline;  /* mono ms */
    bool types_only;
    /* what is to be returned */
    bool all_user, all_operational;
    bool selected[LDAP_ATTR_COUNT];
    struct slice
        names[LDAP_SELECTED_MAX]; /* as asked for, for entries that are not the directory's */
    size_t name_count;
    /* RFC 2696 */
    bool is_paged;
    uint32_t page_size;
    struct slice cookie;
    /* RFC 2891 */
    bool is_sorted, sort_is_critical;
    struct {
        enum ldap_attribute attribute;
        bool reverse;
    } keys[QUERY_SORT_KEYS_MAX];
    size_t key_count;
    enum ldap_result sort_result;
    bool has_values_filter; /* RFC 3876: session.values_filter */
    uint32_t mark;          /* says which search this is: a cookie of another one is refused */
};

/* From s->message; the filter is in s->filter, folded. 0, or -1 with a result that says why not. */
int query_decode(struct session *s, struct query *query, enum ldap_result *why, const char **text);
/* Is the attribute to be returned? */
bool query_wants(const struct query *query, enum ldap_attribute attribute);
/* The same by its name, of the root DSE and the schema. */
bool query_wants_name(const struct query *query, const char *name, bool is_operational);

#endif
