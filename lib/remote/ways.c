/*
 * lib/remote/ways.c - the domain's own servers, DNS, relays: which of them, and in what order.
 */
#include "lib/remote/ways.h"

size_t
ways_for(const struct remote_settings *settings, struct slice next_hop, struct way ways[WAYS_MAX])
{
    const struct host_list *direct = direct_find(&settings->direct, next_hop);
    enum conf_id after = CONF_NO_SETTING;
    size_t count = 0;

    if (direct != NULL) {
        ways[count++] = (struct way){direct, REMOTE_DIRECT_DOMAINS, direct->line, after};
        after = REMOTE_DIRECT_FALLBACK;
        if (!settings->direct_fallback)
            return count;
    }
    if (settings->policy != POLICY_RELAY) {
        ways[count++] = (struct way){NULL, REMOTE_POLICY, 0, after};
        after = REMOTE_POLICY;
    }
    if (settings->policy != POLICY_DNS)
        ways[count++] = (struct way){&settings->relays, REMOTE_RELAY_HOSTS, 0, after};
    return count;
}
