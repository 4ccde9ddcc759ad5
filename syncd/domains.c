/*
 * syncd/domains.c - how a domain is synchronised. No I/O.
 */
#include "syncd/domains.h"

#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/base/parse.h"

enum { BRAKE_MAX = 100, MINUTES_MAX = 43200, MINUTE_MS = 60000 };

static unsigned
number(struct slice text, unsigned max)
{
    uint64_t value = 0;

    return parse_u64(text, max, &value) < 0 ? 0 : (unsigned)value; /* accountd has checked it */
}

static enum vanished
vanished_of(struct slice text)
{
    if (slice_eq(text, SLICE("delete")))
        return VANISHED_DELETE;
    return slice_eq(text, SLICE("disable")) ? VANISHED_DISABLE : VANISHED_KEEP;
}

const char *
domain_read(struct domain *domain, const struct object_field *fields, uint32_t count)
{
    struct sync_given given;

    *domain = (struct domain){
        .name = xslicedup(object_get(fields, count, "name")),
        .url = xslicedup(object_get(fields, count, "sync_from")),
        .layout = xslicedup(object_get(fields, count, "sync_layout")),
        .user_filter = xslicedup(object_get(fields, count, "sync_user_filter")),
        .group_filter = xslicedup(object_get(fields, count, "sync_group_filter")),
        .map = xslicedup(object_get(fields, count, "sync_map")),
        .with_groups = slice_eq(object_get(fields, count, "sync_groups"), SLICE("yes")),
        .vanished = vanished_of(object_get(fields, count, "sync_vanished")),
        .brake = number(object_get(fields, count, "sync_brake"), BRAKE_MAX),
        .interval_ms =
            (int64_t)number(object_get(fields, count, "sync_interval"), MINUTES_MAX) * MINUTE_MS,
    };
    given = (struct sync_given){.url = slice_of(domain->url),
                                .layout = slice_of(domain->layout),
                                .user_filter = slice_of(domain->user_filter),
                                .group_filter = slice_of(domain->group_filter),
                                .map = slice_of(domain->map)};
    if (given.url.len == 0)
        return "the domain has no sync_from";
    return sync_source_read(&given, &domain->source);
}

void
domain_free(struct domain *domain)
{
    free(domain->name);
    free(domain->url);
    free(domain->layout);
    free(domain->user_filter);
    free(domain->group_filter);
    free(domain->map);
    *domain = (struct domain){.name = NULL};
}
