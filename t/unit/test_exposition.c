/*
 * t/unit/test_exposition.c - lib/figures/exposition: the text for Prometheus, from hostile memory.
 */
#include "t/unit/scratch.h"

#include <check.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/figures/exposition.h"

#define DAY_MS INT64_C(86400000)
#define NOW (20000 * DAY_MS)

static int dir_fd;
static struct strbuf text;

static void
setup(void)
{
    ck_assert_ptr_nonnull(scratch_make());
    dir_fd = open(scratch_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    text = strbuf_new(EXPOSITION_MAX);
}

static void
teardown(void)
{
    strbuf_free(&text);
    (void)close(dir_fd);
    scratch_remove();
}

static void
count(const char *service, const char *counter, uint64_t value)
{
    struct stats *stats = stats_open(dir_fd, service, true);

    stats_add(stats_counter(stats, counter), value);
    stats_close(&stats);
}

static void
write_text(const char *only, int services)
{
    strbuf_clear(&text);
    ck_assert_int_eq(exposition_write(dir_fd, only, NOW, &text, NULL, NULL), services);
}

static void
check_has(const char *line)
{
    ck_assert_msg(strstr(strbuf_cstr(&text), line) != NULL, "no %s in:\n%s", line,
                  strbuf_cstr(&text));
}

START_TEST(samples_of_one_metric_stand_together)
{
    count("smtp", "connections", 3);
    count("smtp", "bytes_received", 9);
    count("smtp", "port_connections.smtps", 2);
    count("imap", "connections", 4);
    count("imap", "made_up_by_a_later_version.x", 5);
    count("queue", "messages_active", 6);
    write_text(NULL, 3);
    check_has("# HELP posthorn_connections_total Connections that got a session.\n"
              "# TYPE posthorn_connections_total counter\n"
              "posthorn_connections_total{service=\"imap\"} 4\n"
              "posthorn_connections_total{service=\"smtp\"} 3\n");
    check_has("# TYPE posthorn_received_bytes_total counter\n"
              "posthorn_received_bytes_total{service=\"smtp\"} 9\n");
    check_has("posthorn_port_connections_total{service=\"smtp\",port=\"smtps\"} 2\n");
    check_has("\n# TYPE posthorn_made_up_by_a_later_version_total counter\n"
              "posthorn_made_up_by_a_later_version_total{service=\"imap\",part=\"x\"} 5\n");
    check_has("# TYPE posthorn_messages_active gauge\n"
              "posthorn_messages_active{service=\"queue\"} 6\n");
    check_has("posthorn_start_time_seconds{service=\"smtp\"} 1");
    write_text("imap", 1);
    ck_assert_ptr_null(strstr(strbuf_cstr(&text), "smtp"));
}
END_TEST

START_TEST(days_are_counted_from_the_end)
{
    static const struct {
        int64_t ends_ms;
        const char *line;
    } cases[] = {{NOW + 3 * DAY_MS + 1000, "_days{service=\"key\"} 3\n"},
                 {NOW + DAY_MS - 1000, "_days{service=\"key\"} 0\n"},
                 {NOW - 1000, "_days{service=\"key\"} -1\n"},
                 {0, "_days{service=\"key\"} -1\n"}};

    count("key", "certificate_expiry_timestamp_seconds", (uint64_t)cases[_i].ends_ms / 1000);
    write_text(NULL, 1);
    check_has(cases[_i].line);
}
END_TEST

/* A session that was taken over writes what it likes into its service's block. */
START_TEST(what_is_no_name_is_left_out)
{
    static const char *const names[] = {
        "a\"} 1\nposthorn_forged 7", "two words", "", ".x", "a.", "a.b\"c", "A", "ä", "a{b"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        count("smtp", names[i], 7);
    count("smtp", "good", 7);
    write_text(NULL, 1);
    check_has("posthorn_good_total{service=\"smtp\"} 7\n");
    for (const char *at = strbuf_cstr(&text); *at != '\0'; at = strchr(at, '\n') + 1)
        ck_assert(strncmp(at, "# HELP posthorn_start", 21) == 0 ||
                  strncmp(at, "# TYPE posthorn_start", 21) == 0 ||
                  strncmp(at, "posthorn_start_time_seconds{", 28) == 0 ||
                  strncmp(at, "# TYPE posthorn_good_total counter\n", 35) == 0 ||
                  strncmp(at, "posthorn_good_total{", 20) == 0);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("exposition");
    TCase *tc = tcase_create("exposition");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, samples_of_one_metric_stand_together);
    tcase_add_loop_test(tc, days_are_counted_from_the_end, 0, 4);
    tcase_add_test(tc, what_is_no_name_is_left_out);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
