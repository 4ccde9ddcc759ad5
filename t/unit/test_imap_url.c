/*
 * t/unit/test_imap_url.c - lib/mail/imap_url, imap_url_token: the examples of RFC 4467 and RFC
 * 5092, what is no URL, tokens.
 */
#include <check.h>
#include <stdlib.h>

#include "lib/base/strbuf.h"
#include "lib/mail/imap_url.h"
#include "lib/mail/imap_url_token.h"

#define TOKEN "91354a473744909de610943775f92038"
#define START "imap://joe@example.com/INBOX/;uid=20/;section=1.2"

/* ---- what a URL says ---- */

static const struct {
    const char *text, *user, *host, *mailbox;
    uint32_t uidvalidity, uid;
    const char *section;
} messages[] = {
    {START ";urlauth=submit+fred", "joe", "example.com", "INBOX", 0, 20, "1.2"}, /* RFC 4467 */
    /* RFC 5092 section 9 */
    {"imap://minbari.example.org/gray-council;UIDVALIDITY=385759045/;UID=20/;PARTIAL=0.1024", "",
     "minbari.example.org", "gray-council", 385759045, 20, ""},
    {"imap://psicorp.example.org/~peter/%E6%97%A5%E6%9C%AC%E8%AA%9E/%E5%8F%B0%E5%8C%97/;UID=1", "",
     "psicorp.example.org", "~peter/\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e/\xe5\x8f\xb0\xe5\x8c\x97",
     0, 1, ""},
    {"imap://;AUTH=GSSAPI@minbari.example.org/gray-council/;uid=20/;section=1.2", NULL, NULL, NULL,
     0, 0, NULL}, /* who it is, the mechanism would tell: nobody asks it here */
    {"imap://joe;AUTH=*@example.com/x/;UID=1/;SECTION=1.2", "joe", "example.com", "x", 0, 1, "1.2"},
    {"IMAP://joe%40d.test@[::1]:143/a%3Bb%2Fc/;Uid=4294967295", "joe@d.test", "[::1]:143", "a;b/c",
     0, UINT32_MAX, ""},
    {"/work/old;UIDVALIDITY=1/;UID=2/;SECTION=HEADER.FIELDS%20(A)", "", "", "work/old", 1, 2,
     "HEADER.FIELDS (A)"},
    {"/a/;UID=1/;SECTION=2.TEXT/;PARTIAL=3", "", "", "a", 0, 1, "2.TEXT"},
};

START_TEST(the_parts_of_a_url)
{
    struct imap_url url;
    int rc = imap_url_parse(slice_of(messages[_i].text), &url);

    ck_assert_int_eq(rc, messages[_i].user == NULL ? -1 : 0);
    if (rc == 0) {
        ck_assert(slice_eq(url.user, slice_of(messages[_i].user)));
        ck_assert(slice_eq(url.host, slice_of(messages[_i].host)));
        ck_assert(slice_eq(url.mailbox, slice_of(messages[_i].mailbox)));
        ck_assert(slice_eq(url.section, slice_of(messages[_i].section)));
        ck_assert_uint_eq(url.uidvalidity, messages[_i].uidvalidity);
        ck_assert_uint_eq(url.uid, messages[_i].uid);
    }
    imap_url_free(&url);
}
END_TEST

static const struct {
    const char *text;
    uint64_t offset, length;
} ranges[] = {
    {"/a/;UID=1/;PARTIAL=0.1024", 0, 1024},
    {"/a/;UID=1/;SECTION=1/;PARTIAL=7", 7, INT64_MAX},
    {"/a/;UID=1/;PARTIAL=9223372036854775807.9223372036854775807", INT64_MAX, INT64_MAX},
};

START_TEST(the_range_of_a_url)
{
    struct imap_url url;

    ck_assert_int_eq(imap_url_parse(slice_of(ranges[_i].text), &url), 0);
    ck_assert(url.partial);
    ck_assert_uint_eq(url.offset, ranges[_i].offset);
    ck_assert_uint_eq(url.length, ranges[_i].length);
    imap_url_free(&url);
}
END_TEST

/* ---- who may use it ---- */

static const struct {
    const char *rump, *rest;
    enum imap_url_access access;
    const char *user;
    bool authorized;
} authorizations[] = {
    {START ";urlauth=submit+fred", ":internal:" TOKEN, IMAP_URL_ACCESS_SUBMIT, "fred", true},
    {START ";URLAUTH=USER+fred%40d.test", ":INTERNAL:" TOKEN, IMAP_URL_ACCESS_USER, "fred@d.test",
     true},
    {START ";URLAUTH=authuser", ":internal:" TOKEN, IMAP_URL_ACCESS_AUTHUSER, "", true},
    {START ";URLAUTH=anonymous", "", IMAP_URL_ACCESS_ANONYMOUS, "", false},
    {START ";URLAUTH=anonymous", ":xsample:" TOKEN, IMAP_URL_ACCESS_ANONYMOUS, "", false},
    {"imap://h/INBOX/;UID=1;URLAUTH=anonymous", ":internal:" TOKEN, IMAP_URL_ACCESS_ANONYMOUS, "",
     false},
    {"/INBOX/;UID=1;URLAUTH=anonymous", ":internal:" TOKEN, IMAP_URL_ACCESS_ANONYMOUS, "", false},
    {"imap://joe@h/a/;UID=1/;PARTIAL=1.2;EXPIRE=2026-11-27T00:00:00Z;URLAUTH=authuser",
     ":internal:" TOKEN, IMAP_URL_ACCESS_AUTHUSER, "", true},
    {START, "", IMAP_URL_ACCESS_NONE, "", false},
};

START_TEST(who_may_use_it_and_what_the_token_signs)
{
    struct strbuf text = strbuf_new(IMAP_URL_MAX);
    struct imap_url url;

    ck_assert(strbuf_str(&text, authorizations[_i].rump) &&
              strbuf_str(&text, authorizations[_i].rest));
    ck_assert_int_eq(imap_url_parse(strbuf_slice(&text), &url), 0);
    ck_assert_int_eq(url.access, authorizations[_i].access);
    ck_assert(slice_eq(url.access_user, slice_of(authorizations[_i].user)));
    ck_assert_int_eq(imap_url_is_authorized(&url), authorizations[_i].authorized);
    if (url.access != IMAP_URL_ACCESS_NONE)
        ck_assert(slice_eq(url.rump, slice_of(authorizations[_i].rump)));
    imap_url_free(&url);
    strbuf_free(&text);
}
END_TEST

static const struct {
    const char *time;
    int64_t ms; /* -1: it is none */
} times[] = {
    {"1970-01-01T00:00:00Z", 0},
    {"1985-04-12T23:20:50.52Z", 482196050000},        /* RFC 3339 section 5.8 */
    {"1996-12-19T16:39:57-08:00", 851042397000},      /* there */
    {"1990-12-31T23:59:60Z", 662688000000},           /* there: a leap second */
    {"1937-01-01T12:00:27.87+00:20", -1041337173000}, /* there */
    {"2024-02-29T12:00:00z", 1709208000000},
    {"2026-02-29T12:00:00Z", -1},
    {"2026-11-27", -1},
    {"2026-11-27T00:00:00", -1},
    {"2026-11-27t00:00:00+24:00", -1},
    {"2026-11-27T24:00:00Z", -1},
    {"2026-13-01T00:00:00Z", -1},
    {"2026-11-00T00:00:00Z", -1},
    {"2026-11-27T00:00:00.Z", -1},
    {"26-11-27T00:00:00Z", -1},
    {"", -1},
};

START_TEST(when_it_expires)
{
    struct strbuf text = strbuf_new(IMAP_URL_MAX);
    struct imap_url url;
    int64_t ms = times[_i].ms;

    (void)strbuf_printf(&text, START ";EXPIRE=%s;URLAUTH=authuser", times[_i].time);
    ck_assert_int_eq(imap_url_parse(strbuf_slice(&text), &url), ms == -1 ? -1 : 0);
    if (ms != -1) {
        ck_assert_int_eq(url.expire_ms, ms);
        ck_assert(!imap_url_is_expired(&url, ms)); /* the latest time that it is valid */
        ck_assert(imap_url_is_expired(&url, ms + 1));
    }
    imap_url_free(&url);
    strbuf_free(&text);
}
END_TEST

START_TEST(without_a_date_it_never_expires)
{
    struct imap_url url;

    ck_assert_int_eq(imap_url_parse(SLICE(START ";URLAUTH=authuser"), &url), 0);
    ck_assert(!imap_url_is_expired(&url, INT64_MAX));
    imap_url_free(&url);
}
END_TEST

/* ---- what is none ---- */

static const char *const wrong[] = {
    "",
    "x",
    "imap://",
    "imap://h",
    "imap://h/",
    "imap://h/INBOX", /* a mailbox, a search: nothing takes them */
    "imap://h/INBOX/",
    "imap://h/INBOX?SUBJECT%20x",
    "imap://h/INBOX?x/;UID=1",
    "imap:///INBOX/;UID=1",
    "imap://@h/INBOX/;UID=1",
    "imap://a@b@h/INBOX/;UID=1",
    "imap://joe@/INBOX/;UID=1",
    "http://h/INBOX/;UID=1",
    "INBOX/;UID=1", /* section 7.2 */
    "//h/INBOX/;UID=1",
    "/;UID=1",
    "//;UID=1",
    "/a;UID=1",
    "/a/;UID=0",
    "/a/;UID=4294967296",
    "/a/;UID=-1",
    "/a/;UID=",
    "/a/;UID=1x",
    "/a/;UID=1/",
    "/a;UIDVALIDITY=0/;UID=1",
    "/a;UIDVALIDITY=1;UID=1",
    "/a/;UID=1/;SECTION=",
    "/a/;UID=1/;SECTION=/;PARTIAL=1",
    "/a/;UID=1;SECTION=1",
    "/a/;UID=1/;PARTIAL=",
    "/a/;UID=1/;PARTIAL=1.0",
    "/a/;UID=1/;PARTIAL=1.",
    "/a/;UID=1/;PARTIAL=9223372036854775808",
    "/a/;UID=1/;PARTIAL=1/;SECTION=1",
    "/a%/;UID=1",
    "/a%4/;UID=1",
    "/a%zz/;UID=1",
    "/a%00/;UID=1",
    "/a%0A/;UID=1",
    "/a\n/;UID=1",
    START ";EXPIRE=2026-11-27T00:00:00Z", /* goes with ";URLAUTH=" alone */
    START ";URLAUTH=authuser;EXPIRE=2026-11-27T00:00:00Z",
    START ";URLAUTH=",
    START ";URLAUTH=root",
    START ";URLAUTH=authuserx",
    START ";URLAUTH=authuser+joe",
    START ";URLAUTH=user+",
    START ";URLAUTH=user+:internal:" TOKEN,
    START ";URLAUTH=submit",
    START ";URLAUTH=user+a/b",
    START "/;URLAUTH=authuser",
    START ";URLAUTH=authuser:",
    START ";URLAUTH=authuser:internal",
    START ";URLAUTH=authuser:internal:",
    START ";URLAUTH=authuser::" TOKEN,
    START ";URLAUTH=authuser:internal:91354a473744909de610943775f9203", /* 31 digits */
    START ";URLAUTH=authuser:internal:" TOKEN "g",
    START ";URLAUTH=authuser:internal:" TOKEN ":",
};

START_TEST(what_is_no_url)
{
    struct imap_url url;

    ck_assert_msg(imap_url_parse(slice_of(wrong[_i]), &url) < 0, "%s", wrong[_i]);
    imap_url_free(&url);
}
END_TEST

START_TEST(a_url_has_a_limit)
{
    struct strbuf text = strbuf_new(2 * IMAP_URL_MAX);
    struct imap_url url;

    (void)strbuf_str(&text, "/a/;UID=1/;SECTION=");
    while (text.len < IMAP_URL_MAX)
        (void)strbuf_char(&text, 'x');
    ck_assert_int_eq(imap_url_parse(strbuf_slice(&text), &url), 0);
    imap_url_free(&url);
    (void)strbuf_char(&text, 'x');
    ck_assert_int_eq(imap_url_parse(strbuf_slice(&text), &url), -1);
    imap_url_free(&url);
    strbuf_free(&text);
}
END_TEST

/* ---- tokens ---- */

/* `openssl dgst -sha256 -mac HMAC` with a key of 32 bytes "k". */
START_TEST(a_token_is_the_hmac_of_the_rump)
{
    char token[IMAP_URL_TOKEN_SIZE], upper[IMAP_URL_TOKEN_SIZE];
    uint8_t key[IMAP_URL_KEY_SIZE];
    struct slice rump = SLICE(START ";urlauth=submit+fred");

    memset(key, 'k', sizeof(key));
    imap_url_sign(key, rump, token);
    ck_assert_str_eq(token, "1ba9b34b0bcb56f31f909964ffc1febae0e99690f344326df58161d36ab0907ae");
    ck_assert(imap_url_token_matches(key, rump, slice_of(token)));
    for (size_t i = 0; i < sizeof(token); i++)
        upper[i] = (char)(token[i] >= 'a' ? token[i] - 'a' + 'A' : token[i]);
    ck_assert(imap_url_token_matches(key, rump, slice_of(upper)));
}
END_TEST

START_TEST(any_change_voids_a_token)
{
    char token[IMAP_URL_TOKEN_SIZE];
    uint8_t key[IMAP_URL_KEY_SIZE] = {1};
    struct slice rump = SLICE(START ";urlauth=submit+fred"), whole;

    imap_url_sign(key, rump, token);
    whole = slice_of(token);
    ck_assert(!imap_url_token_matches(key, SLICE(START ";urlauth=submit+Fred"), whole));
    ck_assert(!imap_url_token_matches(key, rump, slice_sub(whole, 0, whole.len - 1)));
    ck_assert(!imap_url_token_matches(key, rump, (struct slice){NULL, 0}));
    for (size_t i = 0; i < whole.len; i++) {
        char was = token[i];

        token[i] = was == '0' ? '7' : '0';
        ck_assert(!imap_url_token_matches(key, rump, whole));
        token[i] = 'g';
        ck_assert(!imap_url_token_matches(key, rump, whole));
        token[i] = was;
    }
    key[IMAP_URL_KEY_SIZE - 1] ^= 1;
    ck_assert(!imap_url_token_matches(key, rump, whole));
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("imap_url");
    TCase *tc = tcase_create("imap_url");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, the_parts_of_a_url, 0, (int)ARRAY_LEN(messages));
    tcase_add_loop_test(tc, the_range_of_a_url, 0, (int)ARRAY_LEN(ranges));
    tcase_add_loop_test(tc, who_may_use_it_and_what_the_token_signs, 0,
                        (int)ARRAY_LEN(authorizations));
    tcase_add_loop_test(tc, when_it_expires, 0, (int)ARRAY_LEN(times));
    tcase_add_test(tc, without_a_date_it_never_expires);
    tcase_add_loop_test(tc, what_is_no_url, 0, (int)ARRAY_LEN(wrong));
    tcase_add_test(tc, a_url_has_a_limit);
    tcase_add_test(tc, a_token_is_the_hmac_of_the_rump);
    tcase_add_test(tc, any_change_voids_a_token);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
