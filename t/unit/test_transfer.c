/*
 * t/unit/test_transfer.c - lib/account/transfer and query: out, in, and out again.
 */
#include "t/unit/account_base.h"

#include "lib/account/query.h"
#include "lib/account/share.h"
#include "lib/account/transfer.h"

static void export(struct strbuf *text)
{
    struct strbuf cursor = strbuf_new(4096), part = strbuf_new(8u << 20);

    do {
        strbuf_clear(&part);
        ck_assert_int_eq(transfer_export(&test_base, &cursor, &part, &test_result), 0);
        ck_assert(strbuf_append(text, strbuf_slice(&part)));
    } while (cursor.len > 0);
    strbuf_free(&cursor);
    strbuf_free(&part);
}

static uint32_t
import(struct slice text)
{
    test_begin();
    ck_assert_int_eq(account_clear(&test_edit), 0);
    return test_end(transfer_import(&test_edit, text));
}

static void
populate(void)
{
    test_populate();
    ck_assert_uint_eq(test_add(ACCOUNT_DOMAIN, "a.test", "description", "first by name"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "alice@d.test", "password", "{PLAIN} two  words "), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "alice@d.test", "full_name", "\xc3\x84lice"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_ALIAS, "sales@a.test", "mailbox", "alice@d.test"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_GROUP, "team@d.test", NULL, NULL), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_GROUP, "all@d.test", NULL, NULL), 0);
    ck_assert_uint_eq(test_member("team@d.test", "sales@a.test"), 0);
    ck_assert_uint_eq(test_member("all@d.test", "team@d.test"), 0);
    ck_assert_uint_eq(test_member("all@d.test", "X@far.test"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_DOMAIN_ALIAS, "e.test", "domain", "a.test"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_ADMIN, "admin", NULL, NULL), 0);
}

START_TEST(a_round_trip_changes_no_byte)
{
    struct strbuf before = strbuf_new(8u << 20), after = strbuf_new(8u << 20);

    populate();
    export(&before);
    ck_assert_uint_eq(import(strbuf_slice(&before)), 0);
    export(&after);
    ck_assert_str_eq(strbuf_cstr(&after), strbuf_cstr(&before));
    ck_assert_str_eq(strbuf_cstr(&test_base.primary), "d.test");
    strbuf_free(&before);
    strbuf_free(&after);
    test_close();
}
END_TEST

static struct slice
some_value(const struct property *p)
{
    switch (p->type) {
    case PROPERTY_TEXT:
        if (slice_eq(slice_of(p->name), SLICE("unit")) ||
            slice_eq(slice_of(p->name), SLICE("parent")))
            return SLICE("sales");
        return SLICE("  # odd = text; \xc3\xa4 ");
    case PROPERTY_BOOL:
        return slice_eq(slice_of(p->dflt), SLICE("yes")) ? SLICE("no") : SLICE("yes");
    case PROPERTY_INT:
    case PROPERTY_SIZE:
        return p->max > 0 && p->max < 7 ? SLICE("3") : SLICE("7");
    case PROPERTY_DATE:
        return SLICE("2028-02-29");
    case PROPERTY_TIME:
        return SLICE("2020-01-02T03:04:05Z");
    case PROPERTY_ENUM: {
        struct slice choices = slice_of(p->choices);

        return slice_sub(choices, slice_rindex(choices, '|') + 1, choices.len);
    }
    case PROPERTY_ADDRESS: /* an administrator's is a mailbox of ours */
        return p->kind == ACCOUNT_ADMIN ? SLICE("alice@d.test") : SLICE("Some.One@far.test");
    case PROPERTY_ADDRESSES:
        return SLICE("Some.One@far.test;bob@d.test");
    case PROPERTY_WORDS:
        if (slice_eq(slice_of(p->name), SLICE("rights")))
            return SLICE("users");
        if (slice_eq(slice_of(p->name), SLICE("login_ip")))
            return SLICE("192.0.2.5");
        if (slice_eq(slice_of(p->name), SLICE("groups")))
            return SLICE("team@d.test");
        return p->kind == ACCOUNT_PUBLIC || p->kind == ACCOUNT_GROUP ? SLICE("alice@d.test @d.test")
                                                                     : SLICE("d.test");
    case PROPERTY_PLACE:
        return SLICE("https://issuer.test/keys?a=b");
    case PROPERTY_SYNC:
        return slice_of(strcmp(p->choices, "url") == 0      ? "ldaps://dir.test/ou=people, dc=test"
                        : strcmp(p->choices, "filter") == 0 ? "(&(a=b c)(d=*))"
                                                            : "address=uid,cn;group.member=member");
    case PROPERTY_ACCESS:
        return SLICE("deny 192.0.2.0/24;198.51.100.7");
    case PROPERTY_METHOD:
        return SLICE("ldaps://dir.test/ou=people, dc=test?uid=%n");
    case PROPERTY_DIRECTORY:
        return SLICE("disk2");
    case PROPERTY_RECORD:
        return SLICE("{PLAIN}some  words ");
    }
    return SLICE("");
}

/* Every property of `kind` that can be set, with a value that is not its default. */
static uint32_t
add_with_everything(enum account_kind kind, const char *name, const char *target)
{
    struct object_field fields[RECORD_PROPERTIES_MAX];
    size_t first, total = account_properties_of(kind, &first);
    uint32_t count = 0;

    for (size_t id = first; id < first + total; id++) {
        const struct property *p = &account_properties[id];
        bool is_target = id == ALIAS_TARGET || id == DOMAIN_ALIAS_TARGET;

        if ((p->flags & PROPERTY_GIVEN) == 0)
            fields[count++] = (struct object_field){slice_of(p->name),
                                                    is_target ? slice_of(target) : some_value(p)};
    }
    test_begin();
    return test_end(account_add(&test_edit, kind, slice_of(name), fields, count));
}

START_TEST(a_round_trip_keeps_every_property)
{
    struct strbuf before = strbuf_new(8u << 20), after = strbuf_new(8u << 20);

    populate();
    ck_assert_uint_eq(add_with_everything(ACCOUNT_DOMAIN, "full.test", NULL), 0);
    ck_assert_uint_eq(add_with_everything(ACCOUNT_DOMAIN_ALIAS, "fa.test", "full.test"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_UNIT, "sales@d.test", "full_name", "Sales"), 0);
    ck_assert_uint_eq(add_with_everything(ACCOUNT_UNIT, "north@d.test", NULL), 0);
    test_edit.restoring = true; /* else: a forward without the right to it */
    ck_assert_uint_eq(add_with_everything(ACCOUNT_USER, "full@d.test", NULL), 0);
    test_edit.restoring = false;
    ck_assert_uint_eq(add_with_everything(ACCOUNT_ALIAS, "alias@full.test", "full@d.test"), 0);
    ck_assert_uint_eq(add_with_everything(ACCOUNT_GROUP, "group@full.test", NULL), 0);
    ck_assert_uint_eq(add_with_everything(ACCOUNT_ADMIN, "full", NULL), 0);
    ck_assert_uint_eq(add_with_everything(ACCOUNT_PUBLIC, "Board@full.test", NULL), 0);
    ck_assert_uint_eq(add_with_everything(ACCOUNT_CONTACT, "Someone@outside", NULL), 0);
    test_begin();
    ck_assert_uint_eq(test_end(account_share_set(&test_edit, SLICE("bob@d.test"), SLICE("A b/C"),
                                                 SLICE("@d.test"), 3)),
                      0);
    export(&before);
    for (size_t id = 0; id < ACCOUNT_PROPERTY_COUNT; id++)
        if ((account_properties[id].flags & PROPERTY_GIVEN) == 0 &&
            account_properties[id].kind != ACCOUNT_AUTH_CODE) /* test_auth_code.c has those */
            ck_assert_msg(strstr(strbuf_cstr(&before), account_properties[id].name) != NULL, "%s",
                          account_properties[id].name);
    ck_assert_msg(import(strbuf_slice(&before)) == 0, "%s", strbuf_cstr(&test_result.text));
    export(&after);
    ck_assert_str_eq(strbuf_cstr(&after), strbuf_cstr(&before));
    strbuf_free(&before);
    strbuf_free(&after);
    test_close();
}
END_TEST

/* What was outside when it was added, and what is gone since. */
START_TEST(a_round_trip_takes_what_is_no_longer_right)
{
    struct strbuf before = strbuf_new(8u << 20), after = strbuf_new(8u << 20);

    populate();
    ck_assert_uint_eq(test_add(ACCOUNT_DOMAIN, "range.test", NULL, NULL), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_ADMIN, "dom", "domains", "range.test"), 0);
    ck_assert_uint_eq(test_del(ACCOUNT_DOMAIN, "range.test"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_DOMAIN, "far.test", NULL, NULL), 0); /* X@ is a member */
    export(&before);
    ck_assert_msg(import(strbuf_slice(&before)) == 0, "%s", strbuf_cstr(&test_result.text));
    export(&after);
    ck_assert_str_eq(strbuf_cstr(&after), strbuf_cstr(&before));
    strbuf_free(&before);
    strbuf_free(&after);
    test_close();
}
END_TEST

START_TEST(many_pages_make_one_text)
{
    struct strbuf before = strbuf_new(64u << 20), after = strbuf_new(64u << 20);
    const struct object_field description = {
        SLICE("description"),
        SLICE("some words that make this user longer so that the text takes more than one page; "
              "some words that make this user longer so that the text takes more than one page")};
    char name[64];

    populate();
    test_begin();
    for (int i = 0; i < 6000; i++) {
        (void)snprintf(name, sizeof(name), "user%d@d.test", i);
        ck_assert_int_eq(account_add(&test_edit, ACCOUNT_USER, slice_of(name), &description, 1), 0);
    }
    ck_assert_uint_eq(test_end(0), 0);
    export(&before);
    ck_assert_uint_gt(before.len, TRANSFER_PAGE_BYTES);
    ck_assert_uint_eq(import(strbuf_slice(&before)), 0);
    export(&after);
    ck_assert(slice_eq(strbuf_slice(&after), strbuf_slice(&before)));
    strbuf_free(&before);
    strbuf_free(&after);
    test_close();
}
END_TEST

START_TEST(a_change_between_two_pages_is_told)
{
    struct strbuf cursor = strbuf_new(4096), text = strbuf_new(1u << 20);

    populate();
    (void)strbuf_str(&cursor, "0 2 ");
    ck_assert_int_eq(transfer_export(&test_base, &cursor, &text, &test_result), -1);
    ck_assert_uint_eq(test_result.code, 3);
    strbuf_free(&cursor);
    strbuf_free(&text);
    test_close();
}
END_TEST

static const struct {
    const char *text, *error;
} bad[] = {
    {"    full_name x\n", "line 1: expected a property"},
    {"domain d.test\n   type primary\n", "line 2: expected a property"},
    {"domain d.test\nuser a@d.test\n    colour red\n", "line 2: there is no property 'colour'"},
    {"domain d.test\nuser a@d.test\n    status odd\n", "line 2: status: expected one of"},
    {"user a@d.test\n", "line 1: a@d.test: no such domain"},
    {"house d.test\n", "line 1: expected a kind and a name"},
    {"domain\n", "line 1: expected a kind and a name"},
    {"domain d.test\nmember team@d.test\n", "line 2: expected a kind and a name"},
    {"domain d.test\nmember team@d.test a@d.test\n", "line 2: team@d.test: no such group"},
    {"domain d.test\ndomain d.test\n", "line 2: d.test exists already"},
};

START_TEST(a_bad_line_leaves_everything_as_it_was)
{
    struct strbuf before = strbuf_new(8u << 20), after = strbuf_new(8u << 20);

    populate();
    export(&before);
    ck_assert_uint_ne(import(slice_of(bad[_i].text)), 0);
    ck_assert_msg(strstr(strbuf_cstr(&test_result.text), bad[_i].error) != NULL, "%s",
                  strbuf_cstr(&test_result.text));
    export(&after);
    ck_assert_str_eq(strbuf_cstr(&after), strbuf_cstr(&before));
    strbuf_free(&before);
    strbuf_free(&after);
    test_close();
}
END_TEST

struct listing {
    char text[4000];
    int left; /* rows that fit on this page */
};

static int
list_row(void *arg, const struct query_row *row)
{
    struct listing *listing = arg;
    size_t len = strlen(listing->text);

    if (listing->left-- == 0)
        return -1;
    (void)snprintf(listing->text + len, sizeof(listing->text) - len, "%s ",
                   strbuf_cstr(&row->name));
    return 0;
}

/* All pages of a listing, `page` rows each, at most `looked_at` rows of the table a page. */
static void
list(const struct query *query, int page, size_t looked_at, struct listing *listing)
{
    struct strbuf cursor = strbuf_new(QUERY_CURSOR_MAX);

    listing->text[0] = '\0';
    do {
        listing->left = page;
        ck_assert_int_eq(
            query_list(&test_base, query, &cursor, looked_at, list_row, listing, &test_result), 0);
    } while (cursor.len > 0);
    strbuf_free(&cursor);
}

START_TEST(pages_lose_and_repeat_nothing)
{
    static const char all[] = "alice@d.test bob@d.test carol@d.test ";
    struct listing listing;

    populate();
    for (int page = 1; page < 5; page++)
        for (size_t looked_at = 1; looked_at < 9; looked_at++) {
            list(&(struct query){.kind = ACCOUNT_USER}, page, looked_at, &listing);
            ck_assert_str_eq(listing.text, all);
        }
    list(&(struct query){.kind = ACCOUNT_ALIAS, .within = SLICE("a.test")}, 10, 10, &listing);
    ck_assert_str_eq(listing.text, "sales@a.test ");
    list(&(struct query){.kind = ACCOUNT_MEMBER, .within = SLICE("all@d.test")}, 1, 1, &listing);
    ck_assert_str_eq(listing.text, "X@far.test team@d.test ");
    test_close();
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("transfer");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, a_round_trip_changes_no_byte);
    tcase_add_test(tc, a_round_trip_takes_what_is_no_longer_right);
    tcase_add_test(tc, a_round_trip_keeps_every_property);
    tcase_add_test(tc, many_pages_make_one_text);
    tcase_add_test(tc, a_change_between_two_pages_is_told);
    tcase_add_loop_test(tc, a_bad_line_leaves_everything_as_it_was, 0, (int)ARRAY_LEN(bad));
    tcase_add_test(tc, pages_lose_and_repeat_nothing);
    return test_run(suite_create("transfer"), tc);
}
