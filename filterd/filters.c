/*
 * filterd/filters.c - takes the filters out of the configuration.
 */
#include "filterd/filters.h"

#include "lib/ipc/dnsd.h"

enum { DNS_CALLS_MAX = 8192 };

static size_t
open_all(const struct conf *conf, bool policy, struct endpoint endpoints[FILTER_SPECS_MAX])
{
    struct filter_spec specs[FILTER_SPECS_MAX];
    size_t count = filter_specs_load(conf, policy, FILTER_FOR_ALL, specs);

    for (size_t i = 0; i < count; i++)
        endpoint_open(&endpoints[i], &specs[i]);
    return count;
}

static void
open_judged(_Atomic uint64_t *judged[JUDGED_WAYS], struct stats *stats)
{
    static const char *const names[JUDGED_WAYS] = {[JUDGED_ACCEPTED] = "messages_judged.accepted",
                                                   [JUDGED_CHANGED] = "messages_judged.changed",
                                                   [JUDGED_HELD] = "messages_judged.held",
                                                   [JUDGED_DISCARDED] = "messages_judged.discarded",
                                                   [JUDGED_DEFERRED] = "messages_judged.deferred",
                                                   [JUDGED_REFUSED] = "messages_judged.refused"};

    for (int i = 0; i < JUDGED_WAYS; i++)
        judged[i] = stats_counter(stats, names[i]);
}

void
filters_open(struct filters *filters, const struct daemon *d)
{
    const char *helo_name = conf_str(d->conf, SMTP_HELO_NAME);

    *filters = (struct filters){
        .loop = d->loop,
        .hostname = slice_of(helo_name[0] != '\0' ? helo_name : conf_str(d->conf, SYSTEM_HOSTNAME)),
        .header_max = conf_u64(d->conf, SMTP_MAX_HEADER_SIZE),
        .memory = {.max = conf_u64(d->conf, FILTER_BODY_MEMORY)},
        .count = {.messages = stats_counter(d->stats, "messages_filtered"),
                  .refused = stats_counter(d->stats, "refused"),
                  .failed = stats_counter(d->stats, "messages_unreadable"),
                  .held = stats_counter(d->stats, "messages_held"),
                  .discarded = stats_counter(d->stats, "messages_discarded")},
    };
    open_judged(filters->count.judged, d->stats);
    filters->milter_count = open_all(d->conf, false, filters->milters);
    filters->policy_count = open_all(d->conf, true, filters->policies);
    filters->dns =
        ipc_async_new(d->loop, d->run_dirfd, DNSD_SOCKET, DNSD_PAYLOAD_MAX, DNS_CALLS_MAX);
}
