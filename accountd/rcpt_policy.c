/*
 * accountd/rcpt_policy.c - may this sender send to this recipient?
 *
 * Who authenticated is known by that. Of others the envelope sender is believed, as far as it is an
 * address outside or comes from a trusted host: an address of ours that nobody has proved opens no
 * group. Mail for postmaster is taken from everybody (RFC 5321 section 4.5.1), and so are bounces
 * by mailboxes that take mail from some alone.
 */
#include "accountd/rcpt_policy.h"

#include <stdio.h>

#include "lib/account/canonical.h"
#include "lib/account/group.h"
#include "lib/account/sending.h"

/* Who sends, and where that is. */
struct origin {
    struct strbuf address; /* canonical; empty: the null sender */
    struct slice domain;   /* borrows from it */
    bool is_ours, is_proved;
};

/* `what`: the property that forbids it, or NULL. */
static bool
refuse(struct rcpt_refusal *r, uint16_t code, const char *dsn, const char *text, const char *what)
{
    *r = (struct rcpt_refusal){.code = code, .dsn = dsn};
    (void)snprintf(r->text, sizeof(r->text), what == NULL ? "%s" : "%s (%s)", text, what);
    return false;
}

static bool
trouble(struct rcpt_refusal *r)
{
    return refuse(r, 451, "4.3.0", "account base failed, try again later", NULL);
}

static struct slice
domain_of(struct slice address)
{
    return slice_sub(address, slice_rindex(address, '@') + 1, address.len);
}

/* The sender in the form in which the base has it: an address of ours with its domain's aliases
 * resolved and its tag taken off, one outside with its domain in A-labels. */
static enum account_found
find_origin(struct server *server, const struct accountd_rcpt *rcpt, struct origin *o)
{
    struct slice given = rcpt->auth_user.len > 0 ? rcpt->auth_user : rcpt->sender;
    enum account_found found = ACCOUNT_FOREIGN;

    o->is_proved = rcpt->auth_user.len > 0 || rcpt->trusted;
    if (given.len == 0)
        return found;
    found = account_find(&server->base, given, &server->sender_hit);
    o->is_ours = found == ACCOUNT_FOUND || found == ACCOUNT_UNKNOWN;
    if (o->is_ours) {
        (void)strbuf_append(&o->address, strbuf_slice(&server->sender_hit.address));
    } else {
        (void)strbuf_append(&o->address, slice_sub(given, 0, slice_rindex(given, '@') + 1));
        if (canonical_domain(domain_of(given), &o->address) < 0)
            (void)strbuf_append(&o->address, domain_of(given));
    }
    o->domain = domain_of(strbuf_slice(&o->address));
    return found;
}

static enum sending_way
way_of(bool is_ours, struct slice one, struct slice other)
{
    if (!is_ours)
        return SENDING_REMOTE;
    return slice_eq(one, other) ? SENDING_DOMAIN : SENDING_SYSTEM;
}

static bool
check_sending(const struct server *server, const struct accountd_rcpt *rcpt,
              enum account_found found, const struct origin *o, struct rcpt_refusal *refusal)
{
    struct strbuf domain = strbuf_new(ACCOUNT_ADDRESS_MAX);
    bool is_ours = found != ACCOUNT_FOREIGN;
    const char *why = NULL;

    if (is_ours)
        (void)strbuf_append(&domain, domain_of(strbuf_slice(&server->hit.address)));
    else if (canonical_domain(domain_of(rcpt->address), &domain) < 0)
        (void)strbuf_append(&domain, domain_of(rcpt->address));
    if (!is_ours || !slice_eq(strbuf_slice(&server->hit.address), strbuf_slice(&o->address)))
        why = sending_denied(&server->sender_hit.entry,
                             way_of(is_ours, strbuf_slice(&domain), o->domain),
                             strbuf_slice(&domain));
    strbuf_free(&domain);
    return why == NULL || refuse(refusal, 550, "5.7.1", "you may not send there", why);
}

static bool
check_group(struct server *server, const struct origin *o, struct rcpt_refusal *refusal)
{
    int rc;

    if (record_is(&server->hit.entry, GROUP_SEND, "anyone"))
        return true;
    if (o->is_ours && !o->is_proved)
        return refuse(refusal, 550, "5.7.1",
                      "not everybody may send to this group: authentication required (AUTH)", NULL);
    rc = group_takes_from(&server->base, &server->hit, strbuf_slice(&o->address));
    if (rc < 0)
        return trouble(refusal);
    return rc > 0 || refuse(refusal, 550, "5.7.1", "you may not send to this group", NULL);
}

static bool
check_receiving(const struct account_hit *user, const struct origin *o,
                struct rcpt_refusal *refusal)
{
    struct slice address = strbuf_slice(&user->address);
    const char *why;

    if (o->address.len == 0 || slice_eq(address, strbuf_slice(&o->address)))
        return true;
    why = receiving_denied(&user->entry, way_of(o->is_ours, o->domain, domain_of(address)),
                           o->domain);
    return why == NULL || refuse(refusal, 550, "5.7.1", "this mailbox takes no mail from you", why);
}

static bool
check_recipient(struct server *server, const struct origin *o, struct rcpt_refusal *refusal)
{
    enum account_found found;

    switch (server->hit.entry.kind) {
    case ACCOUNT_GROUP:
        return check_group(server, o, refusal);
    case ACCOUNT_USER:
        return check_receiving(&server->hit, o, refusal);
    case ACCOUNT_ALIAS:
        found = account_find_exact(&server->base, record_get(&server->hit.entry, ALIAS_TARGET),
                                   &server->second_hit);
        if (found == ACCOUNT_TROUBLE)
            return trouble(refusal);
        return found != ACCOUNT_FOUND || server->second_hit.entry.kind != ACCOUNT_USER ||
               check_receiving(&server->second_hit, o, refusal);
    default:
        return true;
    }
}

static bool
is_postmaster(struct slice address)
{
    return slice_eq_nocase(slice_sub(address, 0, slice_rindex(address, '@')), SLICE("postmaster"));
}

bool
rcpt_policy(struct server *server, const struct accountd_rcpt *rcpt, enum account_found found,
            struct rcpt_refusal *refusal)
{
    struct origin o = {.address = strbuf_new(ACCOUNT_ADDRESS_MAX + ACCOUNTD_ADDRESS_MAX)};
    enum account_found sender = find_origin(server, rcpt, &o);
    bool good = true;

    if (sender != ACCOUNT_FOUND || server->sender_hit.entry.kind != ACCOUNT_USER ||
        rcpt->auth_user.len == 0)
        server->sender_hit.entry.kind = ACCOUNT_DOMAIN; /* nobody's limits hold */
    if (sender == ACCOUNT_TROUBLE)
        good = trouble(refusal);
    else if (!is_postmaster(rcpt->address))
        good = (server->sender_hit.entry.kind != ACCOUNT_USER ||
                check_sending(server, rcpt, found, &o, refusal)) &&
               (found != ACCOUNT_FOUND || check_recipient(server, &o, refusal));
    strbuf_free(&o.address);
    return good;
}
