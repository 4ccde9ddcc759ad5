/*
 * t/unit/test_log_reader.c - posthorn/log_reader: what the encoder wrote can be taken apart again.
 */
// LINK: posthorn/log_reader.c
// LINK: posthorn/output.c
#include <check.h>
#include <stdlib.h>

#include "lib/log/line.h"
#include "posthorn/log_reader.h"

static const struct {
    const char *line, *key, *value;
} values[] = {
    {"T p[1] info event=a queue_id=X1 k=v", "queue_id", "X1"},
    {"T p[1] info event=a k=\"q queue_id=FORGED\" queue_id=X1", "queue_id", "X1"},
    {"T p[1] info event=a k=\"\\\" queue_id=FORGED\"", "queue_id", ""},
    {"T p[1] info event=a k=\"\\\\\" queue_id=X1", "queue_id", "X1"},
    {"T p[1] info event=a", "queue_id", ""},
    {"", "event", ""},
    {"cut off", "event", ""},
    {"T p[1] info k=\"never closed", "k", "\"never closed"},
};

START_TEST(values_are_found_and_cannot_be_forged)
{
    struct slice value = log_line_value(slice_of(values[_i].line), values[_i].key);

    ck_assert(slice_eq(value, slice_of(values[_i].value)));
}
END_TEST

START_TEST(a_line_becomes_an_object)
{
    struct strbuf line = strbuf_new(LOG_DATAGRAM_MAX), json = strbuf_new(4096);
    struct log_origin origin = {.program = "smtpd", .pid = 7};
    const struct log_kv pairs[] = {KV_STR("a", "x"), KV_STR("b", "two \"words\"\n\x01"), KV_END};

    ck_assert(log_line_encode(&line, 0, &origin, LOG_INFO, "e", pairs));
    log_line_json(slice_trim(strbuf_slice(&line)), "smtp", &json);
    ck_assert_str_eq(strbuf_cstr(&json),
                     "{\"time\": \"1970-01-01T00:00:00.000Z\", \"service\": \"smtp\", "
                     "\"program\": \"smtpd\", \"pid\": 7, \"level\": \"info\", \"event\": \"e\", "
                     "\"fields\": {\"a\": \"x\", \"b\": \"two \\\"words\\\"\\u000a\\u0001\"}}");
    strbuf_free(&line);
    strbuf_free(&json);
}
END_TEST

START_TEST(entries_sort_by_time_and_keep_their_order_within_one)
{
    struct log_entries list = {0};

    log_entries_add(&list, SLICE("2026-11-23T10:00:00.002Z c"), "s");
    log_entries_add(&list, SLICE("2026-11-23T10:00:00.001Z b"), "s");
    log_entries_add(&list, SLICE("2026-11-23T10:00:00.001Z a"), "s");
    log_entries_add(&list, SLICE("2026-11-23T10:00:00.000Z z"), "s");
    log_entries_add(&list, SLICE("2026-11-23T10:00:00.001Z 9"), "s");
    log_entries_sort(&list);
    ck_assert_uint_eq(list.count, 5);
    ck_assert_str_eq(list.items[0].line + 25, "z");
    ck_assert_str_eq(list.items[1].line + 25, "b");
    ck_assert_str_eq(list.items[2].line + 25, "a");
    ck_assert_str_eq(list.items[3].line + 25, "9");
    ck_assert_str_eq(list.items[4].line + 25, "c");
    log_entries_clear(&list);
}
END_TEST

START_TEST(events_of_one_millisecond_stand_in_the_order_of_a_messages_life)
{
    static const char *const events[] = {"removed", "queued", "delivered", "received"};
    struct log_entries list = {0};

    for (size_t i = 0; i < ARRAY_LEN(events); i++) {
        log_entries_add(&list, SLICE("2026-11-23T10:00:00.001Z"), events[i]);
        list.items[i].rank = log_event_rank(slice_of(events[i]));
    }
    log_entries_sort(&list);
    ck_assert_str_eq(list.items[0].service, "received");
    ck_assert_str_eq(list.items[1].service, "queued");
    ck_assert_str_eq(list.items[2].service, "delivered");
    ck_assert_str_eq(list.items[3].service, "removed");
    log_entries_clear(&list);
}
END_TEST

static const struct {
    const char *name;
    bool rotated_too;
    const char *service; /* NULL: no log file */
} names[] = {
    {"smtp.log", false, "smtp"},
    {"smtp.log.20261123T100000.123Z", false, NULL},
    {"smtp.log.20261123T100000.123Z", true, "smtp"},
    {"smtp.log.bak", true, NULL},
    {"smtp.logs", true, NULL},
    {"smtp.txt", true, NULL},
    {".log", true, NULL},
};

START_TEST(names_of_log_files)
{
    char service[64];
    bool is = log_file_service(names[_i].name, names[_i].rotated_too, service);

    ck_assert_int_eq(is, names[_i].service != NULL);
    if (is)
        ck_assert_str_eq(service, names[_i].service);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("log_reader");
    TCase *tc = tcase_create("log_reader");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, values_are_found_and_cannot_be_forged, 0, (int)ARRAY_LEN(values));
    tcase_add_test(tc, a_line_becomes_an_object);
    tcase_add_test(tc, entries_sort_by_time_and_keep_their_order_within_one);
    tcase_add_test(tc, events_of_one_millisecond_stand_in_the_order_of_a_messages_life);
    tcase_add_loop_test(tc, names_of_log_files, 0, (int)ARRAY_LEN(names));
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
