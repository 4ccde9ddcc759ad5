/*
 * lib/remote/direct.h - direct domain delivery: the servers of domains that the administrator
 * names in place of what DNS says.
 */
#ifndef POSTHORN_LIB_REMOTE_DIRECT_H
#define POSTHORN_LIB_REMOTE_DIRECT_H

#include "lib/conf/list_file.h"
#include "lib/remote/passwords.h"

struct host_list { /* in the order to try them */
    struct host *hosts;
    size_t count;
    unsigned line; /* of the list file; 0: from no file */
};
struct direct_domain {
    char *name; /* canonical (lib/account/canonical.h) */
    struct host_list servers;
};
struct direct_table {
    struct direct_domain *domains; /* sorted by name */
    size_t count;
};

/* From lines "DOMAIN WORD..." (lib/smtp/route_host.h). 0, or -1 with one line in `error`: a domain
 * that stands there twice; nothing is then to be freed. */
int direct_load(struct direct_table *table, const struct list_file *list, uint16_t default_port,
                struct strbuf *error);
void direct_free(struct direct_table *table);
/* The servers of `domain`, UTF-8 allowed, or NULL: it has none of its own. */
const struct host_list *direct_find(const struct direct_table *table, struct slice domain);

#endif
