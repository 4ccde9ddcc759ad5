/*
 * t/unit/test_socks.c - lib/smtp/socks, lib/base/connect.
 */
#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/smtp/socks.h"

enum { SOON_MS = 3000 };

static struct sockaddr_storage
address(const char *text)
{
    struct sockaddr_storage a = {0};
    struct sockaddr_in *v4 = (struct sockaddr_in *)&a;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&a;

    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(0x1234);
    } else {
        ck_assert_int_eq(inet_pton(AF_INET6, text, &v6->sin6_addr), 1);
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(0x1234);
    }
    return a;
}

#define BYTES(literal)                                                                             \
    {                                                                                              \
        (literal), sizeof(literal) - 1                                                             \
    } /* may hold NULs */
#define V4 "192.0.2.1"
#define V6 "2001:db8::1"
#define HELLO "\5\1\0"
#define HELLO_LOGIN "\5\2\0\2"
#define LOGIN "\1\2me\3abc"
#define ASK4 "\5\1\0\1\xc0\0\2\1\x12\x34"
#define ASK6 "\5\1\0\4\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\x12\x34"
#define YES4 "\5\0\0\1\x7f\0\0\1\0\7"
#define V4_ASK "\4\1\x12\x34\xc0\0\2\1"

/* Whatever the server says in one go, "220" is what comes from behind it. */
static const struct {
    enum socks_version version;
    const char *user, *password, *target;
    struct slice server, client;
    const char *why; /* NULL: it is open */
} talks[] = {
    {SOCKS_5, "", "", V4, BYTES("\5\0" YES4 "220"), BYTES(HELLO ASK4), NULL},
    {SOCKS_5, "", "", V6,
     BYTES("\5\0\5\0\0\4"
           "0123456789abcdef\0\7"
           "220"),
     BYTES(HELLO ASK6), NULL},
    {SOCKS_5, "", "", V4,
     BYTES("\5\0\5\0\0\3\4name\0\7"
           "220"),
     BYTES(HELLO ASK4), NULL},
    {SOCKS_5, "", "", V4,
     BYTES("\5\0\5\0\0\3\0\0\7"
           "220"),
     BYTES(HELLO ASK4), NULL},
    {SOCKS_5, "me", "abc", V4, BYTES("\5\2\1\0" YES4 "220"), BYTES(HELLO_LOGIN LOGIN ASK4), NULL},
    {SOCKS_5, "me", "abc", V4, BYTES("\5\0" YES4 "220"), BYTES(HELLO_LOGIN ASK4), NULL},
    {SOCKS_5, "me", "", V4, BYTES("\5\0" YES4 "220"), BYTES(HELLO ASK4), NULL},
    {SOCKS_5, "me", "abc", NULL,
     BYTES("\5\2\1\0"
           "220"),
     BYTES(HELLO_LOGIN LOGIN), NULL},
    {SOCKS_5, "me", "abc", V4, BYTES("\5\2\1\1"), BYTES(HELLO_LOGIN LOGIN), "refused user name"},
    {SOCKS_5, "", "", V4, BYTES("\5\xff"), BYTES(HELLO), "wants a login"},
    {SOCKS_5, "me", "abc", V4, BYTES("\5\xff"), BYTES(HELLO_LOGIN), "takes no login"},
    {SOCKS_5, "", "", V4, BYTES("\5\2"), BYTES(HELLO), "not offered"},
    {SOCKS_5, "", "", V4, BYTES("\5\1"), BYTES(HELLO), "not offered"},
    {SOCKS_5, "", "", V4, BYTES("\4\0"), BYTES(HELLO), "does not speak SOCKS 5"},
    {SOCKS_5, "", "", V4, BYTES("HTTP/1.0 400 no\r\n"), BYTES(HELLO), "does not speak SOCKS 5"},
    {SOCKS_5, "", "", V4, BYTES("\5\0\5\2\0\1\0"), BYTES(HELLO ASK4), "rules do not allow"},
    {SOCKS_5, "", "", V4, BYTES("\5\0\5\5\0\1\0"), BYTES(HELLO ASK4), "connection refused"},
    {SOCKS_5, "", "", V4, BYTES("\5\0\5\x99\0\1\0"), BYTES(HELLO ASK4), "unknown reason"},
    {SOCKS_5, "", "", V4, BYTES("\5\0\5\0\0\2\0"), BYTES(HELLO ASK4), "unknown kind"},
    {SOCKS_5, "", "", V4, BYTES("\5\0\4\0\0\1\0"), BYTES(HELLO ASK4), "does not speak SOCKS 5"},
    {SOCKS_5, "", "", V4, BYTES("\5\0\5\0\0\3\xff"), BYTES(HELLO ASK4), "closed the connection"},
    {SOCKS_5, "", "", V4, BYTES(""), BYTES(HELLO), "closed the connection"},
    {SOCKS_4, "", "", V4,
     BYTES("\0\x5a\0\0\0\0\0\0"
           "220"),
     BYTES(V4_ASK "\0"), NULL},
    {SOCKS_4, "me", "abc", V4,
     BYTES("\0\x5a\0\0\0\0\0\0"
           "220"),
     BYTES(V4_ASK "me\0"), NULL},
    {SOCKS_4, "", "", V4, BYTES("\0\x5b\0\0\0\0\0\0"), BYTES(V4_ASK "\0"), "refused, or could not"},
    {SOCKS_4, "", "", V4, BYTES("\0\x5d\0\0\0\0\0\0"), BYTES(V4_ASK "\0"), "identd"},
    {SOCKS_4, "", "", V4, BYTES("\5\x5a\0\0\0\0\0\0"), BYTES(V4_ASK "\0"), "not speak SOCKS 4"},
    {SOCKS_4, "", "", V6, BYTES(""), BYTES(""), "IPv4 addresses alone"},
};

START_TEST(both_sides_say_what_the_protocol_wants)
{
    struct sockaddr_storage target = address(talks[_i].target == NULL ? V4 : talks[_i].target);
    struct socks_proxy proxy = {
        .version = talks[_i].version, .user = talks[_i].user, .password = talks[_i].password};
    char rest[4] = "", said[600];
    const char *why = NULL;
    int pair[2], rc;
    ssize_t n;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    ck_assert_int_eq(write_all(pair[1], talks[_i].server), 0);
    ck_assert_int_eq(shutdown(pair[1], SHUT_WR), 0);
    rc = socks_open(pair[0], &proxy, talks[_i].target == NULL ? NULL : &target,
                    clock_mono_ms() + SOON_MS, &why);
    ck_assert_int_eq(rc, talks[_i].why == NULL ? 0 : -1);
    if (talks[_i].why != NULL)
        ck_assert_msg(strstr(why, talks[_i].why) != NULL, "%s", why);
    else
        ck_assert(read(pair[0], rest, 3) == 3 && strcmp(rest, "220") == 0);
    n = read(pair[1], said, sizeof(said));
    ck_assert(slice_eq(slice_make(said, n < 0 ? 0 : (size_t)n), talks[_i].client));
    (void)close(pair[0]);
    (void)close(pair[1]);
}
END_TEST

START_TEST(a_proxy_that_is_silent_is_left_at_the_deadline)
{
    struct sockaddr_storage target = address(V4);
    struct socks_proxy proxy = {.version = SOCKS_5, .user = "", .password = ""};
    int64_t began = clock_mono_ms();
    const char *why;
    int pair[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    ck_assert_int_eq(write_all(pair[1], SLICE("\5")), 0); /* and not one byte more */
    ck_assert_int_eq(socks_open(pair[0], &proxy, &target, began + 100, &why), -1);
    ck_assert_str_eq(why, "Connection timed out");
    ck_assert_int_lt(clock_mono_ms() - began, SOON_MS);
    (void)close(pair[0]);
    (void)close(pair[1]);
}
END_TEST

START_TEST(names_that_do_not_fit_are_refused)
{
    char user[257];
    struct socks_proxy proxy = {.version = SOCKS_5, .user = user, .password = "x"};
    struct strbuf out = strbuf_new(SOCKS_WRITE_MAX);
    struct socks s;

    memset(user, 'u', sizeof(user));
    for (size_t len = 255; len <= 256; len++) {
        user[len] = '\0';
        ck_assert_int_eq(socks_begin(&s, &proxy, NULL, &out) == SOCKS_SAY, len == 255);
        user[len] = 'u';
    }
    strbuf_free(&out);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("socks");
    TCase *tc = tcase_create("socks");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tc, both_sides_say_what_the_protocol_wants, 0, (int)ARRAY_LEN(talks));
    tcase_add_test(tc, a_proxy_that_is_silent_is_left_at_the_deadline);
    tcase_add_test(tc, names_that_do_not_fit_are_refused);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
