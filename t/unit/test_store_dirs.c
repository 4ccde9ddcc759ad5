/*
 * t/unit/test_store_dirs.c - lib/store/store_dirs: marks, links, and where a user is.
 */
#include "t/unit/store_test.h"

#define USER "d.test/00/alice"

static struct store_dirs dirs;

static void
setup(void)
{
    store_test_setup_empty();
    ck_assert_int_eq(mkdirat(store_test_fd, "store", 0700), 0);
    ck_assert_int_eq(mkdirat(store_test_fd, "stores", 0700), 0);
    dirs.main_fd = openat(store_test_fd, "store", O_PATH | O_DIRECTORY);
    dirs.others_fd = openat(store_test_fd, "stores", O_PATH | O_DIRECTORY);
}

static void
teardown(void)
{
    (void)close(dirs.main_fd);
    (void)close(dirs.others_fd);
    store_test_teardown();
}

static void
make_disk(const char *name, const char *mark)
{
    int fd;

    ck_assert_int_eq(mkdirat(dirs.others_fd, name, 0700), 0);
    fd = openat(dirs.others_fd, name, O_RDONLY | O_DIRECTORY);
    if (mark != NULL)
        ck_assert_int_eq(store_dirs_mark(fd, mark), 0);
    (void)close(fd);
}

static void
make_user_in(const char *top)
{
    char path[100];

    (void)snprintf(path, sizeof(path), "%s/" USER, top);
    store_test_make_user(path);
}

static int
open_error(void)
{
    int fd = store_dirs_open_mail(&dirs, SLICE(USER), O_RDONLY);

    if (fd < 0)
        return errno;
    (void)close(fd);
    return 0;
}

static void
mark_main(void)
{
    int fd = openat(store_test_fd, "store", O_RDONLY | O_DIRECTORY);

    ck_assert_int_eq(store_dirs_mark(fd, STORE_DIR_MAIN), 0);
    ck_assert_int_eq(store_dirs_mark(fd, STORE_DIR_MAIN), 0);
    ck_assert_int_eq(store_dirs_mark(fd, "other"), -1);
    ck_assert_int_eq(errno, EEXIST);
    (void)close(fd);
}

START_TEST(ids_are_plain_names)
{
    static const struct {
        const char *id;
        bool valid;
    } cases[] = {{"main", true},
                 {"disk2", true},
                 {"a-b_c", true},
                 {"", false},
                 {".", false},
                 {"..", false},
                 {"a/b", false},
                 {"A", false},
                 {"-a", false},
                 {"a.b", false},
                 {"0123456789012345678901234567890123", false}};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        ck_assert_msg(store_dir_id_valid(slice_of(cases[i].id)) == cases[i].valid, "%s",
                      cases[i].id);
}
END_TEST

START_TEST(without_its_mark_the_main_directory_is_missing)
{
    ck_assert_int_eq(open_error(), ENODEV);
    ck_assert(!store_dirs_is_unmarked_store(dirs.main_fd)); /* an empty mount point */
    mark_main();
    ck_assert_int_eq(open_error(), ENOENT);
    make_user_in("store");
    ck_assert_int_eq(open_error(), 0);
}
END_TEST

START_TEST(a_store_from_before_is_known_by_its_mail)
{
    make_user_in("store");
    ck_assert(store_dirs_is_unmarked_store(dirs.main_fd));
    mark_main();
    ck_assert(!store_dirs_is_unmarked_store(dirs.main_fd));
}
END_TEST

/* The link leads nowhere by itself, whatever its text is. */
START_TEST(links_are_read_and_not_followed)
{
    static const struct {
        const char *text;
        int error;
    } cases[] = {{"disk2", 0},
                 {"empty", ENODEV},
                 {"wrong", ENODEV},
                 {"none", ENODEV},
                 {"../../../store", ENODEV},
                 {"/etc", ENODEV},
                 {"main", ELOOP},
                 {"..", ENODEV}};

    mark_main();
    make_disk("disk2", "disk2");
    make_disk("empty", NULL);
    make_disk("wrong", "disk2");
    make_user_in("stores/disk2");
    make_user_in("stores/empty");
    make_user_in("stores/wrong");
    ck_assert_int_eq(mkdirat(dirs.main_fd, "d.test", 0700), 0);
    ck_assert_int_eq(mkdirat(dirs.main_fd, "d.test/00", 0700), 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ck_assert_int_eq(symlinkat(cases[i].text, dirs.main_fd, USER), 0);
        ck_assert_msg(open_error() == cases[i].error, "%s: %s", cases[i].text, strerror(errno));
        ck_assert_int_eq(unlinkat(dirs.main_fd, USER, 0), 0);
    }
}
END_TEST

START_TEST(missing_ones_are_listed_and_not_chosen)
{
    struct store_dir_info list[STORE_DIRS_MAX];
    char id[STORE_DIR_ID_SIZE];

    make_disk("b", NULL);
    make_disk("a", "a");
    make_disk("No.ID", NULL);
    ck_assert_int_eq(store_dirs_list(&dirs, 5, list), 3);
    ck_assert_str_eq(list[0].id, "main");
    ck_assert_str_eq(list[1].id, "a");
    ck_assert(list[0].missing && !list[1].missing && list[2].missing);
    ck_assert_int_eq(store_dirs_choose(&dirs, 5, id), 0);
    ck_assert_str_eq(id, "a");
    ck_assert_int_eq(store_dirs_choose(&dirs, 100, id), 0); /* all are full: one of them */
    ck_assert_int_eq(unlinkat(dirs.others_fd, "a/" STORE_DIR_MARK, 0), 0);
    ck_assert_int_eq(store_dirs_choose(&dirs, 5, id), -1);
    ck_assert_int_eq(errno, ENODEV);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("store_dirs");
    TCase *tc = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, ids_are_plain_names);
    tcase_add_test(tc, without_its_mark_the_main_directory_is_missing);
    tcase_add_test(tc, a_store_from_before_is_known_by_its_mail);
    tcase_add_test(tc, links_are_read_and_not_followed);
    tcase_add_test(tc, missing_ones_are_listed_and_not_chosen);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
