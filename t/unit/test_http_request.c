/*
 * t/unit/test_http_request.c - lib/http/request: what is one request, and what is none.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/http/request.h"
#include "lib/http/response.h"

#define GET "GET / HTTP/1.1\r\nHost: a\r\n"
#define POST "POST /x HTTP/1.1\r\nHost: a\r\n"

static const struct http_limits limits = {
    .line_max = 64, .head_max = 256, .fields_max = 5, .body_max = 32};

/* All of `text`, in pieces of `step` bytes; *left: what is behind the request. */
static enum http_progress
feed(struct http_request *r, const char *text, size_t step, size_t *left)
{
    size_t len = strlen(text), at = 0;
    enum http_progress progress = HTTP_MORE;

    while (at < len && (progress == HTTP_MORE || progress == HTTP_CONTINUE)) {
        struct slice part = slice_make(text + at, at + step > len ? len - at : step);
        size_t given = part.len;

        progress = http_request_feed(r, &part);
        at += given - part.len;
        if (part.len > 0)
            break;
    }
    *left = len - at;
    return progress;
}

static const struct {
    const char *text;
    unsigned status; /* 0: whole */
    const char *body;
} cases[] = {
    {GET "\r\n", 0, ""},
    {"\r\n" GET "\r\n", 0, ""},
    {"GET / HTTP/1.0\r\n\r\n", 0, ""},
    {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 0, ""},
    {POST "Content-Length: 5\r\n\r\nhello", 0, "hello"},
    {POST "Content-Length: 0\r\n\r\n", 0, ""},
    {POST "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n", 0, "hello"},
    {POST "transfer-encoding: Chunked\r\n\r\n5\r\nhello\r\n0\r\nA: b\r\n\r\n", 0, "hello"},
    {POST "Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello", 0, "hello"},
    /* smuggling (RFC 9112 section 11.2) */
    {POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 400, NULL},
    {POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400, NULL},
    {POST "Content-Length: 5, 5\r\n\r\nhello", 400, NULL},
    {POST "Content-Length: +5\r\n\r\nhello", 400, NULL},
    {POST "Content-Length: 0x5\r\n\r\nhello", 400, NULL},
    {POST "Content-Length: -1\r\n\r\n", 400, NULL},
    {POST "Content-Length:\r\n\r\n", 400, NULL},
    {POST "Content-Length : 5\r\n\r\nhello", 400, NULL},
    {POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, NULL},
    {POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, NULL},
    {POST "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400, NULL},
    {POST "Transfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n", 400, NULL},
    {POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501, NULL},
    {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, NULL},
    {POST "Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n", 400, NULL},
    {POST "Transfer-Encoding: chunked\r\n\r\n5\r\nhelloX\r\n0\r\n\r\n", 400, NULL},
    {POST "Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n", 400, NULL},
    {POST "Transfer-Encoding: chunked\r\n\r\n\r\nhello\r\n0\r\n\r\n", 400, NULL},
    {POST "Transfer-Encoding: chunked\r\n\r\n000000005\r\nhello\r\n0\r\n\r\n", 400, NULL},
    {"GET / HTTP/1.1\nHost: a\n\n", 400, NULL},
    {GET "A: b\n\r\n", 400, NULL},
    {GET "A: b\r\n c\r\n\r\n", 400, NULL},
    {"GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400, NULL},
    {GET "A: b\rc\r\n\r\n", 400, NULL},
    {GET "A b\r\n\r\n", 400, NULL},
    {GET ": b\r\n\r\n", 400, NULL},
    /* the request line */
    {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400, NULL},
    {"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400, NULL},
    {"GET /\r\n\r\n", 400, NULL},
    {"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400, NULL},
    {"GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, NULL},
    {"CONNECT a:25 HTTP/1.1\r\nHost: a\r\n\r\n", 400, NULL},
    {"G@T / HTTP/1.1\r\nHost: a\r\n\r\n", 400, NULL},
    {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, NULL},
    {"GET / FTP/1.1\r\nHost: a\r\n\r\n", 400, NULL},
    {"GET / HTTP/1.1\r\n\r\n", 400, NULL},
    {GET "Host: b\r\n\r\n", 400, NULL},
    {"EHLO mail.example\r\n\r\n", 400, NULL},
    /* limits */
    {"GET /1234567890123456789012345678901234567890123456789012345678901234 HTTP/1.1\r\n"
     "Host: a\r\n\r\n",
     414, NULL},
    {GET "A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\nE: 5\r\n\r\n", 431, NULL},
    {GET "A: 90123456789012345678901234567890123456789012345678901234567890123456789012345678\r\n"
         "B: 90123456789012345678901234567890123456789012345678901234567890123456789012345678\r\n"
         "C: 90123456789012345678901234567890123456789012345678901234567890123456789012345678\r\n"
         "\r\n",
     431, NULL},
    {POST "Content-Length: 33\r\n\r\n", 413, NULL},
    {POST "Content-Length: 99999999999999999999\r\n\r\n", 400, NULL},
    {POST "Transfer-Encoding: chunked\r\n\r\n10\r\n0123456789012345\r\n11\r\n", 413, NULL},
    {POST "Transfer-Encoding: chunked\r\n\r\nffffffff\r\n", 413, NULL},
};

START_TEST(one_request_however_it_comes)
{
    size_t steps[] = {1, 3, 7, 10000}, left;

    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        struct http_request *r = http_request_new(&limits);
        enum http_progress progress = feed(r, cases[_i].text, steps[i], &left);

        if (cases[_i].status == 0) {
            ck_assert_int_eq(progress, HTTP_WHOLE);
            ck_assert_uint_eq(left, 0);
            ck_assert(slice_eq(http_request_body(r), slice_of(cases[_i].body)));
        } else {
            ck_assert_int_eq(progress, HTTP_BAD);
            ck_assert_uint_eq(http_request_status(r), cases[_i].status);
            ck_assert_ptr_nonnull(http_request_error(r));
        }
        http_request_free(&r);
    }
}
END_TEST

START_TEST(requests_follow_one_another)
{
    struct http_request *r = http_request_new(&limits);
    struct slice input = SLICE(POST "Content-Length: 2\r\nX: a\r\nX: b\r\n\r\nhi" GET
                                    "Connection: x, Close\r\n\r\nrest");

    ck_assert(http_request_is_idle(r));
    ck_assert_int_eq(http_request_feed(r, &input), HTTP_WHOLE);
    ck_assert(slice_eq(http_request_method(r), SLICE("POST")));
    ck_assert(slice_eq(http_request_path(r), SLICE("/x")));
    ck_assert(slice_eq(http_request_header(r, SLICE("host")), SLICE("a")));
    ck_assert_uint_eq(http_request_header(r, SLICE("X")).len, 0); /* twice: which one? */
    ck_assert(http_request_keeps_alive(r));
    http_request_reset(r);
    ck_assert_int_eq(http_request_feed(r, &input), HTTP_WHOLE);
    ck_assert(slice_eq(http_request_method(r), SLICE("GET")));
    ck_assert_uint_eq(http_request_body(r).len, 0);
    ck_assert(!http_request_keeps_alive(r));
    ck_assert(slice_eq(input, SLICE("rest")));
    http_request_free(&r);
}
END_TEST

START_TEST(content_that_is_held_back_is_asked_for_once)
{
    struct http_request *r = http_request_new(&limits);
    struct slice head = SLICE(POST "Expect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    struct slice one = SLICE("ab"), two = SLICE("cd");

    ck_assert_int_eq(http_request_feed(r, &head), HTTP_CONTINUE);
    ck_assert_int_eq(http_request_feed(r, &one), HTTP_MORE);
    ck_assert_int_eq(http_request_feed(r, &two), HTTP_WHOLE);
    ck_assert(slice_eq(http_request_body(r), SLICE("abcd")));
    http_request_free(&r);
}
END_TEST

START_TEST(a_query_is_behind_the_first_question_mark)
{
    struct http_request *r = http_request_new(&limits);
    struct slice text = SLICE("GET /a/b?c=d?e HTTP/1.0\r\n\r\n");

    ck_assert_int_eq(http_request_feed(r, &text), HTTP_WHOLE);
    ck_assert(slice_eq(http_request_path(r), SLICE("/a/b")));
    ck_assert(slice_eq(http_request_query(r), SLICE("c=d?e")));
    ck_assert(!http_request_keeps_alive(r)); /* HTTP/1.0 */
    http_request_free(&r);
}
END_TEST

START_TEST(a_response_tells_its_length)
{
    struct strbuf out = strbuf_new(4096);
    const struct http_response response = {.status = 401,
                                           .type = "application/json",
                                           .extra = "X: y\r\n",
                                           .content = SLICE("{}"),
                                           .keeps_alive = true};

    http_response_write(&out, &response, 1795780000);
    ck_assert_str_eq(strbuf_cstr(&out), "HTTP/1.1 401 Unauthorized\r\n"
                                        "Date: Fri, 27 Nov 2026 11:46:40 GMT\r\n"
                                        "Content-Type: application/json\r\n"
                                        "Content-Length: 2\r\n"
                                        "Cache-Control: no-store\r\n"
                                        "X-Content-Type-Options: nosniff\r\n"
                                        "Connection: keep-alive\r\n"
                                        "X: y\r\n"
                                        "\r\n{}");
    strbuf_free(&out);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("http_request");
    TCase *tc = tcase_create("http_request");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, one_request_however_it_comes, 0, (int)ARRAY_LEN(cases));
    tcase_add_test(tc, requests_follow_one_another);
    tcase_add_test(tc, content_that_is_held_back_is_asked_for_once);
    tcase_add_test(tc, a_query_is_behind_the_first_question_mark);
    tcase_add_test(tc, a_response_tells_its_length);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
