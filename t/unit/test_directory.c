/*
 * t/unit/test_directory.c - directoryd's contacts and index: what a search finds through the index
 * is what it finds without, whatever changes; who sees what; parts of an answer.
 */
// LINK: directoryd/store.c
// LINK: directoryd/grams.c
// LINK: directoryd/book.c
// LINK: directoryd/intake.c
// LINK: directoryd/search.c
// LINK: directoryd/group.c
// LINK: directoryd/unit.c
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "directoryd/intake.h"
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
    (void)snprintf(address, sizeof(address), "a%u@h%u.test second%u@s.test", n, (n + version) % 13,
                   n);
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
        {LDAP_ATTR_SECOND_MAIL, LDAP_PART_ANY, "cond12"},
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

static void
take(const char *kind, const char *name, const char *property, const char *value)
{
    const struct object_field fields[] = {{SLICE("kind"), slice_of(kind)},
                                          {SLICE("name"), slice_of(name)},
                                          {slice_of(property), slice_of(value)}};

    ck_assert_int_eq(book_take(&book, fields, 3), 0);
}

/* What the group has for whoever knows the write password: names of members, and those elsewhere;
 * "-": it is not shown. */
static const char *
group_found(enum group_members how)
{
    const struct group_viewer viewer = {.sees_all = true};
    int64_t id = store_find(book.store, LDAP_ENTRY_GROUP,
                            store_book_number(book.store, SLICE("d.test")), SLICE("staff"));
    struct strbuf fields = strbuf_new(LDAP_FIELDS_BYTES_MAX);
    struct ldap_entry entry;
    static char text[1000];
    int number;

    if (id < 0 || !store_entry(book.store, (uint32_t)id, &entry, &number) ||
        !group_show(&entry, &viewer, "o=p", how, &fields))
        return "-";
    entry.fields = strbuf_slice(&fields);
    (void)snprintf(text, sizeof(text), "%.*s%.*s",
                   (int)ldap_entry_field(&entry, LDAP_FIELD_MEMBERS).len,
                   ldap_entry_field(&entry, LDAP_FIELD_MEMBERS).ptr,
                   (int)ldap_entry_field(&entry, LDAP_FIELD_OUTSIDE).len,
                   ldap_entry_field(&entry, LDAP_FIELD_OUTSIDE).ptr);
    strbuf_free(&fields);
    return text;
}

START_TEST(members_come_and_go)
{
    domain("d.test", "yes");
    take("members", "staff@d.test", "members", "ox@far.test ua@d.test gb@d.test"); /* before it */
    ck_assert_str_eq(group_found(GROUP_ALL_MEMBERS), "-");
    take("group", "staff@d.test", "shown", "gnn");
    ck_assert_str_eq(group_found(GROUP_ALL_MEMBERS),
                     "uid=a,ou=d.test,o=p\ncn=b,ou=d.test,o=p\nx@far.test");
    ck_assert_str_eq(group_found(GROUP_ONE_MEMBER), "uid=a,ou=d.test,o=p\n");
    take("member", "staff@d.test", "members", "gx@far.test"); /* it was known as another kind */
    take("member-gone", "staff@d.test", "members", "a@d.test");
    take("member-gone", "staff@d.test", "members", "d.test");
    take("group", "staff@d.test", "shown", "");
    ck_assert_str_eq(group_found(GROUP_ALL_MEMBERS), "-");
    take("member", "staff@d.test", "members", "oy@far.test"); /* while nobody sees it */
    take("group", "staff@d.test", "managers", "a@d.test");
    ck_assert_str_eq(group_found(GROUP_ALL_MEMBERS),
                     "cn=b,ou=d.test,o=p\ncn=x,ou=far.test,o=p\ny@far.test");
    take("group-gone", "staff@d.test", "x", "");
    take("member-gone", "staff@d.test", "members", "b@d.test");
    take("group", "staff@d.test", "shown", "mmm");
    ck_assert_str_eq(group_found(GROUP_ALL_MEMBERS), "");
}
END_TEST

/* Adds an object of one member to those of an answer. */
static void
add_change(struct strbuf *data, const char *kind, const char *name, const char *member)
{
    const struct object_field fields[] = {{SLICE("kind"), slice_of(kind)},
                                          {SLICE("name"), slice_of(name)},
                                          {SLICE("members"), slice_of(member)}};

    object_add(data, fields, 3);
}

START_TEST(changes_in_one_answer_are_in_order)
{
    struct strbuf data = strbuf_new(10000);

    domain("d.test", "yes");
    take("group", "staff@d.test", "shown", "mmm");
    take("members", "staff@d.test", "members", "oa@far.test ob@far.test oc@far.test");
    add_change(&data, "member-gone", "staff@d.test", "a@far.test");
    add_change(&data, "member", "staff@d.test", "od@far.test");
    add_change(&data, "member-gone", "staff@d.test", "d@far.test");
    add_change(&data, "member", "staff@d.test", "oe@far.test");
    add_change(&data, "member-gone", "staff@d.test", "b@far.test");
    add_change(&data, "member", "staff@d.test", "ob@far.test");
    add_change(&data, "member", "other@d.test", "of@far.test");
    add_change(&data, "member-gone", "third@d.test", "f@far.test"); /* no such group */
    add_change(&data, "member", "staff@d.test", "og@far.test");
    intake(&book, strbuf_slice(&data));
    ck_assert_str_eq(group_found(GROUP_ALL_MEMBERS), "c@far.test e@far.test b@far.test g@far.test");
    ck_assert_uint_eq(store_live(book.store), 2);
    strbuf_free(&data);
}
END_TEST

/* A hundred thousand members and thousands of changes: as many copies of all take 20 s. */
START_TEST(many_changes_of_a_large_group_are_one)
{
    struct strbuf data = strbuf_new(1u << 20), words = strbuf_new(60000);
    char member[40];
    clock_t began;

    domain("d.test", "yes");
    take("group", "staff@d.test", "shown", "mmm");
    for (unsigned i = 0; i < 100000; i++) {
        (void)strbuf_printf(&words, "%som%05u-of-a-long-name@far.test", words.len > 0 ? " " : "",
                            i);
        if (i % 1000 != 999)
            continue;
        take("members", "staff@d.test", "members", strbuf_cstr(&words));
        strbuf_clear(&words);
    }
    for (unsigned i = 0; i < 8000; i++) {
        bool stays = i == 7;

        (void)snprintf(member, sizeof(member), "%sm%05u-of-a-long-name@far.test", stays ? "o" : "",
                       i);
        add_change(&data, stays ? "member" : "member-gone", "staff@d.test", member);
    }
    ck_assert(!data.overflow);
    began = clock();
    intake(&book, strbuf_slice(&data));
    ck_assert_int_lt((int)((clock() - began) / CLOCKS_PER_SEC), 5);
    ck_assert(slice_starts(slice_of(group_found(GROUP_ALL_MEMBERS)),
                           SLICE("m08000-of-a-long-name@far.test m08001-")));
    strbuf_free(&data);
    strbuf_free(&words);
}
END_TEST

START_TEST(too_many_members_are_none)
{
    const struct object_field fields[] = {{SLICE("kind"), SLICE("members")},
                                          {SLICE("name"), SLICE("staff@d.test")},
                                          {SLICE("members"), {NULL, 0}}};
    struct object_field more[3] = {fields[0], fields[1], fields[2]};
    struct strbuf words = strbuf_new(60000);
    int rc = 0, chunks = 0;

    while (strbuf_printf(&words, "%sum%06zu@d.test", words.len > 0 ? " " : "", words.len))
        continue;
    domain("d.test", "yes");
    take("group", "staff@d.test", "shown", "mmm");
    more[2].value = strbuf_slice(&words);
    for (; rc == 0; chunks++)
        rc = book_take(&book, more, 3);
    ck_assert_int_eq(chunks, (int)(LDAP_FIELDS_BYTES_MAX / (words.len + 1)) + 1);
    ck_assert_str_eq(group_found(GROUP_ALL_MEMBERS), "");
    take("member", "staff@d.test", "members", "oy@far.test"); /* not the only one */
    ck_assert_str_eq(group_found(GROUP_ALL_MEMBERS), "");
    strbuf_free(&words);
}
END_TEST

/* Nearly all that an entry may have, so that longer fields of the group do not fit with it. */
static void
fill_with_members(const char *name)
{
    struct strbuf words = strbuf_new(60000);
    struct object_field fields[] = {{SLICE("kind"), SLICE("members")},
                                    {SLICE("name"), slice_of(name)},
                                    {SLICE("members"), SLICE("")}};

    while (strbuf_str(&words, words.len > 0 ? " ox@far.test" : "ox@far.test"))
        ;
    fields[2].value = strbuf_slice(&words);
    for (unsigned i = 0; i < LDAP_FIELDS_BYTES_MAX / 60001; i++)
        ck_assert_int_eq(book_take(&book, fields, 3), 0);
    strbuf_free(&words);
}

START_TEST(what_cannot_be_taken_is_not_shown_as_it_was)
{
    struct strbuf managers = strbuf_new(65000);
    struct object_field fields[] = {{SLICE("kind"), SLICE("group")},
                                    {SLICE("name"), SLICE("staff@d.test")},
                                    {SLICE("shown"), SLICE("nnn")},
                                    {SLICE("managers"), SLICE("")}};

    domain("d.test", "no");
    take("group", "staff@d.test", "shown", "mmm");
    fill_with_members("staff@d.test");
    while (strbuf_str(&managers, "a@d.test "))
        ;
    fields[3].value = strbuf_slice(&managers);
    ck_assert_int_eq(book_take(&book, fields, 4), -1);
    ck_assert_str_eq(group_found(GROUP_ALL_MEMBERS), ""); /* what it had is not to be seen */
    take("group", "staff@d.test", "shown", "nnn");
    ck_assert_str_eq(group_found(GROUP_ALL_MEMBERS), "-");
    strbuf_free(&managers);
}
END_TEST

START_TEST(fields_have_lengths_of_any_size)
{
    static const size_t lengths[] = {1, 127, 128, 16383, 16384, 65536, 2097152, 5000000};
    struct strbuf fields = strbuf_new(LDAP_FIELDS_BYTES_MAX + 100),
                  value = strbuf_new(LDAP_FIELDS_BYTES_MAX);
    struct slice rest, got;
    enum ldap_field field;

    ck_assert_ptr_nonnull(strbuf_room(&value, lengths[ARRAY_LEN(lengths) - 1]));
    memset(value.ptr, 'x', lengths[ARRAY_LEN(lengths) - 1]);
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        strbuf_clear(&fields);
        ck_assert(ldap_fields_add(&fields, LDAP_FIELD_TITLE, slice_make(value.ptr, lengths[i])));
        ck_assert(ldap_fields_add(&fields, LDAP_FIELD_FAX, SLICE("7")));
        rest = strbuf_slice(&fields);
        ck_assert_int_eq(ldap_fields_next(&rest, &field, &got), 1);
        ck_assert(field == LDAP_FIELD_TITLE && got.len == lengths[i]);
        ck_assert_int_eq(ldap_fields_next(&rest, &field, &got), 1);
        ck_assert(field == LDAP_FIELD_FAX && slice_eq(got, SLICE("7")));
        ck_assert_int_eq(ldap_fields_next(&rest, &field, &got), 0);
        rest = slice_sub(strbuf_slice(&fields), 0, lengths[i]); /* cut off */
        ck_assert_int_eq(ldap_fields_next(&rest, &field, &got), -1);
    }
    fields.max = 3;
    strbuf_clear(&fields);
    ck_assert(!ldap_fields_add(&fields, LDAP_FIELD_TITLE, SLICE("12")) && fields.len == 0);
    rest = SLICE("\x01\xff\xff\xff\xff\x01x");
    ck_assert_int_eq(ldap_fields_next(&rest, &field, &got), -1);
    strbuf_free(&fields);
    strbuf_free(&value);
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
    tcase_add_test(tc, members_come_and_go);
    tcase_add_test(tc, changes_in_one_answer_are_in_order);
    tcase_add_test(tc, many_changes_of_a_large_group_are_one);
    tcase_add_test(tc, too_many_members_are_none);
    tcase_add_test(tc, what_cannot_be_taken_is_not_shown_as_it_was);
    tcase_add_test(tc, fields_have_lengths_of_any_size);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
