/*
 * t/unit/test_alerts.c - the table of alerts (alertd/alerts), its words (alertd/message), the watch
 * over services (alertd/service_watch), and URLs (lib/http/web_url).
 */
// LINK: alertd/alerts.c
// LINK: alertd/message.c
// LINK: alertd/service_watch.c
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alertd/message.h"
#include "alertd/service_watch.h"
#include "lib/http/web_url.h"
#include "lib/ipc/object.h"

#define MAIL 0
#define HOOK 1

static const char *const ways[] = {"mail", "https://a.test/x"};

static struct alerts *
new_table(void)
{
    return alerts_new(ways, ARRAY_LEN(ways));
}

/* "raised disk:q;" for each piece of news of the way, which is told of it. */
static char *
tell(struct alerts *alerts, size_t way, int64_t now_ms)
{
    static char text[4096];
    struct alert_item items[MESSAGE_ITEMS_MAX];
    struct strbuf out = strbuf_new(sizeof(text) - 1);
    size_t more, count = alerts_news(alerts, way, now_ms, items, MESSAGE_ITEMS_MAX, &more);

    ck_assert_int_eq(alerts_has_news(alerts, way, now_ms), count > 0);
    for (size_t i = 0; i < count; i++)
        (void)strbuf_printf(&out, "%s %s;", alert_news_word(&items[i]), items[i].name);
    if (more > 0)
        (void)strbuf_printf(&out, "+%zu", more);
    alerts_told(alerts, way);
    (void)memcpy(text, strbuf_cstr(&out), out.len + 1);
    strbuf_free(&out);
    return text;
}

START_TEST(each_way_is_told_once_of_what_has_become_of_it)
{
    struct alerts *a = new_table();

    alerts_set(a, ALERT_DISK, "disk:q", 1, "little", 1000);
    alerts_set(a, ALERT_DISK, "disk:q", 1, "less", 2000); /* no news */
    ck_assert_str_eq(tell(a, MAIL, 2000), "raised disk:q;");
    ck_assert_str_eq(tell(a, MAIL, 2000), "");
    alerts_set(a, ALERT_DISK, "disk:q", 2, "none", 3000); /* worse */
    ck_assert_str_eq(tell(a, MAIL, 3000), "still disk:q;");
    alerts_set(a, ALERT_DISK, "disk:q", 1, "little", 4000); /* better, not good */
    ck_assert_str_eq(tell(a, MAIL, 4000), "");
    alerts_set(a, ALERT_DISK, "disk:q", 0, "enough", 5000);
    ck_assert_uint_eq(alerts_level(a, "disk:q"), 0);
    ck_assert_str_eq(tell(a, MAIL, 5000), "cleared disk:q;");
    ck_assert_str_eq(tell(a, HOOK, 5000), ""); /* it came and went */
    ck_assert_str_eq(tell(a, MAIL, 5000), "");
    alerts_free(&a);
}
END_TEST

START_TEST(news_that_could_not_be_told_are_the_same_until_there_are_others)
{
    struct alerts *a = new_table();
    struct alert_item items[2];
    size_t more;

    alerts_set(a, ALERT_DISK, "disk:q", 1, "little", 1000);
    ck_assert_uint_eq(alerts_news(a, MAIL, 1000, items, 2, &more), 1);
    ck_assert(!alerts_news_again(a, MAIL)); /* never tried before */
    alerts_not_told(a, MAIL);
    alerts_set(a, ALERT_DISK, "disk:q", 1, "less", 2000);
    ck_assert_uint_eq(alerts_news(a, MAIL, 2000, items, 2, &more), 1);
    ck_assert(alerts_news_again(a, MAIL));
    alerts_not_told(a, MAIL);
    alerts_set(a, ALERT_DISK, "disk:q", 2, "none", 3000);
    ck_assert_uint_eq(alerts_news(a, MAIL, 3000, items, 2, &more), 1);
    ck_assert(!alerts_news_again(a, MAIL)); /* it is worse */
    alerts_not_told(a, MAIL);
    alerts_set(a, ALERT_QUEUE, "queue:age", 1, "old", 4000);
    ck_assert_uint_eq(alerts_news(a, MAIL, 4000, items, 2, &more), 2);
    ck_assert(!alerts_news_again(a, MAIL)); /* another one */
    alerts_told(a, MAIL);
    alerts_set(a, ALERT_QUEUE, "queue:age", 0, "", 5000);
    ck_assert_uint_eq(alerts_news(a, MAIL, 5000, items, 2, &more), 1);
    ck_assert(!alerts_news_again(a, MAIL));
    alerts_told(a, MAIL);
    alerts_free(&a);
}
END_TEST

/* A euro sign has three bytes. */
START_TEST(a_text_is_not_cut_within_a_character)
{
    for (size_t before = ALERT_TEXT_MAX - 3; before < ALERT_TEXT_MAX; before++) {
        struct alerts *a = new_table();
        struct alert_item item;
        char text[ALERT_TEXT_MAX + 16];
        size_t more;

        (void)snprintf(text, sizeof(text), "%0*d\xe2\x82\xac\xe2\x82\xac", (int)before, 0);
        alerts_set(a, ALERT_DISK, "disk:q", 1, text, 1000);
        ck_assert_uint_eq(alerts_news(a, MAIL, 1000, &item, 1, &more), 1);
        text[before + 3 <= ALERT_TEXT_MAX ? before + 3 : before] = '\0';
        ck_assert_str_eq(item.text, text);
        alerts_free(&a);
    }
}
END_TEST

START_TEST(what_changes_while_a_message_is_under_way_is_news_again)
{
    struct alerts *a = new_table();
    struct alert_item items[2];
    size_t more;

    alerts_set(a, ALERT_QUEUE, "queue:length", 1, "long", 1000);
    ck_assert_uint_eq(alerts_news(a, HOOK, 1000, items, 2, &more), 1);
    alerts_set(a, ALERT_QUEUE, "queue:length", 0, "short", 2000);
    alerts_set(a, ALERT_QUEUE, "queue:age", 1, "old", 2000);
    alerts_told(a, HOOK);
    ck_assert_str_eq(tell(a, HOOK, 2000), "cleared queue:length;raised queue:age;");
    alerts_set(a, ALERT_DISK, "disk:q", 1, "little", 3000);
    ck_assert_uint_eq(alerts_news(a, HOOK, 3000, items, 2, &more), 1);
    alerts_set(a, ALERT_DISK, "disk:q", 0, "enough", 4000);
    alerts_not_told(a, HOOK); /* nobody has heard of it */
    ck_assert_str_eq(tell(a, HOOK, 4000), "");
    alerts_free(&a);
}
END_TEST

START_TEST(reminders_come_after_their_time_and_not_for_blocks)
{
    struct alerts *a = new_table();

    alerts_set(a, ALERT_DISK, "disk:q", 1, "little", 1000);
    alerts_set(a, ALERT_BLOCK, "block:user:x", 1, "guessing", 1000);
    (void)tell(a, MAIL, 1000);
    alerts_remind(a, 0, 100000);
    alerts_remind(a, 5000, 5999);
    ck_assert_str_eq(tell(a, MAIL, 5999), "");
    alerts_remind(a, 5000, 6000);
    ck_assert_str_eq(tell(a, MAIL, 6000), "still disk:q;");
    alerts_set(a, ALERT_BLOCK, "block:user:x", 0, "", 7000);
    ck_assert_str_eq(tell(a, MAIL, 7000), "");
    alerts_free(&a);
}
END_TEST

START_TEST(what_is_not_found_any_more_is_cleared)
{
    struct alerts *a = new_table();

    alerts_set(a, ALERT_SERVICE, "service:a", 1, "", 1);
    alerts_set(a, ALERT_SERVICE, "service:b", 1, "", 1);
    alerts_set(a, ALERT_DISK, "disk:q", 1, "", 1);
    (void)tell(a, MAIL, 1);
    alerts_begin(a, ALERT_SERVICE);
    alerts_set(a, ALERT_SERVICE, "service:b", 1, "", 2);
    alerts_end(a, ALERT_SERVICE, 2);
    ck_assert_str_eq(tell(a, MAIL, 2), "cleared service:a;");
    alerts_free(&a);
}
END_TEST

START_TEST(silence_keeps_news_back_until_it_ends)
{
    static const char *const names[] = {"disk:q", "disk", "all"};
    struct alerts *a = new_table();

    ck_assert(alerts_silence(a, slice_of(names[_i]), 5000, 1000));
    alerts_set(a, ALERT_DISK, "disk:q", 1, "little", 1000);
    ck_assert_str_eq(tell(a, MAIL, 4999), "");
    ck_assert_str_eq(tell(a, MAIL, 5000), "raised disk:q;");
    ck_assert(alerts_silence(a, slice_of(names[_i]), 9000, 5000));
    alerts_set(a, ALERT_DISK, "disk:q", 2, "none", 6000);
    ck_assert_str_eq(tell(a, MAIL, 6000), "");
    ck_assert(alerts_silence(a, slice_of(names[_i]), 0, 6000));
    ck_assert_str_eq(tell(a, MAIL, 6000), "still disk:q;");
    alerts_free(&a);
}
END_TEST

START_TEST(silences_have_a_limit)
{
    struct alerts *a = new_table();
    char name[ALERT_NAME_MAX + 2];

    for (int i = 0; i < ALERT_SILENCES_MAX; i++) {
        (void)snprintf(name, sizeof(name), "disk:%d", i);
        ck_assert(alerts_silence(a, slice_of(name), 5000, 1000));
    }
    ck_assert(!alerts_silence(a, SLICE("disk"), 5000, 1000));
    ck_assert(alerts_silence(a, SLICE("disk"), 6000, 5000)); /* the others are over */
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    ck_assert(!alerts_silence(a, slice_of(name), 6000, 5000));
    alerts_free(&a);
}
END_TEST

START_TEST(the_text_gives_back_the_table)
{
    static const char *const other_ways[] = {"mail", "https://new.test/", "https://a.test/x"};
    struct alerts *a = new_table(), *b = alerts_new(other_ways, ARRAY_LEN(other_ways));
    struct strbuf text = strbuf_new(ALERTS_FILE_MAX);

    alerts_set(a, ALERT_DISK, "disk:q", 2, "tab\there", 1000);
    alerts_set(a, ALERT_QUEUE, "queue:length", 1, "", 1000);
    (void)tell(a, HOOK, 1000);
    (void)alerts_silence(a, SLICE("queue"), 9000, 1000);
    ck_assert(alerts_changed(a));
    ck_assert(!alerts_changed(a));
    alerts_print(a, &text);
    ck_assert_uint_eq(alerts_read(b, strbuf_slice(&text)), 0);
    ck_assert(!alerts_changed(b));
    ck_assert_uint_eq(alerts_level(b, "disk:q"), 2);
    ck_assert_str_eq(tell(b, 2, 2000), ""); /* told before */
    ck_assert_str_eq(tell(b, 0, 2000), "raised disk:q;");
    ck_assert_str_eq(tell(b, 1, 9000), "raised disk:q;raised queue:length;"); /* new among us */
    alerts_set(b, ALERT_DISK, "disk:q", 0, "", 9000);
    ck_assert_str_eq(tell(b, 2, 9000), "cleared disk:q;");
    strbuf_free(&text);
    alerts_free(&a);
    alerts_free(&b);
}
END_TEST

static const char *const damaged[] = {
    "alert\t9\t1\t1\t1\t1\t\tx\ty", /* no such kind */
    "alert\t0\t1\t1\t1\t1\tx\tn\tt",
    "alert\t0\t1\t1\t1\t1\t1+\t\tt",
    "alert\t0\t1",
    "silence\tx\tall",
    "way\t99\tmail",
    "what",
};

START_TEST(damaged_lines_are_left_out)
{
    struct alerts *a = new_table();
    struct strbuf text = strbuf_new(4096);

    (void)strbuf_printf(&text, "way\t0\tmail\n%s\nalert\t0\t1\t1\t1\t1\t1+\tdisk:q\tt\n",
                        damaged[_i]);
    ck_assert_uint_eq(alerts_read(a, strbuf_slice(&text)), 1);
    ck_assert_uint_eq(alerts_level(a, "disk:q"), 1);
    ck_assert_str_eq(tell(a, MAIL, 1), "");
    strbuf_free(&text);
    alerts_free(&a);
}
END_TEST

START_TEST(the_table_has_a_limit_and_a_message_too)
{
    struct alerts *a = new_table();
    char name[40], last[40];
    char *news;

    for (int i = 0; i < ALERTS_MAX + 10; i++) {
        (void)snprintf(name, sizeof(name), "block:user:%d", i);
        alerts_set(a, ALERT_BLOCK, name, 1, "", 1);
    }
    (void)snprintf(last, sizeof(last), "+%d", ALERTS_MAX - MESSAGE_ITEMS_MAX);
    news = tell(a, MAIL, 1);
    ck_assert_ptr_nonnull(strstr(news, last));
    ck_assert_str_eq(tell(a, MAIL, 1), "");
    alerts_free(&a);
}
END_TEST

/* ---- words ---- */

START_TEST(words_for_people_and_programs)
{
    const struct alert_item items[] = {
        {"disk:/q", "1 MiB \"left\"", ALERT_DISK, ALERT_RAISED, 0},
        {"service:smtp", "running", ALERT_SERVICE, ALERT_CLEARED, 1000}};
    const struct news news = {
        .items = items, .count = 2, .more = 3, .hostname = "mail.d.test", .now_ms = 2000};
    struct strbuf out = strbuf_new(4096);

    message_summary(&news, &out);
    ck_assert_str_eq(strbuf_cstr(&out), "raised disk:/q, +4");
    strbuf_clear(&out);
    message_lines(&news, &out);
    ck_assert_str_eq(
        strbuf_cstr(&out),
        "raised   disk:/q, since 1970-01-01T00:00:00.000Z\r\n         1 MiB \"left\"\r\n"
        "cleared  service:smtp, since 1970-01-01T00:00:01.000Z\r\n         running\r\n"
        "and 3 more: posthorn alert list");
    strbuf_clear(&out);
    message_json(&news, &out);
    ck_assert_str_eq(strbuf_cstr(&out),
                     "{\"host\":\"mail.d.test\",\"time\":\"1970-01-01T00:00:02.000Z\",\"alerts\":["
                     "{\"name\":\"disk:/q\",\"kind\":\"disk\",\"state\":\"raised\","
                     "\"since\":\"1970-01-01T00:00:00.000Z\",\"text\":\"1 MiB \\\"left\\\"\"},"
                     "{\"name\":\"service:smtp\",\"kind\":\"service\",\"state\":\"cleared\","
                     "\"since\":\"1970-01-01T00:00:01.000Z\",\"text\":\"running\"}],\"more\":3}");
    strbuf_free(&out);
}
END_TEST

/* ---- services ---- */

static void
service(struct service_watch *w, const char *state, const char *restarts, const char *uptime)
{
    struct strbuf data = strbuf_new(4096);

    object_add(&data,
               (const struct object_field[]){{SLICE("service"), SLICE("smtp")},
                                             {SLICE("state"), slice_of(state)},
                                             {SLICE("restarts"), slice_of(restarts)},
                                             {SLICE("uptime"), slice_of(uptime)},
                                             {SLICE("error"), SLICE("exit 1")}},
               5);
    service_watch_take(w, strbuf_slice(&data));
    strbuf_free(&data);
}

START_TEST(services_that_fail_and_those_that_restart)
{
    struct alerts *a = new_table();
    struct service_watch *w = service_watch_new(a, 60000);

    service(w, "running", "7", "1"); /* restarts from before count as none */
    service(w, "starting", "8", "");
    service(w, "running", "9", "1");
    ck_assert_uint_eq(alerts_level(a, "service:smtp"), 0);
    service(w, "running", "10", "1"); /* three */
    ck_assert_uint_eq(alerts_level(a, "service:smtp"), 1);
    service(w, "running", "10", "59");
    ck_assert_uint_eq(alerts_level(a, "service:smtp"), 1);
    service(w, "running", "10", "60");
    ck_assert_uint_eq(alerts_level(a, "service:smtp"), 0);
    service(w, "failed", "10", "");
    ck_assert_uint_eq(alerts_level(a, "service:smtp"), 1);
    service(w, "starting", "10", ""); /* tried again: not well yet */
    ck_assert_uint_eq(alerts_level(a, "service:smtp"), 1);
    service(w, "stopped", "10", ""); /* by the administrator */
    ck_assert_uint_eq(alerts_level(a, "service:smtp"), 0);
    service_watch_free(&w);
    alerts_free(&a);
}
END_TEST

/* ---- URLs ---- */

static const struct {
    const char *text, *host, *path;
    unsigned port;
    bool is_tls;
} urls[] = {
    {"https://a.test/x?y=1", "a.test", "/x?y=1", 443, true},
    {"http://127.0.0.1:8080/", "127.0.0.1", "/", 8080, false},
    {"http://a.test", "a.test", "/", 80, false},
    {"ftp://a.test/", NULL, NULL, 0, false},
    {"https://", NULL, NULL, 0, false},
    {"https:///x", NULL, NULL, 0, false},
    {"https://a.test:0/", NULL, NULL, 0, false},
    {"https://a.test:/", NULL, NULL, 0, false},
    {"https://a.test:65536/", NULL, NULL, 0, false},
    {"https://user@a.test/", NULL, NULL, 0, false},
    {"https://a.test/x y", NULL, NULL, 0, false},
    {"https://a.test/x\r\nHost: b", NULL, NULL, 0, false},
    {"https://a.test/#x", NULL, NULL, 0, false},
};

START_TEST(urls_have_host_port_and_path)
{
    struct web_url url;
    int rc = web_url_parse(slice_of(urls[_i].text), &url);

    ck_assert_int_eq(rc, urls[_i].host == NULL ? -1 : 0);
    if (rc < 0)
        return;
    ck_assert(slice_eq(url.host, slice_of(urls[_i].host)));
    ck_assert(slice_eq(url.path, slice_of(urls[_i].path)));
    ck_assert_uint_eq(url.port, urls[_i].port);
    ck_assert_int_eq(url.is_tls, urls[_i].is_tls);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("alerts");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_test(tc, each_way_is_told_once_of_what_has_become_of_it);
    tcase_add_test(tc, news_that_could_not_be_told_are_the_same_until_there_are_others);
    tcase_add_test(tc, a_text_is_not_cut_within_a_character);
    tcase_add_test(tc, what_changes_while_a_message_is_under_way_is_news_again);
    tcase_add_test(tc, reminders_come_after_their_time_and_not_for_blocks);
    tcase_add_test(tc, what_is_not_found_any_more_is_cleared);
    tcase_add_loop_test(tc, silence_keeps_news_back_until_it_ends, 0, 3);
    tcase_add_test(tc, silences_have_a_limit);
    tcase_add_test(tc, the_text_gives_back_the_table);
    tcase_add_loop_test(tc, damaged_lines_are_left_out, 0, (int)ARRAY_LEN(damaged));
    tcase_add_test(tc, the_table_has_a_limit_and_a_message_too);
    tcase_add_test(tc, words_for_people_and_programs);
    tcase_add_test(tc, services_that_fail_and_those_that_restart);
    tcase_add_loop_test(tc, urls_have_host_port_and_path, 0, (int)ARRAY_LEN(urls));
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
