/*
 * t/unit/test_proxy_header.c - lib/sys/proxy_header.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/sys/proxy_header.h"

/* SLICE() as an initializer */
#define T(literal)                                                                                 \
    {                                                                                              \
        (literal), sizeof(literal) - 1                                                             \
    }
#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V4 "\xc0\x00\x02\x01\xcb\x00\x71\x05\x04\xd2\x00\x19" /* 192.0.2.1:1234 203.0.113.5:25 */
#define V6                                                                                         \
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02"         \
    "\x04\xd2\x02\x4b"

static const struct {
    struct slice text;
    enum proxy_status status;
    const char *addresses; /* "client port server port", "local" */
    size_t behind;         /* bytes that are not the header's */
} cases[] = {
    {T("PROXY TCP4 192.0.2.1 203.0.113.5 1234 25\r\nEHLO"), PROXY_OK,
     "192.0.2.1 1234 203.0.113.5 25", 4},
    {T("PROXY TCP6 2001:db8::1 2001:db8::2 65535 0\r\n"), PROXY_OK,
     "2001:db8::1 65535 2001:db8::2 0", 0},
    {T("PROXY UNKNOWN\r\n"), PROXY_OK, "local", 0},
    {T("PROXY UNKNOWN what ever\r\nx"), PROXY_OK, "local", 1},
    {T("PROXY TCP4 192.0.2.1 203.0.113.5 1234 25\r"), PROXY_PART, NULL, 0},
    {T("PRO"), PROXY_PART, NULL, 0},
    {T(""), PROXY_PART, NULL, 0},
    {T("PROXY TCP4 192.0.2.1 203.0.113.5 1234 25\n"), PROXY_BAD, NULL, 0},
    {T("PROXY  TCP4 192.0.2.1 203.0.113.5 1234 25\r\n"), PROXY_BAD, NULL, 0},
    {T("PROXY TCP4 192.0.2.1 203.0.113.5 1234 25 \r\n"), PROXY_BAD, NULL, 0},
    {T("PROXY TCP4 192.0.2.1 203.0.113.5 1234\r\n"), PROXY_BAD, NULL, 0},
    {T("PROXY TCP4 192.0.2.1 203.0.113.5 01234 25\r\n"), PROXY_BAD, NULL, 0},
    {T("PROXY TCP4 192.0.2.1 203.0.113.5 65536 25\r\n"), PROXY_BAD, NULL, 0},
    {T("PROXY TCP4 192.0.2.0/24 203.0.113.5 1 25\r\n"), PROXY_BAD, NULL, 0},
    {T("PROXY TCP4 192.0.2. 203.0.113.5 1 25\r\n"), PROXY_BAD, NULL, 0},
    {T("PROXY TCP4 2001:db8::1 2001:db8::2 1 25\r\n"), PROXY_BAD, NULL, 0},
    {T("PROXY TCP6 192.0.2.1 203.0.113.5 1 25\r\n"), PROXY_BAD, NULL, 0},
    {T("PROXY UDP4 192.0.2.1 203.0.113.5 1 25\r\n"), PROXY_BAD, NULL, 0},
    {T("proxy TCP4 192.0.2.1 203.0.113.5 1 25\r\n"), PROXY_BAD, NULL, 0},
    {T("EHLO x\r\n"), PROXY_BAD, NULL, 0},
    {T("PROXY UNKNOWN xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
       "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n"),
     PROXY_BAD, NULL, 0},
    {T(SIGNATURE "\x21\x11\0\x0c" V4 "EHLO"), PROXY_OK, "192.0.2.1 1234 203.0.113.5 25", 4},
    {T(SIGNATURE "\x21\x21\0\x24" V6), PROXY_OK, "2001:db8::1 1234 2001:db8::2 587", 0},
    {T(SIGNATURE "\x21\x11\0\x10" V4 "\x04\0\x01x"
                 "E"),
     PROXY_OK, "192.0.2.1 1234 203.0.113.5 25", 1},
    {T(SIGNATURE "\x20\0\0\0"), PROXY_OK, "local", 0},
    {T(SIGNATURE "\x20\x11\0\x0c" V4), PROXY_OK, "local", 0},
    {T(SIGNATURE "\x21\0\0\0"), PROXY_OK, "local", 0},
    {T(SIGNATURE "\x21\x12\0\x0c" V4), PROXY_OK, "local", 0}, /* UDP */
    {T(SIGNATURE "\x21\x11\0\x0c"
                 "\xc0\0"),
     PROXY_PART, NULL, 0},
    {T(SIGNATURE "\x21"), PROXY_PART, NULL, 0},
    {T("\r\n\r\n"), PROXY_PART, NULL, 0},
    {T(SIGNATURE "\x21\x11\0\x0b" V4), PROXY_BAD, NULL, 0},
    {T(SIGNATURE "\x31\x11\0\x0c" V4), PROXY_BAD, NULL, 0},
    {T(SIGNATURE "\x22\x11\0\x0c" V4), PROXY_BAD, NULL, 0},
    {T(SIGNATURE "\x21\x41\0\x0c" V4), PROXY_BAD, NULL, 0},
    {T(SIGNATURE "\x21\x13\0\x0c" V4), PROXY_BAD, NULL, 0},
    {T(SIGNATURE "\x21\x11\x10\0" V4), PROXY_BAD, NULL, 0},
};

START_TEST(headers_of_both_versions)
{
    char client[INET6_ADDRSTRLEN], server[INET6_ADDRSTRLEN], all[200] = "local";
    struct proxy_header h;
    size_t len = 0;

    ck_assert_int_eq(proxy_header_parse(cases[_i].text, &h, &len), cases[_i].status);
    if (cases[_i].status != PROXY_OK)
        return;
    if (!h.is_local) {
        ip_text(&h.client, client);
        ip_text(&h.server, server);
        (void)snprintf(all, sizeof(all), "%s %u %s %u", client, h.client_port, server,
                       h.server_port);
    }
    ck_assert_str_eq(all, cases[_i].addresses);
    ck_assert_uint_eq(cases[_i].text.len - len, cases[_i].behind);
}
END_TEST

/* However it is cut, the header is not taken for whole or for wrong before its end. */
START_TEST(a_header_may_come_byte_by_byte)
{
    struct slice text = cases[_i].text;
    struct proxy_header h;
    size_t len = 0;

    for (size_t i = 0; cases[_i].status == PROXY_OK && i < text.len - cases[_i].behind; i++)
        ck_assert_int_eq(proxy_header_parse(slice_sub(text, 0, i), &h, &len), PROXY_PART);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("proxy_header");
    TCase *tc = tcase_create("proxy_header");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, headers_of_both_versions, 0, (int)ARRAY_LEN(cases));
    tcase_add_loop_test(tc, a_header_may_come_byte_by_byte, 0, (int)ARRAY_LEN(cases));
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
