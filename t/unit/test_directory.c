/*
 * t/unit/test_directory.c - directoryd's contacts and index: what a search finds through the index
 * is what it finds without, whatever changes; who sees what; parts of an answer.
 */
// LINK: directoryd/store.c
// LINK: directoryd/grams.c
// LINK: directoryd/book.c
// LINK: directoryd/search.c
// LINK: directoryd/group.c
// LINK: directoryd/unit.c
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "directoryd/book.h"
#include "directoryd/search.h"

enum { CONTACTS = 3000 };

static struct book book;
static struct ldap_filter *filter;

static void
setup(void)
{
    book = book_new();
    filter = ldap_filter_new();
}

static void
teardown(void)
{
    book_free(&book);
    ldap_filter_free(&filter);
}

static void
domain(const char *name, const char *own_users_only)
{
    const struct object_field fields[] = {
        {SLICE("kind"), SLICE("domain")},
        {SLICE("name"), slice_of(name)},
        {SLICE("contacts_own_users_only"), slice_of(own_users_only)}};

    ck_assert_int_eq(book_take(&book, fields, 3), 0);
}

static void
contact(const char *name, const char *full_name, const char *addresses)
{
    const struct object_field fields[] = {{SLICE("kind"), SLICE("contact")},
                                          {SLICE("name"), slice_of(name)},
                                          {SLICE("full_name"), slice_of(full_name)},
                                          {SLICE("addresses"), slice_of(addresses)}};

    ck_assert_int_eq(book_take(&book, fields, 4), 0);
}

static void
gone(const char *name)
{
    const struct object_field fields[] = {{SLICE("kind"), SLICE("gone")},
                                          {SLICE("name"), slice_of(name)}};

    ck_assert_int_eq(book_take(&book, fields, 2), 0);
}

/* Numbers of the names "n123" that the search finds, added to `sum`; the count is returned. */
static unsigned
run(const char *user_domain, uint16_t wanted, uint64_t *sum)
{
    const struct tree tree = {book.store, book.grams, SLICE("o"), SLICE("posthorn"), "o=posthorn"};
    const struct viewer viewer = {.domain = slice_of(user_domain)};
    struct directory_search search = {
        .level = LDAP_ENTRY_BASE, .scope = DIRECTORY_SCOPE_BELOW, .wanted = wanted};
    struct strbuf entries = strbuf_new(DIRECTORY_PAYLOAD_MAX);
    struct directory_found found;
    struct ldap_entry entry;
    unsigned count = 0;

    ck_assert_int_eq(ldap_filter_fold(filter), 0);
    do {
        struct slice rest;

        strbuf_clear(&entries);
        search_run(&tree, &viewer, &search, filter, &entries, &found);
        ck_assert_uint_eq(found.result, DIRECTORY_OK);
        ck_assert_uint_le(found.count, wanted);
        rest = strbuf_slice(&entries);
        while (directory_entry_next(&rest, &entry) == 1) {
            if (entry.kind != LDAP_ENTRY_CONTACT)
                continue;
            count++;
            *sum += strtoul(slice_sub(entry.name, 1, entry.name.len).ptr, NULL, 10);
        }
        ck_assert(!found.more || found.last > search.after);
        search.after = found.last;
    } while (found.more);
    strbuf_free(&entries);
    return count;
}

/* A substring filter on `attribute`; with `slow` in a form that the index knows nothing of. */
static void
substring(int attribute, enum ldap_filter_part_kind kind, const char *value, bool slow)
{
    int index;

    ldap_filter_clear(filter);
    index = slow ? ldap_filter_open(filter, LDAP_FILTER_NOT, LDAP_ATTR_UNKNOWN) : 0;
    if (slow)
        (void)ldap_filter_open(filter, LDAP_FILTER_NOT, LDAP_ATTR_UNKNOWN);
    (void)ldap_filter_open(filter, LDAP_FILTER_SUBSTRING, attribute);
    ck_assert_int_eq(ldap_filter_part(filter, kind, slice_of(value)), 0);
    if (slow) {
        ldap_filter_close(filter, index + 1, 1);
        ldap_filter_close(filter, index, 1);
    }
}

static void
make_contact(unsigned n, unsigned version)
{
    static const char *const first[] = {"Anna", "J\xc3\xb6rg", "\xe7\x8e\x8b", "Maria Luisa", "Bo"};
    char name[40], full[100], address[100];

    (void)snprintf(name, sizeof(name), "n%u@outside", n);
    (void)snprintf(full, sizeof(full), "%s Name%u", first[(n + version) % 5], n * 7 % 1000);
    (void)snprintf(address, sizeof(address), "a%u@h%u.test", n, (n + version) % 13);
    contact(name, full, address);
}

static void
compare_ways(void)
{
    static const struct {
        int attribute;
        enum ldap_filter_part_kind kind;
        const char *value;
    } questions[] = {
        {LDAP_ATTR_CN, LDAP_PART_INITIAL, "a"},
        {LDAP_ATTR_CN, LDAP_PART_INITIAL, "anna n"},
        {LDAP_ATTR_CN, LDAP_PART_ANY, "NAME12"},
        {LDAP_ATTR_SN, LDAP_PART_INITIAL, "name7"},
        {LDAP_ATTR_GIVEN_NAME, LDAP_PART_FINAL, "luisa"},
        {LDAP_ATTR_MAIL, LDAP_PART_FINAL, "h7.test"},
        {LDAP_ATTR_MAIL, LDAP_PART_ANY, "9@h1"},
        {LDAP_ATTR_CN, LDAP_PART_ANY, "\xc3\x96rg"},
        {LDAP_ATTR_CN, LDAP_PART_INITIAL, "\xe7\x8e\x8b"},
        {LDAP_ATTR_CN, LDAP_PART_ANY, "qqq"},
        {LDAP_ATTR_UID, LDAP_PART_INITIAL, "n29"},
        {LDAP_ATTR_CN, LDAP_PART_ANY, "am"},
    };

    for (size_t i = 0; i < ARRAY_LEN(questions); i++) {
        uint64_t fast_sum = 0, slow_sum = 0;
        unsigned fast, slow;

        substring(questions[i].attribute, questions[i].kind, questions[i].value, false);
        fast = run("d.test", 77, &fast_sum);
        substring(questions[i].attribute, questions[i].kind, questions[i].value, true);
        slow = run("d.test", 77, &slow_sum);
        ck_assert_msg(fast == slow && fast_sum == slow_sum, "%s: %u %u", questions[i].value, fast,
                      slow);
        ck_assert_msg((fast > 0) == (strcmp(questions[i].value, "qqq") != 0), "%s",
                      questions[i].value);
    }
}

START_TEST(the_index_finds_what_is_there)
{
    char name[40];

    for (unsigned n = 0; n < CONTACTS; n++)
        make_contact(n, 0);
    compare_ways();
    for (unsigned n = 0; n < CONTACTS; n += 3)
        make_contact(n, 1);
    for (unsigned n = 1; n < CONTACTS; n += 7) {
        (void)snprintf(name, sizeof(name), "n%u@outside", n);
        gone(name);
    }
    compare_ways();
    ck_assert_uint_gt(store_ids(book.store), store_live(book.store));
    for (unsigned n = 0; n < CONTACTS; n++)
        if (n % 7 != 1)
            make_contact(n, 2);
    book_tidy(&book); /* made anew */
    ck_assert_uint_eq(store_ids(book.store), store_live(book.store));
    compare_ways();
}
END_TEST

START_TEST(books_are_for_those_who_may)
{
    uint64_t sum = 0;

    domain("d.test", "yes");
    domain("open.test", "no");
    contact("n1@d.test", "Same", "");
    contact("n2@open.test", "Same", "");
    contact("n4@outside", "Same", "");
    contact("n8@late.test", "Same", ""); /* its domain is not there yet */
    substring(LDAP_ATTR_CN, LDAP_PART_INITIAL, "same", false);
    ck_assert_uint_eq(run("d.test", 10, &sum), 3);
    ck_assert_uint_eq(sum, 7);
    ck_assert_uint_eq(run("", 10, &sum), 2);
    domain("open.test", "yes");
    ck_assert_uint_eq(run("d.test", 10, &sum), 2);
    domain("late.test", "no");
    ck_assert_uint_eq(run("d.test", 10, &sum), 3);
    gone("@d.test");
    ck_assert_uint_eq(run("d.test", 10, &sum), 2);
    gone("@outside"); /* no domain: it stays */
    ck_assert_uint_eq(run("d.test", 10, &sum), 2);
}
END_TEST

static void
unit(const char *name, const char *parent)
{
    const struct object_field fields[] = {{SLICE("kind"), SLICE("unit")},
                                          {SLICE("name"), slice_of(name)},
                                          {SLICE("full_name"), SLICE("Unit of Many")},
                                          {SLICE("parent"), slice_of(parent)}};

    ck_assert_int_eq(book_take(&book, fields, 4), 0);
}

/* The first letters of the units that are found below `path` of d.test, in order of the names. */
static const char *
units_found(const char *path, enum directory_scope scope)
{
    const struct tree tree = {book.store, book.grams, SLICE("o"), SLICE("posthorn"), "o=posthorn"};
    const struct viewer viewer = {.domain = SLICE("d.test")};
    struct directory_search search = {.level = *path == '\0' ? LDAP_ENTRY_BOOK : LDAP_ENTRY_UNIT,
                                      .book = SLICE("d.test"),
                                      .name = slice_of(path),
                                      .scope = (uint8_t)scope,
                                      .wanted = 2};
    struct strbuf entries = strbuf_new(DIRECTORY_PAYLOAD_MAX);
    struct directory_found found;
    struct ldap_entry entry;
    static char seen[27];
    bool there[26] = {false};
    size_t len = 0;

    ldap_filter_clear(filter);
    (void)ldap_filter_open(filter, LDAP_FILTER_PRESENT, LDAP_ATTR_OU);
    ck_assert_int_eq(ldap_filter_fold(filter), 0);
    do {
        struct slice rest;

        strbuf_clear(&entries);
        search_run(&tree, &viewer, &search, filter, &entries, &found);
        if (found.result == DIRECTORY_NO_SUCH_BASE)
            return "-";
        rest = strbuf_slice(&entries);
        while (directory_entry_next(&rest, &entry) == 1)
            if (entry.kind == LDAP_ENTRY_UNIT)
                there[entry.name.ptr[0] - 'a'] = true;
        search.after = found.last;
    } while (found.more);
    strbuf_free(&entries);
    for (int i = 0; i < 26; i++)
        if (there[i])
            seen[len++] = (char)('a' + i);
    seen[len] = '\0';
    return seen;
}

START_TEST(units_are_a_tree)
{
    domain("d.test", "yes");
    contact("n1@d.test", "No Unit", "");
    unit("north@d.test", "sales"); /* before what is above it */
    ck_assert_str_eq(units_found("", DIRECTORY_SCOPE_ONE), "n");
    unit("sales@d.test", "acme");
    unit("acme@d.test", "");
    unit("lab@d.test", "acme");
    ck_assert_str_eq(units_found("", DIRECTORY_SCOPE_ONE), "a");
    ck_assert_str_eq(units_found("", DIRECTORY_SCOPE_SUBTREE), "alns");
    ck_assert_str_eq(units_found("", DIRECTORY_SCOPE_BASE), "");
    ck_assert_str_eq(units_found("acme", DIRECTORY_SCOPE_BASE), "a");
    ck_assert_str_eq(units_found("ACME", DIRECTORY_SCOPE_ONE), "ls");
    ck_assert_str_eq(units_found("acme", DIRECTORY_SCOPE_BELOW), "lns");
    ck_assert_str_eq(units_found("Sales acme", DIRECTORY_SCOPE_SUBTREE), "ns");
    ck_assert_str_eq(units_found("north sales acme", DIRECTORY_SCOPE_SUBTREE), "n");
    ck_assert_str_eq(units_found("north acme", DIRECTORY_SCOPE_BASE), "-");
    ck_assert_str_eq(units_found("sales", DIRECTORY_SCOPE_BASE), "-");
    ck_assert_str_eq(units_found("north  sales acme", DIRECTORY_SCOPE_BASE), "-");
    unit("sales@d.test", "lab");
    ck_assert_str_eq(units_found("north sales lab acme", DIRECTORY_SCOPE_BASE), "n");
    ck_assert_str_eq(units_found("acme", DIRECTORY_SCOPE_ONE), "l");
    unit("acme@d.test", "north"); /* a loop: accountd lets none come about */
    ck_assert_str_eq(units_found("", DIRECTORY_SCOPE_ONE), "");
    ck_assert_str_eq(units_found("", DIRECTORY_SCOPE_SUBTREE), "alns");
}
END_TEST

START_TEST(names_of_units_have_room)
{
    struct strbuf path = strbuf_new(LDAP_PATH_MAX);
    char name[100], parent[100] = "";

    domain("d.test", "yes");
    for (int i = 0; i < LDAP_UNITS_DEEP_MAX; i++) {
        struct strbuf longer = strbuf_new(LDAP_PATH_MAX);

        (void)snprintf(name, sizeof(name), "%c%062d@d.test", 'a' + i, i);
        unit(name, parent);
        *strchr(name, '@') = '\0';
        (void)snprintf(parent, sizeof(parent), "%s", name);
        ck_assert(strbuf_str(&longer, name) && (i == 0 || strbuf_char(&longer, ' ')) &&
                  strbuf_append(&longer, strbuf_slice(&path)));
        strbuf_free(&path);
        path = longer;
    }
    ck_assert_str_eq(units_found(strbuf_cstr(&path), DIRECTORY_SCOPE_BASE), "p");
    strbuf_free(&path);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("directory");
    TCase *tc = tcase_create("directory");
    SRunner *sr;
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, the_index_finds_what_is_there);
    tcase_add_test(tc, books_are_for_those_who_may);
    tcase_add_test(tc, units_are_a_tree);
    tcase_add_test(tc, names_of_units_have_room);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
