/*
 * t/unit/test_arc.c - chains of ARC taken apart (lib/dkim/arc), lists of tags (lib/dkim/tags), keys
 * of others (lib/dkim/public_key), simple bodies (lib/dkim/canonical).
 */
#include <check.h>
#include <stdlib.h>

#include "lib/base/encode.h"
#include "lib/dkim/arc.h"
#include "lib/dkim/canonical.h"
#include "lib/dkim/public_key.h"
#include "lib/dkim/record.h"
#include "lib/dkim/tags.h"

/* ---- tags ---- */

static const struct {
    const char *list;
    int count; /* -1: refused */
} lists[] = {
    {"a=1; b=2", 2},   {"a=1;b=2;", 2}, {" a = 1 ;\r\n\tb\t=", 2},
    {"i=1", 1},        {"a=b=c", 1},    {"a=1; a=2", -1},
    {"a=1;; b=2", -1}, {"a", -1},       {"", -1},
    {";", -1},         {"1a=1", -1},    {"a b=1", -1},
    {"=1", -1},        {"a=1; b", -1},
};

START_TEST(lists_of_tags)
{
    struct dkim_tags tags;
    bool right = dkim_tags_parse(slice_of(lists[_i].list), &tags);

    ck_assert_int_eq(right ? (int)tags.count : -1, lists[_i].count);
}
END_TEST

START_TEST(the_value_of_b_is_taken_out)
{
    static const struct {
        const char *list, *rest;
    } cases[] = {
        {"i=1; b=abc=; bh=x", "i=1; b=; bh=x"},
        {"b=abc", "b="},
        {"bh=b; \r\n\tb = a\r\n b ", "bh=b; \r\n\tb ="},
        {"a=1", "a=1"},
        {"b;x=1", "b;x=1"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct strbuf out = strbuf_new(100);

        ck_assert(dkim_tags_unsigned(slice_of(cases[i].list), &out));
        ck_assert_str_eq(strbuf_cstr(&out), cases[i].rest);
        strbuf_free(&out);
    }
}
END_TEST

/* ---- chains ---- */

#define SET(i, cv)                                                                                 \
    "ARC-Seal: i=" i "; cv=" cv "; b=x\r\nARC-Message-Signature: i=" i                             \
    "; a=y\r\nARC-Authentication-Results: i=" i "; x; none\r\n"

static const struct {
    const char *section;
    unsigned count;
    bool good, ended;
} chains[] = {
    {"From: a\r\n\r\n", 0, true, false},
    {SET("1", "none") "\r\n", 1, true, false},
    {SET("2", "pass") SET("1", "none"), 2, true, false},
    {SET("1", "none") SET("2", "pass"), 2, true, false},
    {SET("2", "fail") SET("1", "none"), 2, false, true},
    {SET("1", "pass"), 1, false, false},
    {SET("2", "none") SET("1", "none"), 2, false, false},
    {SET("2", "pass"), 2, false, false},
    {SET("1", "none") SET("1", "none"), 1, false, false},
    {SET("51", "pass"), 0, false, false},
    {SET("0", "none"), 0, false, false},
    {SET("x", "none"), 0, false, false},
    {"ARC-Seal: cv=none; i=1\r\n", 0, false, false},
    {"ARC-Seal: i=1; cv=none\r\n", 1, false, false},
    {SET("1", "none") "ARC-Seal: i=1; cv=fail\r\n", 1, false, false},
    {"ARC-Sealed: i=1\r\nX-ARC-Seal: i=1\r\n", 0, true, false},
    {"From: a\r\n\r\n" SET("1", "none"), 0, true, false},
};

START_TEST(chains_are_taken_apart)
{
    struct arc_chain chain;

    arc_collect(slice_of(chains[_i].section), &chain);
    ck_assert_uint_eq(chain.count, chains[_i].count);
    ck_assert_int_eq(chain.trouble == NULL, chains[_i].good);
    ck_assert_int_eq(chain.ended, chains[_i].ended);
}
END_TEST

#define BH "bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

static const struct {
    const char *tags;
    bool good, simple_header, simple_body;
} claims[] = {
    {"i=1; a=rsa-sha256; d=d.test; s=s; h=From; " BH "; b=AAAA", true, true, true},
    {"i=1; a=rsa-sha256; c=relaxed; d=d.test; s=s; h=to:FROM; " BH "; b=AA\r\n AA", true, false,
     true},
    {"i=1; a=ed25519-sha256; c=simple/relaxed; d=d.test; s=a.b; h= from ; " BH "; b=AAAA", true,
     true, false},
    {"i=1; a=rsa-sha1; d=d.test; s=s; h=From; " BH "; b=AAAA", false, false, false},
    {"i=1; a=rsa-sha256; c=nofws; d=d.test; s=s; h=From; " BH "; b=AAAA", false, false, false},
    {"i=1; a=rsa-sha256; d=d.test; s=s; h=To; " BH "; b=AAAA", false, false, false},
    {"i=1; a=rsa-sha256; d=d.test; s=s; h=From; l=10; " BH "; b=AAAA", false, false, false},
    {"i=1; a=rsa-sha256; d=d.test; s=s; h=From; bh=AAAA; b=AAAA", false, false, false},
    {"i=1; a=rsa-sha256; d=d.test; s=s; h=From; " BH, false, false, false},
    {"i=1; a=rsa-sha256; d=..; s=s; h=From; " BH "; b=AAAA", false, false, false},
    {"i=1; a=rsa-sha256; d=d.test; h=From; " BH "; b=AAAA", false, false, false},
    {"i=1; a=rsa-sha256; d=d.test; s=s; h=From; " BH "; b=AAAA; b=AAAA", false, false, false},
};

START_TEST(claims_of_message_signatures)
{
    struct arc_set set = {.message = {.body = slice_of(claims[_i].tags)}};
    struct arc_claim claim;
    const char *why = arc_message_claim(&set, &claim);

    ck_assert_int_eq(why == NULL, claims[_i].good);
    if (why == NULL) {
        ck_assert_int_eq(claim.simple_header, claims[_i].simple_header);
        ck_assert_int_eq(claim.simple_body, claims[_i].simple_body);
    }
    arc_claim_free(&claim);
}
END_TEST

START_TEST(a_seal_has_no_h)
{
    struct arc_set set = {
        .seal = {.body = SLICE("i=1; a=rsa-sha256; d=d.test; s=s; cv=none; b=AA==")}};
    struct arc_claim claim;

    ck_assert_ptr_null(arc_seal_claim(&set, &claim));
    arc_claim_free(&claim);
    set.seal.body = SLICE("i=1; a=rsa-sha256; d=d.test; s=s; cv=none; h=From; b=AA==");
    ck_assert_str_eq(arc_seal_claim(&set, &claim), "a seal with h=");
    arc_claim_free(&claim);
}
END_TEST

/* ---- keys ---- */

START_TEST(keys_of_both_kinds_verify)
{
    struct dkim_key *key = dkim_key_make((enum dkim_algorithm)_i, 1024);
    struct strbuf bytes = strbuf_new(DKIM_PUBLIC_KEY_MAX), record = strbuf_new(DKIM_RECORD_MAX);
    struct strbuf signature = strbuf_new(DKIM_SIGNATURE_MAX);
    unsigned char digest[DKIM_DIGEST] = {1, 2, 3};
    struct dkim_public *public;

    ck_assert(dkim_key_public(key, &bytes) && dkim_key_sign(key, digest, &signature));
    ck_assert(dkim_record_write((enum dkim_algorithm)_i, strbuf_slice(&bytes), &record));
    public = dkim_public_parse(strbuf_slice(&record), (enum dkim_algorithm)_i);
    ck_assert_ptr_nonnull(public);
    ck_assert(dkim_public_verify(public, digest, strbuf_slice(&signature)));
    digest[0] = 9;
    ck_assert(!dkim_public_verify(public, digest, strbuf_slice(&signature)));
    digest[0] = 1;
    ck_assert(!dkim_public_verify(public, digest, SLICE("")));
    ck_assert_ptr_null(dkim_public_parse(strbuf_slice(&record), (enum dkim_algorithm) !_i));
    dkim_public_free(&public);
    strbuf_free(&bytes);
    strbuf_free(&record);
    strbuf_free(&signature);
    dkim_key_free(&key);
}
END_TEST

#define ED "p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

static const struct {
    const char *record;
    bool good;
} keys[] = {
    {"v=DKIM1; k=ed25519; " ED, true},
    {"k=ed25519; " ED "; n=note; t=y", true},
    {"v=DKIM1; k=ed25519; h=sha1:sha256; s=email:*; " ED, true},
    {"v=DKIM2; k=ed25519; " ED, false},
    {"k=ed25519; v=DKIM1; " ED, false},
    {"v=DKIM1; " ED, false},
    {"v=DKIM1; k=ed25519; h=sha1; " ED, false},
    {"v=DKIM1; k=ed25519; s=tlsrpt; " ED, false},
    {"v=DKIM1; k=ed25519; p=", false},
    {"v=DKIM1; k=ed25519; p=AAAA", false},
    {"", false},
};

START_TEST(records_that_hold_a_key)
{
    struct dkim_public *key = dkim_public_parse(slice_of(keys[_i].record), DKIM_ED25519_SHA256);

    ck_assert_int_eq(key != NULL, keys[_i].good);
    dkim_public_free(&key);
}
END_TEST

/* ---- bodies ---- */

static void
add_piece(void *arg, struct slice piece)
{
    (void)strbuf_append(arg, piece);
}

START_TEST(simple_bodies)
{
    static const struct {
        const char *body, *canonical;
    } cases[] = {
        {"", "\r\n"},
        {"\r\n\r\n", "\r\n"},
        {" a  b \r\n\r\n\r\n", " a  b \r\n"},
        {"a\r\n\r\n b", "a\r\n\r\n b\r\n"},
        {"a\r\n \r\n", "a\r\n \r\n"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        for (size_t step = 1; step < 4; step++) {
            struct strbuf out = strbuf_new(100);
            struct slice rest = slice_of(cases[i].body);
            struct dkim_body body;

            dkim_body_begin(&body, add_piece, &out);
            body.simple = true;
            for (; rest.len > 0; rest = slice_sub(rest, step, rest.len))
                dkim_body_feed(&body, slice_sub(rest, 0, step));
            dkim_body_end(&body);
            ck_assert_str_eq(strbuf_cstr(&out), cases[i].canonical);
            strbuf_free(&out);
        }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("arc");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tc, lists_of_tags, 0, (int)ARRAY_LEN(lists));
    tcase_add_test(tc, the_value_of_b_is_taken_out);
    tcase_add_loop_test(tc, chains_are_taken_apart, 0, (int)ARRAY_LEN(chains));
    tcase_add_loop_test(tc, claims_of_message_signatures, 0, (int)ARRAY_LEN(claims));
    tcase_add_test(tc, a_seal_has_no_h);
    tcase_add_loop_test(tc, keys_of_both_kinds_verify, 0, DKIM_ALGORITHMS);
    tcase_add_loop_test(tc, records_that_hold_a_key, 0, (int)ARRAY_LEN(keys));
    tcase_add_test(tc, simple_bodies);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
