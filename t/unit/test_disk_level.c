/*
 * t/unit/test_disk_level.c - when a disk counts as low or full, and what the trigger's mode says.
 */
#include <check.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/queue/queue_pressure.h"
#include "lib/sys/disk_level.h"
#include "t/unit/scratch.h"

static const struct disk_limits limits = {
    .soft_bytes = 800, .hard_bytes = 400, .soft_files = 80, .hard_files = 40};

static const struct {
    uint64_t bytes, files;
    enum disk_level before, level;
} levels[] = {
    {800, 80, DISK_ENOUGH, DISK_ENOUGH},
    {799, 80, DISK_ENOUGH, DISK_LOW},
    {800, 79, DISK_ENOUGH, DISK_LOW},
    {400, 40, DISK_ENOUGH, DISK_LOW},
    {399, 40, DISK_ENOUGH, DISK_FULL},
    {400, 39, DISK_ENOUGH, DISK_FULL},
    {5000, 39, DISK_ENOUGH, DISK_FULL},
    {0, 0, DISK_ENOUGH, DISK_FULL},
    {899, 80, DISK_LOW, DISK_LOW}, /* an eighth more is needed */
    {900, 89, DISK_LOW, DISK_LOW},
    {900, 90, DISK_LOW, DISK_ENOUGH},
    {449, 80, DISK_FULL, DISK_FULL},
    {450, 80, DISK_FULL, DISK_LOW},
    {450, 44, DISK_FULL, DISK_FULL},
    {899, 90, DISK_FULL, DISK_LOW},
    {900, 90, DISK_FULL, DISK_ENOUGH},
    {900, UINT64_MAX, DISK_FULL, DISK_ENOUGH}, /* files that nobody counts */
};

START_TEST(a_limit_holds_until_there_is_an_eighth_more)
{
    const struct disk_room room = {.bytes = levels[_i].bytes, .files = levels[_i].files};

    ck_assert_int_eq(disk_level_of(&limits, &room, levels[_i].before), levels[_i].level);
}
END_TEST

START_TEST(without_limits_there_is_always_enough)
{
    static const struct disk_limits none = {.soft_bytes = 0};
    const struct disk_room room = {.bytes = 0, .files = 0};

    ck_assert_int_eq(disk_level_of(&none, &room, DISK_FULL), DISK_ENOUGH);
}
END_TEST

START_TEST(the_room_of_a_directory_is_its_file_systems)
{
    int fd = open(scratch_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct disk_gates gates = {.limits = {.hard_bytes = 1}};
    struct disk_room room;

    ck_assert_int_eq(disk_room_of(fd, &room), 0);
    ck_assert_uint_gt(room.bytes, 0);
    ck_assert_uint_ge(room.total_bytes, room.bytes);
    ck_assert(disk_gates_open(&gates, fd));
    ck_assert_uint_eq(gates.count, 1);
    gates.limits.hard_bytes = UINT64_MAX / 2;
    ck_assert(!disk_gates_open(&gates, fd));
    ck_assert_uint_eq(gates.count, 1);
    gates.limits.hard_bytes = room.bytes - room.bytes / 16; /* passed before: not yet enough */
    ck_assert(!disk_gates_open(&gates, fd));
    gates.limits.hard_bytes = 1;
    ck_assert(disk_gates_open(&gates, fd));
    (void)close(fd);
    ck_assert(disk_gates_open(&gates, fd)); /* whoever writes will see */
}
END_TEST

static void
open_scratch(void)
{
    ck_assert_ptr_nonnull(scratch_make());
}

static int
make_trigger(char path[128])
{
    (void)snprintf(path, 128, "%s/trigger", scratch_dir);
    (void)unlink(path);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_eq(chmod(path, 0622), 0);
    return open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
}

START_TEST(the_triggers_mode_carries_each_combination)
{
    char path[128];
    int fd = make_trigger(path);
    struct stat st;

    ck_assert_uint_eq(queue_pressure_get(fd), 0);
    for (unsigned bits = 0; bits < 8; bits++) {
        ck_assert_int_eq(queue_pressure_set(fd, bits), 0);
        ck_assert_uint_eq(queue_pressure_get(fd), bits);
        ck_assert_uint_eq(queue_pressure_read(path), bits);
        ck_assert_int_eq(fstat(fd, &st), 0);
        ck_assert_uint_eq(st.st_mode & 0666, 0622); /* who may use it stays */
    }
    (void)close(fd);
    ck_assert_uint_eq(queue_pressure_get(fd), 0);
    ck_assert_uint_eq(queue_pressure_read("/"), 0); /* no FIFO */
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("disk_level");
    TCase *tc = tcase_create("disk_level");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, open_scratch, scratch_remove);
    tcase_add_loop_test(tc, a_limit_holds_until_there_is_an_eighth_more, 0, (int)ARRAY_LEN(levels));
    tcase_add_test(tc, without_limits_there_is_always_enough);
    tcase_add_test(tc, the_room_of_a_directory_is_its_file_systems);
    tcase_add_test(tc, the_triggers_mode_carries_each_combination);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
