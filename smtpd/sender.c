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

static const struct refusal *
check_address(struct session *s, enum reception_sender has_to_be, struct slice address,
              struct answer *a)
{
    if (has_to_be == RECEPTION_ANYBODY)
        return NULL;
    accounts_ask_sender(s, has_to_be == RECEPTION_OF_USER ? slice_of(s->auth_user) : SLICE(""),
                        address, a);
    return reception_sender_judge(has_to_be, a->verdict, &a->refusal);
}

const struct refusal *
sender_check(struct session *s, struct slice sender, struct answer *a)
{
    struct reception_client client = session_client(s);

    return check_address(s, reception_sender(&s->settings->rules, &client, sender), sender, a);
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
    bool own = check->s->settings->rules.from_must_match_auth && is_sender == check->has_sender;

    if (++check->count > HEADER_ADDRESSES_MAX)
        check->why = smtp_refusal(REFUSED_NOT_YOURS);
    else if (own || check->s->settings->rules.from_must_be_local)
        check->why =
            check_address(check->s, own ? RECEPTION_OF_USER : RECEPTION_OF_OURS, address, check->a);
    return check->why == NULL;
}

const struct refusal *
sender_check_header(struct session *s, struct slice section, struct answer *a)
{
    struct header_check check = {.s = s, .a = a};
    struct header_field field;

    if (s->auth_user == NULL ||
        (!s->settings->rules.from_must_match_auth && !s->settings->rules.from_must_be_local))
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
