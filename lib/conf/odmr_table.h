/*
 * lib/conf/odmr_table.h - entries of the list file queue.odmr_domains: domains whose mail waits
 * until one of their users fetches it (ATRN, RFC 2645).
 *
 *     branch.example  branch@d.test  boss@d.test
 *
 * A domain, and who may take its mail: users of this server. Several lines of one domain add up.
 */
#ifndef POSTHORN_LIB_CONF_ODMR_TABLE_H
#define POSTHORN_LIB_CONF_ODMR_TABLE_H

#include "lib/conf/list_file.h"

struct odmr_domain {
    char *name; /* in lower case */
    char **users;
    size_t user_count;
    unsigned line; /* the first that names it */
};
struct odmr_table {
    struct odmr_domain *domains; /* sorted by name */
    size_t count;
};

/* struct list_kind's. */
const char *odmr_line_expected(struct slice entry);
/* Entries are copied, the list freed. NULL: there are none. */
struct odmr_table *odmr_table_new(struct list_file *list);
void odmr_table_free(struct odmr_table **tablep);
/* The domain, in any case of letters, or NULL. No table has no domain. */
const struct odmr_domain *odmr_table_find(const struct odmr_table *table, struct slice domain);
/* May this user (user@domain) take its mail? */
bool odmr_domain_is_of(const struct odmr_domain *domain, struct slice user);

#endif
