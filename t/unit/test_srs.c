/*
 * t/unit/test_srs.c - lib/mail/srs: what is rewritten comes back, and nothing else does.
 */
#include <check.h>
#include <ctype.h>
#include <stdlib.h>

#include "lib/mail/address.h"
#include "lib/mail/srs.h"

#define NOW_MS INT64_C(1800000000000)
#define DAY_MS INT64_C(86400000)

static const struct srs_key key = {"0123456789abcdef0123456789abcde"}, other = {"another key"};
static struct strbuf there, back;

static void
setup(void)
{
    there = strbuf_new(1000);
    back = strbuf_new(1000);
}

static void
teardown(void)
{
    strbuf_free(&there);
    strbuf_free(&back);
}

#define L64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* Comes back as `back`: the sender itself, or whom an SRS1 address goes to. */
static const struct {
    const char *sender, *prefix, *back;
} good[] = {
    {"bob@far.test", "SRS0=", "bob@far.test"},
    {"Bob.O'Neil+tag=x@Far.Test", "SRS0=", "Bob.O'Neil+tag=x@Far.Test"},
    {"a=b=c@far.test", "SRS0=", "a=b=c@far.test"},
    {"j\xc3\xb6rg@far.test", "SRS0=", "j\xc3\xb6rg@far.test"},
    {L64 "@far.test", "SRS0=", L64 "@far.test"},
    {"SRS0=abcd=TT=x.test=bob@far.test", "SRS1=", "SRS0=abcd=TT=x.test=bob@far.test"},
    {"srs0+abcd=TT=x.test=bob@far.test", "SRS1=", "SRS0+abcd=TT=x.test=bob@far.test"},
    {"SRS1=wxyz=far.test==abcd=TT=x.test=bob@mid.test",
     "SRS1=", "SRS0=abcd=TT=x.test=bob@far.test"},
};

START_TEST(what_goes_out_comes_back)
{
    struct address address;

    ck_assert_int_eq(srs_forward(&key, slice_of(good[_i].sender), SLICE("d.test"), NOW_MS, &there),
                     0);
    ck_assert(slice_starts(strbuf_slice(&there), slice_of(good[_i].prefix)));
    ck_assert(strbuf_ends_with(&there, "@d.test"));
    ck_assert_int_eq(address_parse(strbuf_slice(&there), ADDRESS_UTF8, &address), ADDRESS_OK);
    ck_assert_int_eq(srs_reverse(&key, strbuf_slice(&there), NOW_MS, &back), SRS_GOOD);
    ck_assert_str_eq(strbuf_cstr(&back), good[_i].back);
}
END_TEST

/* Somebody on the way may write all letters in one case. */
START_TEST(case_may_get_lost)
{
    ck_assert_int_eq(srs_forward(&key, slice_of(good[_i].sender), SLICE("d.test"), NOW_MS, &there),
                     0);
    for (size_t i = 0; i < there.len; i++)
        there.ptr[i] = (char)tolower((unsigned char)there.ptr[i]);
    ck_assert_int_eq(srs_reverse(&key, strbuf_slice(&there), NOW_MS, &back), SRS_GOOD);
    ck_assert(slice_eq_nocase(strbuf_slice(&back), slice_of(good[_i].back)));
}
END_TEST

static const char *const kept[] = {
    "",
    "bob",
    "@far.test",
    "bob@",
    "\"a b\"@far.test",
    "bob@[192.0.2.1]",
    "a b@far.test",
    L64 "@" L64 "." L64 "." L64 ".test",
    "SRS1=x@far.test",
    "SRS1=wxyz=far.test=abcd@mid.test", /* no way back through these */
    "a@b=c",
    "SRS0=x@b=c",
};

START_TEST(some_senders_are_kept)
{
    (void)strbuf_str(&there, "before");
    ck_assert_int_eq(srs_forward(&key, slice_of(kept[_i]), SLICE("d.test"), NOW_MS, &there), -1);
    ck_assert_str_eq(strbuf_cstr(&there), "before");
}
END_TEST

/* Every other letter or digit in one place is a forgery. */
START_TEST(no_byte_may_change)
{
    size_t at;

    ck_assert_int_eq(srs_forward(&key, slice_of(good[_i].sender), SLICE("d.test"), NOW_MS, &there),
                     0);
    at = slice_rindex(strbuf_slice(&there), '@');
    for (size_t i = 5; i < at; i++) {
        char right = there.ptr[i];

        there.ptr[i] = right == 'q' || right == 'Q' ? 'r' : 'q';
        ck_assert_int_eq(srs_reverse(&key, strbuf_slice(&there), NOW_MS, &back), SRS_FORGED);
        there.ptr[i] = right;
    }
    ck_assert_uint_eq(back.len, 0);
    ck_assert_int_eq(srs_reverse(&other, strbuf_slice(&there), NOW_MS, &back), SRS_FORGED);
    there.ptr[3] = there.ptr[3] == '0' ? '1' : '0'; /* nor may one kind pass for the other */
    ck_assert_int_eq(srs_reverse(&key, strbuf_slice(&there), NOW_MS, &back), SRS_FORGED);
}
END_TEST

static const struct {
    int days;
    enum srs_found found;
} ages[] = {
    {0, SRS_GOOD},     {1, SRS_GOOD},       {SRS_DAYS, SRS_GOOD}, {SRS_DAYS + 1, SRS_EXPIRED},
    {-1, SRS_EXPIRED}, {1000, SRS_EXPIRED}, {1024, SRS_GOOD} /* the days begin again */};

START_TEST(time_runs_out)
{
    ck_assert_int_eq(srs_forward(&key, SLICE("bob@far.test"), SLICE("d.test"), NOW_MS, &there), 0);
    ck_assert_int_eq(
        srs_reverse(&key, strbuf_slice(&there), NOW_MS + ages[_i].days * DAY_MS, &back),
        ages[_i].found);
}
END_TEST

static const struct {
    const char *address;
    enum srs_found found;
} others[] = {
    {"bob@d.test", SRS_NONE},        {"SRS@d.test", SRS_NONE},
    {"SRS0=@d.test", SRS_NONE},      {"SRS2=x=y@d.test", SRS_NONE},
    {"SRS0.x=y@d.test", SRS_NONE},   {"SRS0=x@d.test", SRS_FORGED},
    {"SRS0====@d.test", SRS_FORGED}, {"srs1-x@d.test", SRS_FORGED},
    {"SRS0=x", SRS_FORGED},          {"", SRS_NONE},
};

START_TEST(other_addresses)
{
    ck_assert_int_eq(srs_reverse(&key, slice_of(others[_i].address), NOW_MS, &back),
                     others[_i].found);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("srs");
    TCase *tc = tcase_create("srs");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, what_goes_out_comes_back, 0, (int)ARRAY_LEN(good));
    tcase_add_loop_test(tc, case_may_get_lost, 0, (int)ARRAY_LEN(good));
    tcase_add_loop_test(tc, some_senders_are_kept, 0, (int)ARRAY_LEN(kept));
    tcase_add_loop_test(tc, no_byte_may_change, 0, (int)ARRAY_LEN(good));
    tcase_add_loop_test(tc, time_runs_out, 0, (int)ARRAY_LEN(ages));
    tcase_add_loop_test(tc, other_addresses, 0, (int)ARRAY_LEN(others));
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
