/*
 * t/unit/test_trace_find.c - posthorn/trace_find: which stories are found in log files, and in
 * which order they are told.
 */
// LINK: posthorn/trace_find.c
// LINK: posthorn/log_reader.c
// LINK: posthorn/output.c
#include <check.h>
#include <string.h>

#include "lib/base/mem.h"
#include "posthorn/trace_find.h"
#include "t/unit/scratch.h"

static FILE *
log_file(const char *name)
{
    char *path = xasprintf("%s/%s", scratch_dir, name);
    FILE *file = fopen(path, "a");

    ck_assert_ptr_nonnull(file);
    free(path);
    return file;
}

/* Two messages over three files, a refusal without a message, and a client sent away. */
static void
write_logs(void)
{
    FILE *old = log_file("smtp.log.20261123T110000.000Z"), *smtp = log_file("smtp.log");
    FILE *remote = log_file("remote.log");

    (void)fputs(
        "2026-11-23T10:00:00.000Z smtpd[1] info event=connected session=S1 client=192.0.2.1\n"
        "2026-11-23T10:00:01.000Z smtpd[1] info event=received session=S1 client=192.0.2.1 "
        "queue_id=Q1 helo=a.test from=Ann@a.test to=bob@b.test,eve@b.test message_id=one@a.test\n",
        old);
    (void)fputs(
        "2026-11-23T12:00:01.000Z smtpd[2] info event=received session=S2 client=2001:db8::9 "
        "queue_id=Q2 helo=c.test from=\"\" to=bob@b.test message_id=two@c.test\n"
        "2026-11-23T13:00:00.000Z smtpd[3] info event=connected session=S3 client=198.51.100.7\n"
        "2026-11-23T13:00:01.000Z smtpd[3] info event=rejected session=S3 client=198.51.100.7 "
        "helo=x stage=RCPT from=ann@a.test to=\"bob@b.test queue_id=Q1\" code=553\n"
        "2026-11-23T13:00:02.000Z smtpd[3] info event=disconnected session=S3 "
        "client=198.51.100.7\n"
        "2026-11-23T14:00:00.000Z smtpd[9] warn event=refused listener=smtp client=203.0.113.5 "
        "reason=denied\n",
        smtp);
    (void)fputs("2026-11-23T10:00:03.000Z remote-deliver[5] info event=sent queue_id=Q1 "
                "to=eve@b.test from=SRS0=x@d.test remote=mx.b.test ip=192.0.2.25\n"
                "2026-11-23T10:00:02.000Z queue-manager[5] info event=queued queue_id=Q1\n"
                "2026-11-23T12:00:02.000Z queue-manager[5] info event=notice queue_id=Q2 "
                "to=zoe@z.test\n",
                remote);
    (void)fclose(old);
    (void)fclose(smtp);
    (void)fclose(remote);
}

static const struct {
    const char *id, *message_id, *from, *to, *host, *since, *until;
    const char *told; /* clock time of the first line of each story, then the count of its lines */
} finds[] = {
    {.id = "Q1", .told = "10:00:01/3 "},
    {.id = "Q", .told = ""},
    {.message_id = "<two@c.test>", .told = "12:00:01/2 "},
    {.from = "ann@a.test", .told = "10:00:01/3 13:00:00/3 "},
    {.from = "<>", .told = "12:00:01/2 "},
    {.from = "@A.test", .host = "192.0.2.0/24", .told = "10:00:01/3 "},
    {.to = "BOB@b.test", .told = "10:00:01/3 12:00:01/2 "},
    {.to = "zoe@z.test", .told = ""}, /* a notice's, which is a message of its own */
    {.to = "eve@b.test", .told = "10:00:01/3 "},
    {.to = "bob@b.test", .from = "<>", .told = "12:00:01/2 "},
    {.to = "bob@b.test", .host = "mx.b.test", .told = "10:00:01/3 "},
    {.host = "192.0.2.25", .told = "10:00:01/3 "},
    {.host = "2001:db8::/32", .told = "12:00:01/2 "},
    {.host = "198.51.100.7", .told = "13:00:00/3 "},
    {.host = "203.0.113.5", .told = "14:00:00/1 "},
    {.since = "2026-11-23T12", .until = "2026-11-23T13", .told = "12:00:01/2 13:00:00/3 "},
    {.since = "2026-11-23T11", .to = "bob@b.test", .told = "12:00:01/2 "},
    {.until = "2026-11-23T10:00:01", .told = "10:00:01/3 "},
    {.since = "2026-11-24", .told = ""},
};

START_TEST(what_meets_all_that_is_asked_for)
{
    struct trace_wanted wanted = {slice_of(finds[_i].id),   slice_of(finds[_i].message_id),
                                  slice_of(finds[_i].from), slice_of(finds[_i].to),
                                  slice_of(finds[_i].host), slice_of(finds[_i].since),
                                  slice_of(finds[_i].until)};
    struct strbuf told = strbuf_new(1000);
    struct trace_result found;

    write_logs();
    ck_assert_ptr_null(trace_wanted_check(&wanted));
    trace_find(scratch_dir, &wanted, 10, &found);
    for (size_t i = 0; i < found.count; i++)
        (void)strbuf_printf(&told, "%.8s/%zu ", found.stories[i].lines.items[0].line + 11,
                            found.stories[i].lines.count);
    ck_assert_str_eq(strbuf_cstr(&told), finds[_i].told);
    ck_assert_int_eq(found.error, 0);
    trace_result_clear(&found);
    strbuf_free(&told);
}
END_TEST

/* Many files, many messages: what is told is bounded, and it is the newest. */
START_TEST(the_newest_of_many_files)
{
    struct trace_wanted wanted = {.to = SLICE("bob@b.test")};
    struct trace_result found;

    for (int file = 0; file < 200; file++) {
        char name[64];
        FILE *out;

        (void)snprintf(name, sizeof(name), "smtp.log.20261123T%02d%02d00.000Z", 10 + file / 60,
                       file % 60);
        out = log_file(name);
        for (int i = 0; i < 100; i++)
            (void)fprintf(out,
                          "2026-11-23T%02d:%02d:%02d.%03dZ smtpd[1] info event=received "
                          "queue_id=Q%dx%d from=a@a.test to=%s@b.test\n",
                          9 + file / 60, file % 60, i / 2, i, file, i, i % 2 == 0 ? "bob" : "eve");
        (void)fclose(out);
    }
    trace_find(scratch_dir, &wanted, 3, &found);
    ck_assert_uint_eq(found.count, 3);
    ck_assert_uint_eq(found.left_out, 200 * 50 - 3);
    ck_assert_ptr_nonnull(strstr(found.stories[0].lines.items[0].line, "queue_id=Q199x94 "));
    ck_assert_ptr_nonnull(strstr(found.stories[2].lines.items[0].line, "queue_id=Q199x98 "));
    trace_result_clear(&found);
}
END_TEST

static const struct {
    const char *text, *time; /* NULL: not a time */
} times[] = {
    {"2026", "2026"},
    {"2026-11-23", "2026-11-23"},
    {"2026-11-23 10:30", "2026-11-23T10:30"},
    {"2026-11-23T10:30:01.5Z", "2026-11-23T10:30:01.5"},
    {"2h", "1969-12-31T22:00:00.000Z"},
    {"2", NULL},
    {"yesterday", NULL},
    {"20x6", NULL},
    {"2026-11-23 10:30:00.0000", NULL},
    {"", NULL},
};

START_TEST(times_and_ages)
{
    char out[32] = "";

    ck_assert_int_eq(trace_time(slice_of(times[_i].text), 0, out), times[_i].time == NULL ? -1 : 0);
    if (times[_i].time != NULL)
        ck_assert_str_eq(out, times[_i].time);
}
END_TEST

START_TEST(something_has_to_be_asked_for)
{
    struct trace_wanted nothing = {.to = SLICE("")};
    struct trace_wanted backwards = {.since = SLICE("2026-11-23"), .until = SLICE("2026-11-22")};

    ck_assert_ptr_nonnull(trace_wanted_check(&nothing));
    ck_assert_ptr_nonnull(trace_wanted_check(&backwards));
}
END_TEST

static void
make(void)
{
    ck_assert_ptr_nonnull(scratch_make());
}

int
main(void)
{
    Suite *suite = suite_create("trace_find");
    TCase *tc = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tc, make, scratch_remove);
    tcase_add_loop_test(tc, what_meets_all_that_is_asked_for, 0, (int)ARRAY_LEN(finds));
    tcase_add_test(tc, the_newest_of_many_files);
    tcase_add_loop_test(tc, times_and_ages, 0, (int)ARRAY_LEN(times));
    tcase_add_test(tc, something_has_to_be_asked_for);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
