/*
 * t/unit/test_dkim.c - DKIM: canonical forms, choice of header fields, key records, keyd's
 * messages.
 */
#include <check.h>
#include <stdlib.h>

#include "lib/auth/digest.h"
#include "lib/dkim/canonical.h"
#include "lib/dkim/key_dir.h"
#include "lib/dkim/record.h"
#include "lib/dkim/signature.h"
#include "lib/ipc/keyd.h"

static void
append(void *arg, struct slice piece)
{
    ck_assert(strbuf_append(arg, piece));
}

static const struct {
    const char *body, *canonical;
} bodies[] = {
    {" C \r\nD \t E\r\n\r\n\r\n", " C\r\nD E\r\n"}, /* RFC 6376 section 3.4.5, example 1 */
    {"", ""},
    {"\r\n\r\n", ""},
    {" \t \r\n", ""},
    {" \t ", ""},
    {"x", "x\r\n"},
    {"x\r\n \t", "x\r\n"},
    {"x\r\n\r\ny \t\r\n \r\n", "x\r\n\r\ny\r\n"},
    {"\t\tx", " x\r\n"},
    {"a\rb\nc \rd\n\r\n", "a\rb\nc \rd\n\r\n"}, /* bare ones are like any octet */
    {"a\r", "a\r\r\n"},
    {"a \r\r\n", "a \r\r\n"},
};

START_TEST(body_is_canonical_however_it_comes)
{
    struct slice all = slice_of(bodies[_i].body);

    for (size_t step = 1; step <= all.len + 1; step++) {
        struct strbuf out = strbuf_new(1000);
        struct dkim_body body;

        dkim_body_begin(&body, append, &out);
        for (size_t at = 0; at < all.len; at += step)
            dkim_body_feed(&body, slice_sub(all, at, at + step));
        dkim_body_end(&body);
        ck_assert_str_eq(strbuf_cstr(&out), bodies[_i].canonical);
        strbuf_free(&out);
    }
}
END_TEST

static const char section[] = "A: X\r\nFROM : Alice <alice@D.test>\r\nB : Y\t\r\n\tZ  \r\n"
                              "C:\r\nb:second\r\n\r\nbody";

START_TEST(fields_are_hashed_from_the_bottom)
{
    const struct slice names[] = {SLICE("from"), SLICE("B"), SLICE("C"), SLICE("Missing")};
    const struct slice oversigned[] = {SLICE("B"), SLICE("missing")};
    const struct dkim_header_list list = {names, 4, oversigned, 2};
    struct dkim_header header;

    ck_assert_ptr_null(dkim_header_choose(slice_of(section), &list, &header));
    ck_assert_str_eq(strbuf_cstr(&header.names), "from:B:B:B:C:Missing");
    ck_assert_str_eq(strbuf_cstr(&header.hashed),
                     "from:Alice <alice@D.test>\r\nb:second\r\nb:Y Z\r\nc:\r\n");
    dkim_header_free(&header);
}
END_TEST

START_TEST(header_that_reads_differently_elsewhere_is_refused)
{
    static const char *const bad[] = {
        "To: x\r\n\r\n",                        /* no From */
        "From: a@d.test\r\nFrom: b@d.test\r\n", /* two */
        "From: a@d.test\nTo: x\r\n",            /* a bare LF */
        "From: a@d.test\r\nX: a\rb\r\n",        /* a bare CR */
        "From: a@d.test\r\nno field\r\nTo: x\r\n",
    };
    const struct slice names[] = {SLICE("From")};
    const struct dkim_header_list list = {names, 1, NULL, 0};
    struct dkim_header header;

    ck_assert_ptr_nonnull(dkim_header_choose(slice_of(bad[_i]), &list, &header));
    dkim_header_free(&header);
}
END_TEST

static const struct {
    const char *field, *domain; /* NULL: none */
} authors[] = {
    {"From: a@D.Test\r\n\r\n", "d.test"},
    {"From: A <a@d.test>, \"b@x.test\" <c@d.test>\r\n\r\n", "d.test"},
    {"From: a@d.test, b@e.test\r\n\r\n", NULL},
    {"From: a@b\xc3\xbc"
     "cher.test\r\n\r\n",
     "xn--bcher-kva.test"},
    {"From: nobody\r\n\r\n", NULL},
    {"From: a@[192.0.2.1]\r\n\r\n", NULL},
    {"To: a@d.test\r\n\r\n", NULL},
};

START_TEST(author_has_one_domain)
{
    struct strbuf domain = strbuf_new(300);

    ck_assert(dkim_author_domain(slice_of(authors[_i].field), &domain) ==
              (authors[_i].domain != NULL));
    if (authors[_i].domain != NULL)
        ck_assert_str_eq(strbuf_cstr(&domain), authors[_i].domain);
    strbuf_free(&domain);
}
END_TEST

START_TEST(records_are_compared_as_verifiers_do)
{
    static const struct {
        const char *record;
        bool good;
    } cases[] = {
        {"v=DKIM1; k=ed25519; p=AAAA", true},
        {" v = DKIM1 ;k=ed25519;n=note; p= AA\tAA ;", true},
        {"k=ed25519;p=AAAA;h=sha1:sha256;s=email;t=s", true},
        {"p=AAAA", false}, /* the default type is rsa */
        {"v=DKIM1; k=rsa; p=AAAA", false},
        {"k=ed25519; v=DKIM1; p=AAAA", false}, /* v= must be first */
        {"v=DKIM2; k=ed25519; p=AAAA", false},
        {"v=DKIM1; k=ed25519; p=", false},
        {"v=DKIM1; k=ed25519; p=AAAB", false},
        {"v=DKIM1; k=ed25519", false},
        {"v=DKIM1; k=ed25519; p=AAAA; h=sha1", false},
        {"v=DKIM1; k=ed25519; p=AAAA; s=tlsrpt", false},
        {"v=DKIM1; k=ed25519; p=AAAA; t=s:y", false},
        {"", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *why = dkim_record_check(slice_of(cases[i].record), DKIM_ED25519_SHA256,
                                            slice_make("\0\0\0", 3));

        ck_assert_msg((why == NULL) == cases[i].good, "%s: %s", cases[i].record, why);
    }
}
END_TEST

START_TEST(requests_and_answers_come_back)
{
    const struct keyd_sign request = {.offset = 7,
                                      .size = 99,
                                      .prepend = SLICE("X: y\r\n"),
                                      .user = SLICE("u@d.test"),
                                      .sender = SLICE("s@d.test"),
                                      .seal = true,
                                      .cv = 2,
                                      .results = SLICE("d.test; arc=fail")};
    const struct keyd_signed answer = {KEYD_DONE, SLICE("DKIM-Signature: x\r\n"), SLICE("d.test"),
                                       SLICE("")};
    struct strbuf out = strbuf_new(KEYD_PAYLOAD_MAX);
    struct keyd_sign got;
    struct keyd_signed back;
    struct slice payload;

    ck_assert_int_eq(keyd_sign_encode(&out, &request), 0);
    payload = slice_sub(strbuf_slice(&out), FRAME_HEADER, out.len);
    ck_assert_int_eq(keyd_sign_decode(payload, &got), 0);
    ck_assert(got.offset == 7 && got.size == 99 && slice_eq(got.user, request.user));
    ck_assert(slice_eq(got.prepend, request.prepend) && slice_eq(got.sender, request.sender));
    ck_assert(got.seal && got.cv == 2 && slice_eq(got.results, request.results));
    for (size_t cut = 0; cut < payload.len; cut++)
        ck_assert_int_eq(keyd_sign_decode(slice_sub(payload, 0, cut), &got), -1);
    strbuf_clear(&out);
    ck_assert_int_eq(keyd_signed_encode(&out, 1, &answer), 0);
    payload = slice_sub(strbuf_slice(&out), FRAME_HEADER, out.len);
    ck_assert_int_eq(keyd_signed_decode(payload, &back), 0);
    ck_assert(slice_eq(back.fields, answer.fields) && slice_eq(back.domain, answer.domain));
    for (size_t cut = 0; cut < payload.len; cut++)
        ck_assert_int_eq(keyd_signed_decode(slice_sub(payload, 0, cut), &back), -1);
    strbuf_free(&out);
}
END_TEST

static Suite *
make_suite(void)
{
    Suite *suite = suite_create("dkim");
    TCase *tc = tcase_create("dkim");

    tcase_add_loop_test(tc, body_is_canonical_however_it_comes, 0, (int)ARRAY_LEN(bodies));
    tcase_add_test(tc, fields_are_hashed_from_the_bottom);
    tcase_add_loop_test(tc, header_that_reads_differently_elsewhere_is_refused, 0, 5);
    tcase_add_loop_test(tc, author_has_one_domain, 0, (int)ARRAY_LEN(authors));
    tcase_add_test(tc, records_are_compared_as_verifiers_do);
    tcase_add_test(tc, requests_and_answers_come_back);
    suite_add_tcase(suite, tc);
    return suite;
}

int
main(void)
{
    SRunner *runner = srunner_create(make_suite());
    int failed;

    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
