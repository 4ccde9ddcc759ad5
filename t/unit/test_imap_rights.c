/*
 * t/unit/test_imap_rights.c - lib/mail/imap_rights: letters and bits.
 */
#include <check.h>

#include "lib/mail/imap_rights.h"

static const struct {
    const char *letters;
    int rc;
    uint32_t rights;
    const char *written;
} cases[] = {
    {"", 0, 0, ""},
    {"lr", 0, RIGHTS_READ_ONLY, "lr"},
    {"rrl", 0, RIGHTS_READ_ONLY, "lr"},
    {"aetxkpiwsrl", 0, RIGHTS_ALL, "lrswipkxtea"},
    {"c", 0, RIGHT_CREATE | RIGHT_DELETE_FOLDER, "kx"},
    {"d", 0, RIGHT_DELETE_MESSAGE | RIGHT_EXPUNGE, "te"},
    {"L", -1, 7, "lrs"},
    {"l r", -1, 7, "lrs"},
    {"lrq", -1, 7, "lrs"},
};

START_TEST(letters_are_bits)
{
    struct strbuf out = strbuf_new(64);
    uint32_t rights = 7;

    ck_assert_int_eq(imap_rights_parse(slice_of(cases[_i].letters), &rights), cases[_i].rc);
    ck_assert_uint_eq(rights, cases[_i].rights);
    imap_rights_write(rights, &out);
    ck_assert_str_eq(strbuf_cstr(&out), cases[_i].written);
    strbuf_free(&out);
}
END_TEST

START_TEST(answers_hold_the_old_letters)
{
    struct strbuf out = strbuf_new(64);

    imap_rights_write_answer(RIGHTS_READ_ONLY, &out);
    ck_assert_str_eq(strbuf_cstr(&out), "lr");
    strbuf_clear(&out);
    imap_rights_write_answer(RIGHT_EXPUNGE, &out);
    ck_assert_str_eq(strbuf_cstr(&out), "ed");
    strbuf_clear(&out);
    imap_rights_write_answer(RIGHTS_ALL, &out);
    ck_assert_str_eq(strbuf_cstr(&out), "lrswipkxteacd");
    strbuf_free(&out);
}
END_TEST

START_TEST(rights_can_be_given_each_by_itself)
{
    struct strbuf out = strbuf_new(64);

    imap_rights_write_grantable(RIGHTS_ALL, &out);
    ck_assert_str_eq(strbuf_cstr(&out), " l r s w i p k x t e a c d");
    strbuf_clear(&out);
    imap_rights_write_grantable(RIGHT_CREATE, &out);
    ck_assert_str_eq(strbuf_cstr(&out), " k c");
    strbuf_free(&out);
}
END_TEST

START_TEST(no_letter_is_a_nul)
{
    uint32_t rights = 7;

    ck_assert_int_eq(imap_rights_parse(slice_make("l\0", 2), &rights), -1);
    ck_assert_uint_eq(rights, 7);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("imap_rights");
    TCase *tc = tcase_create("rights");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tc, letters_are_bits, 0, (int)ARRAY_LEN(cases));
    tcase_add_test(tc, answers_hold_the_old_letters);
    tcase_add_test(tc, rights_can_be_given_each_by_itself);
    tcase_add_test(tc, no_letter_is_a_nul);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
