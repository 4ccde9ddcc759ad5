/*
 * t/unit/test_account_permit.c - lib/account: what each type of administrator may do to what.
 */
#include "t/unit/account_base.h"

#include "lib/account/permit.h"
#include "lib/ipc/accountd.h"

/* d.test and e.test, and administrators: one of each type, roles with and without domains. */
static void
populate(void)
{
    static const struct {
        const char *name, *type, *domains, *rights;
    } admins[] = {
        {"root", "super", "", ""},
        {"dom", "domain", "d.test", ""},
        {"help", "role", "", "passwords"},
        {"desk", "role", "d.test", "users groups"},
        {"ops", "role", "", "domains services"},
    };

    test_populate();
    ck_assert_uint_eq(test_add(ACCOUNT_DOMAIN, "e.test", NULL, NULL), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_DOMAIN_ALIAS, "alias.test", "domain", "d.test"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "eve@e.test", NULL, NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(admins); i++) {
        const struct object_field fields[] = {{SLICE("type"), slice_of(admins[i].type)},
                                              {SLICE("domains"), slice_of(admins[i].domains)},
                                              {SLICE("rights"), slice_of(admins[i].rights)}};

        test_begin();
        ck_assert_uint_eq(test_end(account_add(&test_edit, ACCOUNT_ADMIN, slice_of(admins[i].name),
                                               fields, ARRAY_LEN(fields))),
                          0);
    }
}

static bool password_checked = true;

/* `property`: one that is given, e.g. "new_name". */
static bool
may(const char *admin, const char *verb, enum account_kind kind, const char *name,
    const char *property, const char *value)
{
    const struct object_field field = {slice_of(property), slice_of(value)};
    const struct account_wish wish = {.verb = slice_of(verb),
                                      .kind = kind,
                                      .name = slice_of(name),
                                      .fields = &field,
                                      .count = property == NULL ? 0 : 1,
                                      .password_checked = password_checked};
    struct account_actor actor = account_actor_new();
    int rc;

    ck_assert_int_eq(account_actor_load(&test_base, slice_of(admin), &actor), 0);
    rc = account_permit(&test_base, &actor, &wish, &test_result);
    if (rc < 0)
        ck_assert_uint_eq(test_result.code, ACCOUNTD_NO_RIGHT);
    account_actor_free(&actor);
    return rc == 0;
}

/* Who may, as letters: r(oot) d(om) h(elp) k (desk) o(ps). */
static const struct {
    const char *verb;
    enum account_kind kind;
    const char *name, *property, *value, *who;
} cases[] = {
    {"add", ACCOUNT_USER, "new@d.test", NULL, NULL, "rdk"},
    {"add", ACCOUNT_USER, "new@D.Test", NULL, NULL, "rdk"},
    {"add", ACCOUNT_USER, "new@alias.test", NULL, NULL, "rdk"},
    {"add", ACCOUNT_USER, "new@e.test", NULL, NULL, "r"},
    {"add", ACCOUNT_USER, "new@d.test@e.test", NULL, NULL, "r"},
    {"add", ACCOUNT_USER, "new@nowhere.test", NULL, NULL, "r"},
    {"set", ACCOUNT_USER, "alice@d.test", "full_name", "A", "rdk"},
    {"set", ACCOUNT_USER, "alice@d.test", "password", "{X}x", "rdk"},
    {"set", ACCOUNT_USER, "alice@d.test", "mailbox_path", "disk2", "r"},
    {"set", ACCOUNT_USER, "eve@e.test", "full_name", "A", "r"},
    {"passwd", ACCOUNT_USER, "alice@d.test", "password", "{X}x", "rdhk"},
    {"passwd", ACCOUNT_USER, "eve@e.test", "password", "{X}x", "rh"},
    {"del", ACCOUNT_USER, "alice@d.test", NULL, NULL, "rdk"},
    {"del", ACCOUNT_USER, "eve@e.test", NULL, NULL, "r"},
    {"rename", ACCOUNT_USER, "alice@d.test", "new_name", "a@d.test", "rdk"},
    {"rename", ACCOUNT_USER, "alice@d.test", "new_name", "a@e.test", "r"},
    {"rename", ACCOUNT_USER, "eve@e.test", "new_name", "eve@d.test", "r"},
    {"show", ACCOUNT_USER, "alice@d.test", NULL, NULL, "rdhk"},
    {"show", ACCOUNT_USER, "eve@e.test", NULL, NULL, "rh"},
    {"list", ACCOUNT_USER, "", NULL, NULL, "rdhk"},
    {"list", ACCOUNT_USER, "", "within", "e.test", "rh"},
    {"recount", ACCOUNT_USER, "alice@d.test", NULL, NULL, "rdk"},
    {"add", ACCOUNT_ALIAS, "x@d.test", "mailbox", "alice@d.test", "rd"},
    {"add", ACCOUNT_GROUP, "g@d.test", NULL, NULL, "rdk"},
    {"add", ACCOUNT_MEMBER, "g@d.test", "member", "x@far.test", "rdk"},
    {"add", ACCOUNT_MEMBER, "g@e.test", "member", "alice@d.test", "r"},
    {"grant", ACCOUNT_PUBLIC, "p@d.test", "right", "read", "rd"},
    {"grant", ACCOUNT_SHARE, "alice@d.test", "rights", "lr", "rd"},
    {"grant", ACCOUNT_SHARE, "eve@e.test", "rights", "lr", "r"},
    {"add", ACCOUNT_AUTH_CODE, "alice@d.test", "services", "imap", "rdk"},
    {"add", ACCOUNT_AUTH_CODE, "eve@e.test", "services", "imap", "r"},
    {"list", ACCOUNT_AUTH_CODE, "", NULL, NULL, "rdk"},
    {"add", ACCOUNT_WORD, "sesame", NULL, NULL, "r"},
    {"add", ACCOUNT_CONTACT, "c@d.test", "full_name", "C", "rd"},
    {"add", ACCOUNT_CONTACT, "c@e.test", "full_name", "C", "r"},
    {"add", ACCOUNT_CONTACT, "c@outside", "full_name", "C", "r"},
    {"set", ACCOUNT_DOMAIN, "d.test", "description", "D", "rdo"},
    {"set", ACCOUNT_DOMAIN, "d.test", "type", "primary", "ro"},
    {"set", ACCOUNT_DOMAIN, "e.test", "description", "D", "ro"},
    {"add", ACCOUNT_DOMAIN, "n.test", NULL, NULL, "ro"},
    {"del", ACCOUNT_DOMAIN, "d.test", NULL, NULL, "ro"},
    {"rename", ACCOUNT_DOMAIN, "d.test", "new_name", "n.test", "ro"},
    {"add", ACCOUNT_DOMAIN_ALIAS, "n.test", "domain", "d.test", "ro"},
    {"list", ACCOUNT_DOMAIN, "", NULL, NULL, "rdhko"},
    {"show", ACCOUNT_DOMAIN, "e.test", NULL, NULL, "rho"},
    {"add", ACCOUNT_ADMIN, "mine", "type", "super", "r"},
    {"set", ACCOUNT_ADMIN, "dom", "domains", "e.test", "r"},
    {"set", ACCOUNT_ADMIN, "dom", "type", "super", "r"},
    {"del", ACCOUNT_ADMIN, "root", NULL, NULL, "r"},
    {"list", ACCOUNT_ADMIN, "", NULL, NULL, "r"},
    {"show", ACCOUNT_ADMIN, "dom", NULL, NULL, "rd"},
    {"passwd", ACCOUNT_ADMIN, "dom", "password", "{X}x", "rd"},
    {"passwd", ACCOUNT_ADMIN, "root", "password", "{X}x", "r"},
    {"export", ACCOUNT_DOMAIN, "", NULL, NULL, "r"},
    {"import-begin", ACCOUNT_DOMAIN, "", NULL, NULL, "r"},
    {"import-commit", ACCOUNT_DOMAIN, "", NULL, NULL, "r"},
    {"fresh", ACCOUNT_DOMAIN, "", NULL, NULL, "r"},
    {"of-the-future", ACCOUNT_USER, "alice@d.test", NULL, NULL, "r"},
};

START_TEST(nobody_gives_a_record_for_a_password)
{
    populate();
    password_checked = false;
    ck_assert(!may("root", "set", ACCOUNT_USER, "alice@d.test", "password", "{PLAIN}a"));
    ck_assert(!may("dom", "passwd", ACCOUNT_USER, "alice@d.test", "password", "{PLAIN}a"));
    ck_assert(!may("dom", "passwd", ACCOUNT_ADMIN, "dom", "password", "{PLAIN}a"));
    ck_assert(may("dom", "set", ACCOUNT_USER, "alice@d.test", "full_name", "A"));
    password_checked = true;
    test_close();
}
END_TEST

START_TEST(each_type_may_do_what_it_says)
{
    static const struct {
        char letter;
        const char *name;
    } actors[] = {{'r', "root"}, {'d', "dom"}, {'h', "help"}, {'k', "desk"}, {'o', "ops"}};

    populate();
    for (size_t c = 0; c < ARRAY_LEN(cases); c++)
        for (size_t a = 0; a < ARRAY_LEN(actors); a++)
            ck_assert_msg(
                may(actors[a].name, cases[c].verb, cases[c].kind, cases[c].name, cases[c].property,
                    cases[c].value) == (strchr(cases[c].who, actors[a].letter) != NULL),
                "%s: %s %s %s %s", actors[a].name, cases[c].verb, account_kind_name(cases[c].kind),
                cases[c].name, cases[c].property == NULL ? "" : cases[c].property);
    test_close();
}
END_TEST

struct seen {
    struct account_actor actor;
    unsigned rows, visible;
};

static int
look(void *arg, const struct query_row *row)
{
    struct seen *seen = arg;

    seen->rows++;
    seen->visible += account_permit_row(&seen->actor, row);
    return 0;
}

static unsigned
visible(const char *admin, enum account_kind kind, unsigned rows)
{
    const struct query query = {.kind = kind};
    struct seen seen = {.actor = account_actor_new()};
    struct strbuf cursor = strbuf_new(QUERY_CURSOR_MAX);

    ck_assert_int_eq(account_actor_load(&test_base, slice_of(admin), &seen.actor), 0);
    ck_assert_int_eq(query_list(&test_base, &query, &cursor, 1000, look, &seen, &test_result), 0);
    ck_assert_uint_eq(seen.rows, rows);
    account_actor_free(&seen.actor);
    strbuf_free(&cursor);
    return seen.visible;
}

START_TEST(listings_show_the_own_domains_alone)
{
    populate();
    ck_assert_uint_eq(test_add(ACCOUNT_GROUP, "g@e.test", NULL, NULL), 0);
    ck_assert_uint_eq(test_member("g@e.test", "alice@d.test"), 0);
    ck_assert_uint_eq(visible("root", ACCOUNT_USER, 4), 4);
    ck_assert_uint_eq(visible("help", ACCOUNT_USER, 4), 4);
    ck_assert_uint_eq(visible("dom", ACCOUNT_USER, 4), 3);
    ck_assert_uint_eq(visible("desk", ACCOUNT_USER, 4), 3);
    ck_assert_uint_eq(visible("dom", ACCOUNT_DOMAIN, 2), 1);
    ck_assert_uint_eq(visible("dom", ACCOUNT_DOMAIN_ALIAS, 1), 1);
    ck_assert_uint_eq(visible("dom", ACCOUNT_MEMBER, 1), 0); /* of another domain's group */
    test_close();
}
END_TEST

START_TEST(roles_have_rights_that_exist_and_fit)
{
    populate();
    ck_assert_uint_eq(test_set(ACCOUNT_ADMIN, "help", "rights", ""), 1);
    ck_assert_uint_eq(test_set(ACCOUNT_ADMIN, "help", "rights", "passwords flying"), 1);
    ck_assert_uint_eq(test_set(ACCOUNT_ADMIN, "desk", "rights", "users services"), 1);
    ck_assert_uint_eq(test_set(ACCOUNT_ADMIN, "ops", "domains", "d.test"), 1);
    ck_assert_uint_eq(test_set(ACCOUNT_ADMIN, "help", "domains", "d.test"), 0);
    ck_assert(!may("help", "passwd", ACCOUNT_USER, "eve@e.test", "password", "{X}x"));
    /* Another type, and what was ticked says nothing any more. */
    ck_assert_uint_eq(test_set(ACCOUNT_ADMIN, "desk", "type", "domain"), 0);
    ck_assert(may("desk", "add", ACCOUNT_ALIAS, "x@d.test", NULL, NULL));
    /* A domain that is gone does not make of its administrator one of all domains. */
    ck_assert_uint_eq(test_set(ACCOUNT_ADMIN, "help", "domains", "e.test"), 0);
    ck_assert_uint_eq(test_del(ACCOUNT_USER, "eve@e.test"), 0);
    ck_assert_uint_eq(test_del(ACCOUNT_DOMAIN, "e.test"), 0);
    ck_assert(!may("help", "passwd", ACCOUNT_USER, "alice@d.test", "password", "{X}x"));
    test_close();
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("account_permit");

    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, nobody_gives_a_record_for_a_password);
    tcase_add_test(tc, each_type_may_do_what_it_says);
    tcase_add_test(tc, listings_show_the_own_domains_alone);
    tcase_add_test(tc, roles_have_rights_that_exist_and_fit);
    return test_run(suite_create("account_permit"), tc);
}
