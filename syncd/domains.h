/*
 * syncd/domains.h - how a domain is synchronised: its properties, read.
 */
#ifndef POSTHORN_SYNCD_DOMAINS_H
#define POSTHORN_SYNCD_DOMAINS_H

#include "lib/ipc/object.h"
#include "lib/sync/source.h"

enum vanished { VANISHED_KEEP, VANISHED_DISABLE, VANISHED_DELETE };

struct domain {
    char *name;
    char *url, *layout, *user_filter, *group_filter, *map; /* what the source borrows from */
    struct sync_source source;
    bool with_groups;
    enum vanished vanished;
    unsigned brake;      /* per cent */
    int64_t interval_ms; /* 0: by hand alone */
};

/* From accountd's object of a domain. NULL, or what is wrong; domain_free() either way. */
const char *domain_read(struct domain *domain, const struct object_field *fields, uint32_t count);
void domain_free(struct domain *domain);

#endif
