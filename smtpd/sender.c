/*
 * smtpd/sender.c - whether the sender of a message may be who it says.
 *
 * With smtp.from_must_be_local a user sends from addresses of ours alone, with
 * smtp.from_must_match_auth from the user's own; both hold for the envelope and for the header,
 * where Sender counts before From (RFC 5322 section 3.6.2) when it is about whose address it is.
 * With smtp.local_sender_must_auth nobody uses an address of ours without a login.
 *
 * Input: the reverse path, syntax-checked, and a header section, which may be anything. Asks
 * accountd.
 */
#include "smtpd/sender.h"

#include "lib/mail/address_list.h"
#include "lib/mail/header.h"

enum { HEADER_ADDRESSES_MAX = 20 }; /* of all From and Sender fields: each is a question */

/* ---- the user's senders ---- */

/* `own`: smtp.from_must_match_auth is asked for too. */
static const struct refusal *
check_user_address(struct session *s, struct slice address, bool own, struct answer *a)
{
    accounts_ask_sender(s, own ? slice_of(s->auth_user) : SLICE(""), address, a);
    if (a->verdict == ACCOUNTD_LOCAL)
        return NULL;
    if (a->verdict == ACCOUNTD_FOREIGN)
        return smtp_refusal(own ? REFUSED_NOT_YOURS : REFUSED_NOT_LOCAL);
    return &a->refusal;
}

/* ---- other servers' senders ---- */

/* RFC 1918, RFC 4193, RFC 4291 section 2.5.6, and loopback: inside the organisation. */
static bool
is_internal(struct slice client_ip)
{
    static const struct slice nets[] = {
        {"10.0.0.0/8", 10}, {"172.16.0.0/12", 13}, {"192.168.0.0/16", 14}, {"127.0.0.0/8", 11},
        {"::1", 3},         {"fc00::/7", 8},       {"fe80::/10", 9}};
    struct cidr client, net;

    if (cidr_parse(client_ip, &client) < 0)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(nets); i++)
        if (cidr_parse(nets[i], &net) == 0 && cidr_has(&net, &client.net))
            return true;
    return false;
}

static bool
is_exempt(const struct session *s)
{
    struct slice client_ip = slice_of(s->pool->client_ip);

    return s->is_trusted ||
           (s->settings->sender_rule_skip_good_ip &&
            (is_internal(client_ip) || networks_have_text(&s->settings->good_ips, client_ip)));
}

/* smtp.local_sender_must_auth */
static const struct refusal *
check_stranger(struct session *s, struct slice sender, struct answer *a)
{
    if (!s->settings->local_sender_must_auth || is_exempt(s))
        return NULL;
    accounts_ask_sender(s, SLICE(""), sender, a);
    if (a->verdict == ACCOUNTD_FOREIGN)
        return NULL;
    return a->verdict == ACCOUNTD_DEFERRED ? &a->refusal : smtp_refusal(REFUSED_LOCAL_SENDER);
}

const struct refusal *
sender_check(struct session *s, struct slice sender, struct answer *a)
{
    const struct settings *set = s->settings;

    if (sender.len == 0)
        return NULL;
    if (s->auth_user == NULL)
        return check_stranger(s, sender, a);
    if (!set->from_must_match_auth && !set->from_must_be_local)
        return NULL;
    return check_user_address(s, sender, set->from_must_match_auth, a);
}

/* ---- the header ---- */

static bool
is_named(const struct header_field *field, const char *name)
{
    return slice_eq_nocase(field->name, slice_of(name));
}

/* Calls check(arg, address, is_sender) for each mailbox of each From and Sender until it says no.
 */
static bool
each_author(struct slice section, bool (*check)(void *arg, struct slice address, bool is_sender),
            void *arg)
{
    struct strbuf address = strbuf_new(ACCOUNTD_ADDRESS_MAX);
    struct header_field field;
    bool right = true;

    while (right && header_next(&section, &field) == HEADER_FIELD) {
        struct address_list list;
        struct address_entry entry;

        if (!is_named(&field, "From") && !is_named(&field, "Sender"))
            continue;
        list = address_list_begin(field.body);
        while (right && address_list_next(&list, &entry)) {
            if (entry.kind != ADDRESS_MAILBOX)
                continue;
            strbuf_clear(&address);
            (void)strbuf_append(&address, entry.local); /* overflow is remembered */
            (void)strbuf_char(&address, '@');
            (void)strbuf_append(&address, entry.domain);
            right =
                !address.overflow && check(arg, strbuf_slice(&address), is_named(&field, "Sender"));
        }
        address_list_end(&list);
    }
    strbuf_free(&address);
    return right;
}

struct header_check {
    struct session *s;
    struct answer *a;
    const struct refusal *why;
    unsigned count;
    bool has_sender;
};

static bool
check_author(void *arg, struct slice address, bool is_sender)
{
    struct header_check *check = arg;
    /* whose it is counts for the one who sent it: Sender, or From where there is none */
    bool own = check->s->settings->from_must_match_auth && is_sender == check->has_sender;

    if (++check->count > HEADER_ADDRESSES_MAX)
        check->why = smtp_refusal(REFUSED_NOT_YOURS);
    else if (own || check->s->settings->from_must_be_local)
        check->why = check_user_address(check->s, address, own, check->a);
    return check->why == NULL;
}

const struct refusal *
sender_check_header(struct session *s, struct slice section, struct answer *a)
{
    struct header_check check = {.s = s, .a = a};
    struct header_field field;

    if (s->auth_user == NULL ||
        (!s->settings->from_must_match_auth && !s->settings->from_must_be_local))
        return NULL;
    check.has_sender = header_find(section, "Sender", &field);
    if (!each_author(section, check_author, &check) && check.why == NULL)
        return smtp_refusal(REFUSED_NOT_YOURS); /* an address that is too long */
    return check.why;
}

static bool
is_other(void *arg, struct slice address, bool is_sender)
{
    const struct session *s = arg;

    return is_sender || !slice_eq_nocase(address, slice_of(s->auth_user));
}

bool
sender_is_author(const struct session *s, struct slice section)
{
    return !each_author(section, is_other, (void *)(uintptr_t)s);
}
