/*
 * t/unit/test_https.c - https_notify: which answers to a notice count. The server is the other end
 * of a socket pair, which has said all it will.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/tls/https.h"

enum { ROOM = 20000, LONG = 60000 };

/* What comes of an answer that consists of `head`, `count` times 'x', and the end. */
static const char *
told(const char *head, size_t count, struct strbuf *body)
{
    const struct https_query query = {
        .method = "POST", .authorization = "", .type = "text/plain", .body = SLICE("notice")};
    struct https_target target = {
        .host = "h.test", .path = "/", .deadline_mono_ms = clock_mono_ms() + 30000};
    struct strbuf answer = strbuf_new(LONG + 1024);
    const char *trouble;
    int ends[2];

    (void)strbuf_str(&answer, head);
    for (size_t i = 0; i < count; i++)
        (void)strbuf_char(&answer, 'x');
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    ck_assert_int_eq(write_all(ends[1], strbuf_slice(&answer)), 0);
    ck_assert_int_eq(shutdown(ends[1], SHUT_WR), 0);
    target.fd = ends[0];
    *body = strbuf_new(ROOM);
    trouble = https_notify(&target, &query, "", body);
    ck_assert_int_eq(close(ends[1]), 0);
    strbuf_free(&answer);
    return trouble;
}

static const struct {
    const char *head;
    size_t count;
    const char *trouble;
    const char *body; /* begins so */
} answers[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 0, NULL, "ok"},
    {"HTTP/1.0 200 OK\r\n\r\nok", 0, NULL, "ok"},
    {"HTTP/1.0 200 OK\r\n\r\nok", LONG, NULL, "okxxx"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 60002\r\n\r\nok", LONG, NULL, "okxxx"},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nEA62\r\nok", LONG, NULL, "okxxx"},
    {"HTTP/1.1 204 No Content\r\n\r\n", 0, NULL, ""},
    {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", 0, "the HTTP body ends early", "ok"},
    {"HTTP/1.0 500 No\r\n\r\nok", 0, "the HTTP status is not 2xx", ""},
};

START_TEST(test_notify)
{
    struct strbuf body;
    const char *trouble = told(answers[_i].head, answers[_i].count, &body);

    ck_assert_pstr_eq(trouble, answers[_i].trouble);
    ck_assert(slice_starts(strbuf_slice(&body), slice_of(answers[_i].body)));
    if (answers[_i].count > 0)
        ck_assert_uint_gt(body.len, ROOM / 2);
    strbuf_free(&body);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("https");
    TCase *tc = tcase_create("https");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_loop_test(tc, test_notify, 0, (int)(sizeof(answers) / sizeof(answers[0])));
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
