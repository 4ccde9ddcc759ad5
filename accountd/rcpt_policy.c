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
#include "lib/account/origin.h"

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
                             is_ours ? origin_way(o, strbuf_slice(&domain)) : SENDING_REMOTE,
                             strbuf_slice(&domain));
    strbuf_free(&domain);
    return why == NULL || refuse(refusal, 550, "5.7.1", "you may not send there", why);
}

static bool
check_group(struct server *server, const struct origin *o, bool is_proved,
            struct rcpt_refusal *refusal)
{
    int rc;

    if (record_is(&server->hit.entry, GROUP_SEND, "anyone"))
        return true;
    if (o->is_ours && !is_proved)
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
    const char *why = origin_denied_by(o, user);

    return why == NULL || refuse(refusal, 550, "5.7.1", "this mailbox takes no mail from you", why);
}

static bool
check_recipient(struct server *server, const struct origin *o, bool is_proved,
                struct rcpt_refusal *refusal)
{
    enum account_found found;

    switch (server->hit.entry.kind) {
    case ACCOUNT_GROUP:
        return check_group(server, o, is_proved, refusal);
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

bool
rcpt_policy(struct server *server, const struct accountd_rcpt *rcpt, enum account_found found,
            struct rcpt_refusal *refusal)
{
    struct origin o;
    enum account_found sender =
        origin_find(&server->base, rcpt->auth_user, rcpt->sender, &server->sender_hit, &o);
    bool is_proved = rcpt->auth_user.len > 0 || rcpt->trusted;
    bool good = true;

    if (sender != ACCOUNT_FOUND || server->sender_hit.entry.kind != ACCOUNT_USER ||
        rcpt->auth_user.len == 0)
        server->sender_hit.entry.kind = ACCOUNT_DOMAIN; /* nobody's limits hold */
    if (sender == ACCOUNT_TROUBLE)
        good = trouble(refusal);
    else if (!origin_is_free(rcpt->address))
        good = (server->sender_hit.entry.kind != ACCOUNT_USER ||
                check_sending(server, rcpt, found, &o, refusal)) &&
               (found != ACCOUNT_FOUND || check_recipient(server, &o, is_proved, refusal));
    origin_free(&o);
    return good;
}
