/*
 * lib/account/permit.c - may this administrator do this to that account? Names are as somebody
 * typed them; what they mean is looked up before it is compared. Changes nothing.
 */
#include "lib/account/permit.h"

#include "lib/account/canonical.h"
#include "lib/ipc/accountd.h"

/* What a verb needs, besides the domain. */
enum need {
    NEED_SUPER,   /* nobody else */
    NEED_SEE,     /* any function that has to do with the kind */
    NEED_CHANGE,  /* the function of the kind */
    NEED_PASSWORD /* that, or the one for passwords alone */
};

static const struct {
    const char *verb;
    enum need need;
} needs[] = {
    {"list", NEED_SEE},        {"show", NEED_SEE},        {"check", NEED_SEE},
    {"recount", NEED_CHANGE},  {"add", NEED_CHANGE},      {"del", NEED_CHANGE},
    {"set", NEED_CHANGE},      {"rename", NEED_CHANGE},   {"grant", NEED_CHANGE},
    {"passwd", NEED_PASSWORD}, {"defaults", NEED_CHANGE}, {"authenticate", NEED_PASSWORD},
    {"status", NEED_SEE},      {"recent", NEED_CHANGE},   {"sums", NEED_CHANGE},
};

static enum need
need_of(struct slice verb)
{
    for (size_t i = 0; i < ARRAY_LEN(needs); i++)
        if (slice_eq(verb, slice_of(needs[i].verb)))
            return needs[i].need;
    return NEED_SUPER; /* export, import, fresh, manages, authenticators of others */
}

static int
refuse(struct account_result *result, const char *why)
{
    return account_fail(result, ACCOUNTD_NO_RIGHT, "%s", why);
}

/* ---- functions ---- */

/* The function that a kind belongs to; -1: administrators, which are no role's business. */
static int
right_of(enum account_kind kind)
{
    switch (kind) {
    case ACCOUNT_DOMAIN:
    case ACCOUNT_DOMAIN_ALIAS:
        return ACCOUNT_RIGHT_DOMAINS;
    case ACCOUNT_USER:
    case ACCOUNT_AUTH_CODE:
    case ACCOUNT_UNIT:
        return ACCOUNT_RIGHT_USERS;
    case ACCOUNT_ALIAS:
        return ACCOUNT_RIGHT_ALIASES;
    case ACCOUNT_GROUP:
    case ACCOUNT_MEMBER:
        return ACCOUNT_RIGHT_GROUPS;
    case ACCOUNT_PUBLIC:
        return ACCOUNT_RIGHT_PUBLIC;
    case ACCOUNT_SHARE:
        return ACCOUNT_RIGHT_SHARES;
    case ACCOUNT_CONTACT:
        return ACCOUNT_RIGHT_CONTACTS;
    case ACCOUNT_WORD:
        return ACCOUNT_RIGHT_CONFIG;
    default: /* ACCOUNT_ADMIN, and what nobody has thought of here */
        return -1;
    }
}

/* Domains are seen by whoever has to do with anything in them. */
static bool
may_see(const struct account_actor *actor, enum account_kind kind)
{
    bool is_domain = kind == ACCOUNT_DOMAIN || kind == ACCOUNT_DOMAIN_ALIAS;
    int right = right_of(kind);

    if (right >= 0 && account_actor_has(actor, (enum account_right)right))
        return true;
    if (kind == ACCOUNT_USER && account_actor_has(actor, ACCOUNT_RIGHT_PASSWORDS))
        return true;
    for (int i = 0; is_domain && i < ACCOUNT_RIGHT_COUNT; i++)
        if (account_right_is_of_domain((enum account_right)i) &&
            account_actor_has(actor, (enum account_right)i))
            return true;
    return false;
}

static bool
has_function(const struct account_actor *actor, const struct account_wish *wish, enum need need)
{
    int right = right_of(wish->kind);

    if (need == NEED_SEE)
        return may_see(actor, wish->kind);
    if (right >= 0 && account_actor_has(actor, (enum account_right)right))
        return true;
    if (need == NEED_PASSWORD)
        return wish->kind == ACCOUNT_USER && account_actor_has(actor, ACCOUNT_RIGHT_PASSWORDS);
    return wish->kind == ACCOUNT_DOMAIN && slice_eq(wish->verb, SLICE("set")) &&
           account_actor_has(actor, ACCOUNT_RIGHT_SETTINGS);
}

/* A ready-made record would go by the rules for passwords; theirs come in the clear. */
static int
check_password(const struct account_wish *wish, struct account_result *result)
{
    for (uint32_t i = 0; i < wish->count && !wish->password_checked; i++) {
        const char *near;
        int id = account_property_find(wish->kind, wish->fields[i].name, &near);

        if (id == USER_PASSWORD || id == ADMIN_PASSWORD)
            return account_fail(result, ACCOUNTD_NO_RIGHT,
                                "a password is given as it is, not as a record");
    }
    return 0;
}

/* Limits of a domain, and where on this host something lies, are set from above. */
static int
check_properties(const struct account_actor *actor, const struct account_wish *wish,
                 struct account_result *result)
{
    if (account_actor_has(actor, ACCOUNT_RIGHT_DOMAINS) && account_actor_covers_all(actor))
        return 0;
    for (uint32_t i = 0; i < wish->count; i++) {
        const char *near;
        int id = account_property_find(wish->kind, wish->fields[i].name, &near);

        if (id >= 0 && (account_properties[id].flags & PROPERTY_ABOVE) != 0)
            return account_fail(result, ACCOUNTD_NO_RIGHT,
                                "'%s' is set by who may set limits of domains",
                                account_properties[id].name);
    }
    return 0;
}

static bool
is_given(const struct account_wish *wish, enum account_property id)
{
    for (uint32_t i = 0; i < wish->count; i++)
        if (slice_eq(wish->fields[i].name, slice_of(account_properties[id].name)))
            return true;
    return false;
}

/* ---- domains ---- */

/* The domain that `name` (an address, or a domain) lies in, as the base knows it. */
static int
check_domain(struct account_base *base, const struct account_actor *actor, struct slice name,
             struct account_result *result)
{
    struct record record = record_new(ACCOUNT_DOMAIN);
    struct strbuf domain = strbuf_new(CANONICAL_DOMAIN_MAX);
    size_t at = slice_rindex(name, '@');
    enum account_found found = account_find_domain(
        base, at < name.len ? slice_sub(name, at + 1, name.len) : name, &record, &domain);
    int rc = 0;

    if (found == ACCOUNT_TROUBLE)
        rc = account_fail_db(result);
    else if (found != ACCOUNT_FOUND || !account_actor_covers(actor, strbuf_slice(&domain)))
        rc = refuse(result, "the domain is not one of yours");
    record_free(&record);
    strbuf_free(&domain);
    return rc;
}

/* Membership is the business of who has the groups: those that are named, and those that the
 * mailbox would leave. */
static int
check_groups(struct account_base *base, const struct account_actor *actor,
             const struct account_wish *wish, struct account_result *result)
{
    struct slice named =
                     object_get(wish->fields, wish->count, account_properties[USER_GROUPS].name),
                 word;
    struct query_row row;
    int rc = 0;

    if (wish->kind != ACCOUNT_USER || !is_given(wish, USER_GROUPS))
        return 0;
    if (!account_actor_has(actor, ACCOUNT_RIGHT_GROUPS))
        return refuse(result, "groups: you have no right to change the members of groups");
    while (rc == 0 && !account_actor_covers_all(actor) &&
           (word = property_next_word(&named)).len > 0)
        rc = check_domain(base, actor, word, result);
    row = query_row_new();
    if (rc == 0 && !account_actor_covers_all(actor) && slice_eq(wish->verb, SLICE("set")) &&
        query_show(base, ACCOUNT_USER, wish->name, &row, result) == 0) {
        named = strbuf_slice(&row.text);
        while (rc == 0 && (word = property_next_word(&named)).len > 0)
            rc = check_domain(base, actor, word, result);
    }
    query_row_free(&row);
    return rc;
}

static int
check_place(struct account_base *base, const struct account_actor *actor,
            const struct account_wish *wish, struct account_result *result)
{
    if (account_actor_covers_all(actor))
        return 0;
    if (slice_eq(wish->verb, SLICE("sums")))
        return check_domain(base, actor, object_get(wish->fields, wish->count, "within"), result);
    if (slice_eq(wish->verb, SLICE("list"))) { /* without a place: its rows are judged one by one */
        struct slice within = object_get(wish->fields, wish->count, "within");

        return within.len == 0 ? 0 : check_domain(base, actor, within, result);
    }
    if (check_domain(base, actor, wish->name, result) < 0)
        return -1;
    if (slice_eq(wish->verb, SLICE("rename")))
        return check_domain(base, actor, object_get(wish->fields, wish->count, "new_name"), result);
    return 0;
}

/* ---- the decision ---- */

static bool
is_own_verb(struct slice verb)
{
    static const char *const verbs[] = {"show", "passwd", "totp-new", "totp-confirm"};

    for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
        if (slice_eq(verb, slice_of(verbs[i])))
            return true;
    return false;
}

/* Everybody may look at himself, change his own password (ADM-13) and get an authenticator. */
static bool
is_own_business(const struct account_actor *actor, const struct account_wish *wish)
{
    struct strbuf name = strbuf_new(CANONICAL_LOCAL_MAX);
    bool own = wish->kind == ACCOUNT_ADMIN && is_own_verb(wish->verb) &&
               canonical_local(wish->name, &name) == 0 &&
               slice_eq(strbuf_slice(&name), strbuf_slice(&actor->name));

    strbuf_free(&name);
    return own;
}

int
account_permit(struct account_base *base, const struct account_actor *actor,
               const struct account_wish *wish, struct account_result *result)
{
    enum need need = need_of(wish->verb);

    if (check_password(wish, result) < 0)
        return -1;
    if (account_actor_is_super(actor) || is_own_business(actor, wish))
        return 0;
    if (need == NEED_SUPER || !has_function(actor, wish, need))
        return refuse(result, "you have no right to do this");
    if (need == NEED_CHANGE && check_properties(actor, wish, result) < 0)
        return -1;
    if (need == NEED_CHANGE && check_groups(base, actor, wish, result) < 0)
        return -1;
    return check_place(base, actor, wish, result);
}

bool
account_permit_row(const struct account_actor *actor, const struct query_row *row)
{
    struct slice name = strbuf_slice(&row->name);

    if (account_actor_covers_all(actor))
        return true;
    if (row->kind == ACCOUNT_DOMAIN_ALIAS)
        name = record_get(&row->record, DOMAIN_ALIAS_TARGET);
    else if (row->kind == ACCOUNT_MEMBER || row->kind == ACCOUNT_SHARE ||
             row->kind == ACCOUNT_AUTH_CODE)
        name = strbuf_slice(&row->group);
    if (row->kind != ACCOUNT_DOMAIN && row->kind != ACCOUNT_DOMAIN_ALIAS)
        name = slice_sub(name, slice_rindex(name, '@') + 1, name.len);
    return account_actor_covers(actor, name);
}
