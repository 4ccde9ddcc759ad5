/*
 * t/unit/test_tlsrpt.c - records and URIs of TLS-RPT (lib/tlsrpt/record), the count of a day and
 * its file (stsd/tally), the report (stsd/report).
 */
// LINK: stsd/tally.c
// LINK: stsd/report.c
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/json.h"
#include "lib/log/log.h"
#include "lib/tlsrpt/record.h"
#include "stsd/report.h"

/* ---- records ---- */

static const struct {
    const char *record;
    int rc;
    size_t count;
} records[] = {
    {"v=TLSRPTv1; rua=mailto:a@d.test", 0, 1},
    {"v=TLSRPTv1;rua=https://d.test/x,MAILTO:a@d.test;", 0, 2},
    {"v=TLSRPTv1 ;\tx=y ; rua= mailto:a@d.test , mailto:b@d.test", 0, 2},
    {"v=TLSRPTv1; rua=ftp://d.test,mailto:a@d.test", 0, 1},
    {"v=TLSRPTv1; rua=mailto:1,mailto:2,mailto:3,mailto:4,mailto:5", 0, 4},
    {"v=TLSRPTv1; rua=mailto:a@d.test; rua=mailto:b@d.test", 0, 2},
    {"v=TLSRPTv10; rua=mailto:a@d.test", 1, 0},
    {"v=tlsrptv1; rua=mailto:a@d.test", 1, 0},
    {"v=spf1 -all", 1, 0},
    {" rua=mailto:a@d.test; v=TLSRPTv1", 1, 0},
    {"", 1, 0},
    {"v=TLSRPTv1", -1, 0},
    {"v=TLSRPTv1; rua=", -1, 0},
    {"v=TLSRPTv1; rua=ftp://d.test", -1, 0},
    {"v=TLSRPTv1; rua", -1, 0},
    {"v=TLSRPTv1;; rua=mailto:a@d.test", -1, 0},
};

START_TEST(records_name_places)
{
    struct tlsrpt_record record;

    ck_assert_int_eq(tlsrpt_record_parse(slice_of(records[_i].record), &record), records[_i].rc);
    if (records[_i].rc == 0)
        ck_assert_uint_eq(record.count, records[_i].count);
}
END_TEST

static const struct {
    const char *uri, *address; /* NULL: refused */
} mailtos[] = {
    {"mailto:a@d.test", "a@d.test"},
    {"mailto:tls%2Brpt@d.test?subject=x", "tls+rpt@d.test"},
    {"mailto:a@d.test,b@d.test", "a@d.test"},
    {"mailto:a%40d.test", "a@d.test"},
    {"mailto:a%0D%0ADATA@d.test", NULL},
    {"mailto:a%4@d.test", NULL},
    {"mailto:a@d.test%", NULL},
    {"mailto:a@[127.0.0.1]", NULL},
    {"mailto:", NULL},
    {"mailto:a", NULL},
};

START_TEST(mailto_gives_an_address)
{
    struct strbuf out = strbuf_new(254);

    ck_assert_int_eq(tlsrpt_mailto(slice_of(mailtos[_i].uri), &out),
                     mailtos[_i].address == NULL ? -1 : 0);
    if (mailtos[_i].address != NULL)
        ck_assert_str_eq(strbuf_cstr(&out), mailtos[_i].address);
    strbuf_free(&out);
}
END_TEST

static const struct {
    const char *uri, *host, *path;
} webs[] = {
    {"https://D.Test/v1/x?y=z", "d.test", "/v1/x?y=z"},
    {"https://d.test", "d.test", "/"},
    {"https://d.test?q", "d.test", "/?q"},
    {"https://d.test:443/a#frag", "d.test", "/a"},
    {"https://d.test:25/", NULL, NULL},
    {"https://user@d.test/", NULL, NULL},
    {"https://127.0.0.1/", NULL, NULL},
    {"https://2130706433/", NULL, NULL},
    {"https://d.0x7f/", NULL, NULL},
    {"https://[::1]/", NULL, NULL},
    {"https://localhost/", NULL, NULL},
    {"https:///x", NULL, NULL},
    {"https://d.test/a b", NULL, NULL},
    {"https://d.test/a\r\nHost: x", NULL, NULL},
};

START_TEST(https_gives_host_and_path)
{
    struct strbuf host = strbuf_new(253), path = strbuf_new(1024);

    ck_assert_int_eq(tlsrpt_https(slice_of(webs[_i].uri), &host, &path),
                     webs[_i].host == NULL ? -1 : 0);
    if (webs[_i].host != NULL) {
        ck_assert_str_eq(strbuf_cstr(&host), webs[_i].host);
        ck_assert_str_eq(strbuf_cstr(&path), webs[_i].path);
    }
    strbuf_free(&host);
    strbuf_free(&path);
}
END_TEST

/* ---- days ---- */

START_TEST(days_are_dates_of_utc)
{
    char name[TALLY_NAME_MAX];

    tally_day_name(1795737599999, name);
    ck_assert_str_eq(name, "2026-11-26");
    tally_day_name(1795737600000, name);
    ck_assert_str_eq(name, "2026-11-27");
    ck_assert_int_eq(tally_day_begin(slice_of("2026-11-27")), 1795737600);
    ck_assert_int_eq(tally_day_begin(slice_of("2024-02-29")), 1709164800);
    ck_assert_int_eq(tally_day_begin(slice_of("2026-02-29")), -1);
    ck_assert_int_eq(tally_day_begin(slice_of("2026-13-01")), -1);
    ck_assert_int_eq(tally_day_begin(slice_of("2026-1-01")), -1);
    ck_assert_int_eq(tally_day_begin(slice_of("../../etc/x")), -1);
    ck_assert_int_eq(tally_day_begin(slice_of("")), -1);
}
END_TEST

/* ---- counting ---- */

static struct outcome
outcome_of(const char *domain, enum outcome_result result)
{
    return (struct outcome){.policy = OUTCOME_STS,
                            .result = (uint8_t)result,
                            .domain = slice_of(domain),
                            .policy_domain = slice_of(domain),
                            .policy_text = SLICE("version: STSv1\nmx: a.test\nmx: b.test"),
                            .mx_host = SLICE("a.test"),
                            .reason = SLICE("\"quoted\"\xff")};
}

START_TEST(the_file_gives_back_what_was_counted)
{
    char dir[] = "/tmp/tally-XXXXXX";
    struct outcome good = outcome_of("d.test", OUTCOME_SUCCESS),
                   bad = outcome_of("d.test", OUTCOME_EXPIRED);
    struct tally *t = tally_new("2026-11-27");
    const struct tally_policy *p;
    int fd;

    ck_assert_ptr_nonnull(mkdtemp(dir));
    fd = open(dir, O_RDONLY | O_DIRECTORY);
    tally_add(t, &good);
    tally_add(t, &bad);
    tally_add(t, &bad);
    tally_find(t, SLICE("d.test"))->settled = true;
    ck_assert(t->changed);
    ck_assert_int_eq(tally_write(fd, t), 0);
    ck_assert(!t->changed);
    tally_free(&t);
    t = tally_read(fd, "2026-11-27");
    ck_assert(tally_find(t, SLICE("d.test"))->settled);
    p = STAILQ_FIRST(&tally_find(t, SLICE("d.test"))->policies);
    ck_assert_uint_eq(p->successes, 1);
    ck_assert_uint_eq(p->failures, 2);
    ck_assert_uint_eq(STAILQ_FIRST(&p->kinds)->sessions, 2);
    ck_assert_uint_eq(STAILQ_FIRST(&p->kinds)->result, OUTCOME_EXPIRED);
    tally_free(&t);
    (void)unlinkat(fd, "2026-11-27", 0);
    (void)close(fd);
    (void)rmdir(dir);
}
END_TEST

START_TEST(limits_hold)
{
    struct tally *t = tally_new("2026-11-27");
    const struct tally_domain *d;
    char text[32];

    for (unsigned i = 0; i < TALLY_FAILURES_MAX + 5; i++) {
        struct outcome o = outcome_of("d.test", OUTCOME_EXPIRED);

        (void)snprintf(text, sizeof(text), "mx%u.test", i);
        o.mx_host = slice_of(text);
        tally_add(t, &o);
    }
    d = tally_find(t, SLICE("d.test"));
    ck_assert_uint_eq(STAILQ_FIRST(&d->policies)->failures, TALLY_FAILURES_MAX + 5);
    ck_assert_uint_eq(STAILQ_FIRST(&d->policies)->kind_count, TALLY_FAILURES_MAX);
    for (unsigned i = 0; i < TALLY_POLICIES_MAX + 5; i++) {
        struct outcome o = outcome_of("e.test", OUTCOME_SUCCESS);

        (void)snprintf(text, sizeof(text), "mx: %u.test", i);
        o.policy_text = slice_of(text);
        tally_add(t, &o);
    }
    ck_assert_uint_eq(tally_find(t, SLICE("e.test"))->policy_count, TALLY_POLICIES_MAX);
    ck_assert_uint_eq(t->left_out, 5);
    for (unsigned i = 0; i < TALLY_DOMAINS_MAX + 5; i++) {
        struct outcome o;

        (void)snprintf(text, sizeof(text), "d%u.test", i);
        o = outcome_of(text, OUTCOME_SUCCESS);
        tally_add(t, &o);
    }
    ck_assert_uint_eq(t->left_out, 5 + 5 + 2);
    tally_free(&t);
}
END_TEST

/* ---- the report ---- */

START_TEST(strangers_texts_stay_in_their_strings)
{
    const struct report_author author = {"Us", "a@m.test", "m.test", "m.test"};
    struct tally *t = tally_new("2026-11-27");
    struct outcome bad = outcome_of("d.test", OUTCOME_NOT_TRUSTED);
    struct report r = {.author = &author, .tally = t, .whole_day = true};
    struct strbuf out = strbuf_new(REPORT_MAX);

    tally_add(t, &bad);
    r.domain = tally_find(t, SLICE("d.test"));
    report_name(&r);
    ck_assert_str_eq(r.id, "2026-11-27.d.test@m.test");
    ck_assert_str_eq(r.file, "m.test!d.test!1795737600!1795823999.json.gz");
    report_json(&r, &out);
    ck_assert_str_eq(
        strbuf_cstr(&out),
        "{\"organization-name\": \"Us\", \"date-range\": {\"start-datetime\": "
        "\"2026-11-27T00:00:00Z\", \"end-datetime\": \"2026-11-27T23:59:59Z\"}, "
        "\"contact-info\": \"a@m.test\", \"report-id\": \"2026-11-27.d.test@m.test\", "
        "\"policies\": [{\"policy\": {\"policy-type\": \"sts\", \"policy-string\": [\"version: "
        "STSv1\", \"mx: a.test\", \"mx: b.test\"], \"policy-domain\": \"d.test\", \"mx-host\": "
        "[\"a.test\", \"b.test\"]}, \"summary\": {\"total-successful-session-count\": 0, "
        "\"total-failure-session-count\": 1}, \"failure-details\": [{\"result-type\": "
        "\"certificate-not-trusted\", \"receiving-mx-hostname\": \"a.test\", "
        "\"failed-session-count\": 1, \"failure-reason-code\": \"\\\"quoted\\\"\\ufffd\"}]}]}\n");
    strbuf_free(&out);
    tally_free(&t);
}
END_TEST

START_TEST(json_strings)
{
    struct strbuf out = strbuf_new(256);

    json_quote(&out, SLICE("a\"\\\n\x7f\0\xc3\xa4\xc3(\xf0\x9f"));
    ck_assert_str_eq(strbuf_cstr(&out),
                     "\"a\\\"\\\\\\u000a\\u007f\\u0000\xc3\xa4\\ufffd(\\ufffd\\ufffd\"");
    strbuf_free(&out);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("tlsrpt");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tc, records_name_places, 0, (int)ARRAY_LEN(records));
    tcase_add_loop_test(tc, mailto_gives_an_address, 0, (int)ARRAY_LEN(mailtos));
    tcase_add_loop_test(tc, https_gives_host_and_path, 0, (int)ARRAY_LEN(webs));
    tcase_add_test(tc, days_are_dates_of_utc);
    tcase_add_test(tc, the_file_gives_back_what_was_counted);
    tcase_add_test(tc, limits_hold);
    tcase_add_test(tc, strangers_texts_stay_in_their_strings);
    tcase_add_test(tc, json_strings);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
