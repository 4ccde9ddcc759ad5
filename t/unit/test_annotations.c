/*
 * t/unit/test_annotations.c - lib/store/annotation_set, annotations: bytes, limits, crashes.
 */
#include "t/unit/store_test.h"

#include "lib/store/annotation_file.h"
#include "lib/store/annotations.h"
#include "lib/store/check.h"
#include "lib/store/undelete.h"
#include "t/unit/crash_point.h"

#define STEPS_MAX 100

static const struct annotation_limits limits = {10, 100000};

static struct annotation_place
place_of(const char *folder)
{
    struct annotation_place place = {.own = store_test};

    if (folder[0] != '\0') {
        place.store = store_test;
        place.folder = slice_of(folder);
    }
    return place;
}

/* Sets one entry; the result. NULL: it goes. */
static int
set(const char *folder, const char *name, const char *value)
{
    const struct annotation_place place = place_of(folder);
    const struct annotation_change change = {slice_of(name), slice_of(value)};

    return annotations_change(&place, &change, 1, &limits, NULL, NULL);
}

/* The value as a string that lives until the next call; "NIL". */
static const char *
get(const char *folder, const char *name)
{
    static char value[100];
    const struct annotation_place place = place_of(folder);
    const struct annotation *found;
    struct annotation_sets sets;

    ck_assert_msg(annotations_read(&place, &sets) == 0, "%s: %s", folder, strerror(errno));
    found = annotation_set_find(&sets.shared, slice_of(name));
    if (found == NULL)
        found = annotation_set_find(&sets.private, slice_of(name));
    (void)snprintf(value, sizeof(value), "%.*s", found == NULL ? 3 : (int)found->value.len,
                   found == NULL ? "NIL" : found->value.ptr);
    annotations_free(&sets);
    return value;
}

/* ---- bytes ---- */

static const struct {
    const char *name;
    struct slice value;
} entries[] = {
    {"/private/a", {"", 0}},
    {"/shared/b", {"\0\r\n\xff", 4}},
    {"/private/vendor/acme/long", {"0123456789abcdef", 16}},
    {"/shared/gone", {NULL, 0}},
};

static void
write_entries(struct strbuf *out)
{
    struct annotation_set s = {.count = 0};

    annotation_set_put(&s, SLICE("/shared/gone"), SLICE("once"), 1);
    for (size_t i = 0; i < ARRAY_LEN(entries); i++)
        annotation_set_put(&s, slice_of(entries[i].name), entries[i].value, 10 + i);
    ck_assert(annotation_set_write(&s, out));
    annotation_set_free(&s);
}

START_TEST(what_is_written_is_read)
{
    struct strbuf bytes = strbuf_new(1000);
    struct annotation_set s;
    uint64_t highest;

    write_entries(&bytes);
    ck_assert_int_eq(annotation_set_parse_highest(strbuf_slice(&bytes), &highest), 0);
    ck_assert_uint_eq(highest, 13);
    ck_assert_int_eq(annotation_set_parse(&bytes, &s), 0);
    ck_assert_uint_eq(s.highest, 13);
    ck_assert_uint_eq(s.count, 4);
    ck_assert_uint_eq(annotation_set_count(&s), 3);
    for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
        const struct annotation *a = annotation_set_find(&s, slice_of(entries[i].name));

        ck_assert_int_eq(a == NULL, entries[i].value.ptr == NULL);
        ck_assert(a == NULL || slice_eq(a->value, entries[i].value));
    }
    ck_assert_ptr_nonnull(annotation_set_find(&s, SLICE("/PRIVATE/A")));
    annotation_set_free(&s);
}
END_TEST

START_TEST(any_changed_byte_is_damage)
{
    struct strbuf bytes = strbuf_new(1000);
    size_t len;

    write_entries(&bytes);
    len = bytes.len;
    for (size_t at = 0; at <= len; at++) { /* at `len`: cut by one */
        struct strbuf copy = strbuf_new(1000);
        struct annotation_set s;

        ck_assert(
            strbuf_append(&copy, slice_sub(strbuf_slice(&bytes), 0, at == len ? len - 1 : len)));
        if (at < len)
            copy.ptr[at] ^= 1;
        ck_assert_int_eq(annotation_set_parse(&copy, &s), -1);
        ck_assert_int_eq(errno, EBADMSG);
    }
    strbuf_free(&bytes);
}
END_TEST

START_TEST(removed_entries_are_remembered_for_a_while)
{
    struct annotation_set s = {.count = 0};
    char names[ANNOTATION_REMOVED_MAX + 5][20];

    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        (void)snprintf(names[i], sizeof(names[i]), "/private/%u", i);
        annotation_set_put(&s, slice_of(names[i]), SLICE("x"), i + 1);
    }
    for (unsigned i = 0; i < ARRAY_LEN(names); i++)
        annotation_set_put(&s, slice_of(names[i]), slice_of(NULL), 1000 + i);
    ck_assert_uint_eq(s.count, ANNOTATION_REMOVED_MAX);
    for (size_t i = 0; i < s.count; i++)
        ck_assert_uint_ge(s.list[i].changed, 1005);
    annotation_set_put(&s, SLICE("/private/never"), slice_of(NULL), 9999);
    ck_assert_uint_lt(s.highest, 9999);
    annotation_set_free(&s);
}
END_TEST

/* ---- places ---- */

START_TEST(shared_and_private_lie_apart)
{
    struct annotation_set there;

    ck_assert_int_eq(set("Sent", "/shared/a", "s"), 0);
    ck_assert_int_eq(set("Sent", "/private/a", "p"), 0);
    ck_assert_int_eq(set("", "/private/a", "server"), 0);
    ck_assert_str_eq(get("Sent", "/shared/a"), "s");
    ck_assert_str_eq(get("Sent", "/private/a"), "p");
    ck_assert_str_eq(get("", "/private/a"), "server");
    ck_assert_str_eq(get("INBOX", "/private/a"), "NIL");
    ck_assert_int_eq(set("", "/shared/a", "x"), -1);
    ck_assert_int_eq(errno, EACCES);
    ck_assert_int_eq(set("Nothing", "/shared/a", "x"), -1);
    ck_assert_int_eq(errno, ENOENT);
    /* whoever is given the folder alone finds nothing private in it */
    ck_assert_int_eq(annotation_file_load(store_test_fd, ".Sent/" ANNOTATIONS_SHARED, &there), 0);
    ck_assert_uint_eq(there.count, 1);
    ck_assert(slice_eq(there.list[0].name, SLICE("/shared/a")));
    annotation_set_free(&there);
    ck_assert_int_eq(faccessat(store_test_fd, ".Sent/" ANNOTATIONS_PRIVATE, F_OK, 0), -1);
}
END_TEST

START_TEST(limits_hold)
{
    char name[30], value[1001] = "";
    const struct annotation_place sent = place_of("Sent");
    const struct annotation_limits small = {10, 3000};
    struct annotation_change change = {.name = SLICE("/shared/long")};

    for (unsigned i = 0; i < 10; i++) {
        (void)snprintf(name, sizeof(name), "/private/%u", i);
        ck_assert_int_eq(set("INBOX", name, "x"), 0);
    }
    ck_assert_int_eq(set("INBOX", "/private/more", "x"), -1);
    ck_assert_int_eq(errno, EOVERFLOW);
    ck_assert_int_eq(set("INBOX", "/private/0", "y"), 0);
    ck_assert_int_eq(set("INBOX", "/private/0", NULL), 0);
    ck_assert_int_eq(set("INBOX", "/private/more", "x"), 0);
    memset(value, 'v', 1000);
    change.value = slice_make(value, 1000);
    ck_assert_int_eq(set("Drafts", "/private/long", value), 0);
    ck_assert_int_eq(annotations_change(&sent, &change, 1, &small, NULL, NULL), 0);
    ck_assert_uint_gt(annotation_file_sum(store_test_fd), 2000);
    ck_assert_int_eq(set("Trash", "/private/long", value), 0);
    ck_assert_int_eq(annotations_change(&sent, &change, 1, &small, NULL, NULL), 0); /* no growth */
    ck_assert_int_eq(set("Sent", "/shared/long", "short"), 0);
    ck_assert_int_eq(annotations_change(&sent, &change, 1, &small, NULL, NULL), -1);
    ck_assert_int_eq(errno, EDQUOT);
    ck_assert_str_eq(get("Sent", "/shared/long"), "short");
}
END_TEST

START_TEST(they_follow_their_folder)
{
    ck_assert_int_eq(store_create(store_test, SLICE("Work/Old"), STORE_USE_NONE), 0);
    ck_assert_int_eq(set("Work/Old", "/private/a", "p"), 0);
    ck_assert_int_eq(set("Work/Old", "/shared/a", "s"), 0);
    ck_assert_int_eq(store_rename(store_test, SLICE("Work"), SLICE("Play")), 0);
    ck_assert_str_eq(get("Play/Old", "/private/a"), "p");
    ck_assert_str_eq(get("Play/Old", "/shared/a"), "s");
    ck_assert_int_eq(store_remove(store_test, SLICE("Play/Old")), 0);
    ck_assert_int_eq(store_create(store_test, SLICE("Play/Old"), STORE_USE_NONE), 0);
    ck_assert_str_eq(get("Play/Old", "/private/a"), "NIL");
    ck_assert_str_eq(get("Play/Old", "/shared/a"), "NIL");
    ck_assert_uint_eq(annotation_file_sum(store_test_fd), 0);
    ck_assert_int_eq(set("INBOX", "/private/a", "p"), 0);
    ck_assert_int_eq(set("INBOX", "/shared/a", "s"), 0);
    ck_assert_int_eq(store_rename(store_test, SLICE("INBOX"), SLICE("Copy")), 0);
    for (const char *const *name = (const char *const[]){"INBOX", "Copy", NULL}; *name; name++) {
        ck_assert_str_eq(get(*name, "/private/a"), "p");
        ck_assert_str_eq(get(*name, "/shared/a"), "s");
    }
}
END_TEST

START_TEST(stamps_tell_what_changed)
{
    const struct annotation_place place = place_of("Sent");
    const struct annotation_change change = {SLICE("/private/a"), SLICE("x")};
    struct annotation_stamps none, before, after, now;
    uint64_t state = annotations_state(store_test);

    ck_assert_int_eq(annotations_stamps(&place, &none), 0);
    ck_assert_uint_eq(none.shared + none.private, 0);
    for (unsigned i = 0; i < 20; i++) {
        ck_assert_int_eq(annotations_change(&place, &change, 1, &limits, &before, &after), 0);
        ck_assert_uint_gt(after.private, before.private);
        ck_assert_uint_eq(after.shared, before.shared);
        ck_assert_int_eq(annotations_stamps(&place, &now), 0);
        ck_assert_uint_eq(now.private, after.private);
        ck_assert_uint_ne(annotations_state(store_test), state);
        state = annotations_state(store_test);
    }
    state = annotations_state_of_folders(store_test);
    ck_assert_int_eq(set("Sent", "/private/a", "z"), 0);
    ck_assert_uint_eq(annotations_state_of_folders(store_test), state);
    ck_assert_int_eq(set("Sent", "/shared/a", "z"), 0);
    ck_assert_uint_ne(annotations_state_of_folders(store_test), state);
    state = annotations_state(store_test);
    ck_assert_int_eq(set("Sent", "/private/none", NULL), 0); /* changes nothing */
    ck_assert_uint_eq(annotations_state(store_test), state);
}
END_TEST

START_TEST(who_may_only_read_changes_nothing)
{
    const struct store_options read_only = {.read_only = true};
    struct annotation_place place = place_of("Sent");
    struct store *reader;

    ck_assert_int_eq(set("Sent", "/shared/a", "s"), 0);
    reader = store_open(store_test_fd, &read_only);
    ck_assert_ptr_nonnull(reader);
    for (unsigned i = 0; i < 2; i++) {
        const struct annotation_change change = {i == 0 ? SLICE("/shared/a") : SLICE("/private/a"),
                                                 SLICE("x")};

        place.store = place.own = reader;
        ck_assert_int_eq(annotations_change(&place, &change, 1, &limits, NULL, NULL), -1);
        ck_assert_int_eq(errno, i == 0 ? EACCES : EROFS);
        place.own = store_test; /* a folder of somebody else */
        ck_assert_int_eq(annotations_change(&place, &change, 1, &limits, NULL, NULL),
                         i == 0 ? -1 : 0);
    }
    store_close(&reader);
    ck_assert_str_eq(get("Sent", "/shared/a"), "s");
    ck_assert_str_eq(get("Sent", "/private/a"), "x");
}
END_TEST

static int
take_all(void *arg, const struct expunged_message *message)
{
    (void)arg;
    (void)message;
    return 1;
}

START_TEST(they_come_back_with_a_removed_folder)
{
    store_close(&store_test);
    store_test_options.undelete_days = 1;
    store_test = store_open(store_test_fd, &store_test_options);
    store_test_options.undelete_days = 0;
    for (unsigned round = 0; round < 2; round++) {
        if (round == 0)
            ck_assert_int_eq(store_create(store_test, SLICE("Work"), STORE_USE_NONE), 0);
        (void)store_test_append("Work", "x\r\n", 0);
        ck_assert_int_eq(set("Work", "/shared/a", round == 0 ? "old" : "new"), 0);
        ck_assert_int_eq(store_remove(store_test, SLICE("Work")), 0);
        if (round == 1) { /* what is there by then stays */
            ck_assert_int_eq(store_create(store_test, SLICE("Work"), STORE_USE_NONE), 0);
            ck_assert_int_eq(set("Work", "/shared/a", "newest"), 0);
        }
        ck_assert_int_eq(store_undelete(store_test, take_all, NULL), round + 1);
        ck_assert_str_eq(get("Work", "/shared/a"), round == 0 ? "old" : "newest");
    }
}
END_TEST

/* ---- crashes and a full disk ---- */

static void
do_change(void *arg)
{
    const struct annotation_change changes[] = {{SLICE("/shared/a"), SLICE("new")},
                                                {SLICE("/private/a"), SLICE("new")},
                                                {SLICE("/private/b"), SLICE("more")}};
    struct annotation_place place = place_of("Sent");
    struct store *store = store_open(store_test_fd, &store_test_options);

    (void)arg;
    place.store = place.own = store;
    if (store == NULL ||
        annotations_change(&place, changes, ARRAY_LEN(changes), &limits, NULL, NULL) < 0)
        _exit(1);
    _exit(0);
}

/* Each file is whole: its values are all old or all new. */
static bool
is_new(bool shared)
{
    if (shared)
        return strcmp(get("Sent", "/shared/a"), "new") == 0;
    ck_assert_int_eq(strcmp(get("Sent", "/private/a"), "new") == 0,
                     strcmp(get("Sent", "/private/b"), "more") == 0);
    return strcmp(get("Sent", "/private/a"), "new") == 0;
}

static void
begin_again(bool there_before)
{
    static const char *const names[] = {"/shared/a", "/private/a", "/private/b"};

    store_test_teardown();
    store_test_setup();
    for (size_t i = 0; there_before && i < 2; i++)
        ck_assert_int_eq(set("Sent", names[i], "old"), 0);
}

START_TEST(a_crash_leaves_whole_files)
{
    int status, steps = 0;

    for (bool more = true; more && steps < STEPS_MAX;) {
        begin_again(_i == 1);
        steps++;
        more = crash_run(do_change, NULL, CRASH_KILL, steps, &status) >= steps;
        if (!more)
            break;
        (void)is_new(true);
        (void)is_new(false);
        ck_assert_int_eq(set("Sent", "/private/c", "next"), 0); /* what was left is no obstacle */
        ck_assert_int_eq(set("Sent", "/shared/c", "next"), 0);
    }
    ck_assert_int_gt(steps, 6);
    ck_assert_int_eq(status, 0);
    ck_assert(is_new(true) && is_new(false));
}
END_TEST

START_TEST(a_full_disk_changes_all_or_nothing)
{
    int status, steps = 0, refused = 0;

    for (bool more = true; more && steps < STEPS_MAX;) {
        begin_again(_i == 1);
        steps++;
        more = crash_run(do_change, NULL, CRASH_ENOSPC, steps, &status) >= steps;
        ck_assert_int_ge(status, 0);
        ck_assert_int_eq(is_new(true), status == 0);
        ck_assert_int_eq(is_new(false), status == 0);
        refused += status != 0;
    }
    ck_assert_int_gt(refused, 5);
}
END_TEST

/* ---- check ---- */

static unsigned findings;

static void
found(void *arg, const struct check_finding *finding)
{
    (void)arg;
    ck_assert_str_eq(finding->problem, "annotations_damaged");
    findings++;
}

START_TEST(a_check_moves_damage_aside)
{
    static const char *const paths[] = {ANNOTATIONS_SHARED, ".Sent/" ANNOTATIONS_SHARED,
                                        ANNOTATIONS_PRIVATE "/" ANNOTATIONS_SERVER};
    struct check_options options = {.found = found};
    struct check_totals totals;

    ck_assert_int_eq(set("INBOX", "/shared/a", "x"), 0);
    ck_assert_int_eq(set("Sent", "/shared/a", "x"), 0);
    ck_assert_int_eq(set("", "/private/a", "x"), 0);
    findings = 0;
    ck_assert_int_eq(store_check(store_test_fd, &options, &totals), 0);
    ck_assert_uint_eq(findings, 0);
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        int fd = openat(store_test_fd, paths[i], O_RDWR | O_CLOEXEC);
        char byte;

        ck_assert_int_eq(pread_exact(fd, &byte, 1, 20), 0);
        byte ^= 1; /* another one, whatever stands there */
        ck_assert_int_eq(pwrite_all(fd, slice_make(&byte, 1), 20), 0);
        (void)close(fd);
    }
    for (unsigned round = 0; round < 3; round++) { /* look, repair, look again */
        options.repair = round == 1;
        findings = 0;
        ck_assert_int_eq(store_check(store_test_fd, &options, &totals), 0);
        ck_assert_uint_eq(findings, round < 2 ? ARRAY_LEN(paths) : 0);
        ck_assert_uint_eq(totals.found[CHECK_LOST], round == 1 ? ARRAY_LEN(paths) : 0);
    }
    ck_assert_str_eq(get("Sent", "/shared/a"), "NIL");
    ck_assert_int_eq(set("Sent", "/shared/a", "y"), 0);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("annotations");
    TCase *bytes = tcase_create("bytes"), *store = tcase_create("store");
    SRunner *runner = srunner_create(s);
    int failed;

    tcase_add_test(bytes, what_is_written_is_read);
    tcase_add_test(bytes, any_changed_byte_is_damage);
    tcase_add_test(bytes, removed_entries_are_remembered_for_a_while);
    tcase_add_checked_fixture(store, store_test_setup, store_test_teardown);
    tcase_set_timeout(store, 60);
    tcase_add_test(store, shared_and_private_lie_apart);
    tcase_add_test(store, limits_hold);
    tcase_add_test(store, they_follow_their_folder);
    tcase_add_test(store, stamps_tell_what_changed);
    tcase_add_test(store, who_may_only_read_changes_nothing);
    tcase_add_test(store, they_come_back_with_a_removed_folder);
    tcase_add_loop_test(store, a_crash_leaves_whole_files, 0, 2);
    tcase_add_loop_test(store, a_full_disk_changes_all_or_nothing, 0, 2);
    tcase_add_test(store, a_check_moves_damage_aside);
    suite_add_tcase(s, bytes);
    suite_add_tcase(s, store);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
