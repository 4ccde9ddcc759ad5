/*
 * lib/account/origin.c - addresses come from the network; reads the base, changes nothing.
 */
#include "lib/account/origin.h"

#include "lib/account/canonical.h"
#include "lib/ipc/accountd.h"

static struct slice
domain_of(struct slice address)
{
    return slice_sub(address, slice_rindex(address, '@') + 1, address.len);
}

enum account_found
origin_find(struct account_base *base, struct slice auth_user, struct slice sender,
            struct account_hit *hit, struct origin *o)
{
    struct slice given = auth_user.len > 0 ? auth_user : sender;
    enum account_found found = ACCOUNT_FOREIGN;

    *o = (struct origin){.address = strbuf_new(ACCOUNT_ADDRESS_MAX + ACCOUNTD_ADDRESS_MAX)};
    if (given.len == 0)
        return found;
    found = account_find(base, given, hit);
    o->is_ours = found == ACCOUNT_FOUND || found == ACCOUNT_UNKNOWN;
    if (o->is_ours) {
        (void)strbuf_append(&o->address, strbuf_slice(&hit->address));
    } else {
        (void)strbuf_append(&o->address, slice_sub(given, 0, slice_rindex(given, '@') + 1));
        if (canonical_domain(domain_of(given), &o->address) < 0)
            (void)strbuf_append(&o->address, domain_of(given));
    }
    o->domain = domain_of(strbuf_slice(&o->address));
    return found;
}

void
origin_free(struct origin *o)
{
    strbuf_free(&o->address);
}

enum sending_way
origin_way(const struct origin *o, struct slice to)
{
    if (!o->is_ours)
        return SENDING_REMOTE;
    return slice_eq(o->domain, to) ? SENDING_DOMAIN : SENDING_SYSTEM;
}

const char *
origin_denied_by(const struct origin *o, const struct account_hit *mailbox)
{
    struct slice address = strbuf_slice(&mailbox->address);

    if (o->address.len == 0 || slice_eq(address, strbuf_slice(&o->address)))
        return NULL;
    return receiving_denied(&mailbox->entry, origin_way(o, domain_of(address)), o->domain);
}

bool
origin_is_free(struct slice recipient)
{
    return slice_eq_nocase(slice_sub(recipient, 0, slice_rindex(recipient, '@')),
                           SLICE("postmaster"));
}
