/*
 * t/unit/test_folder_name.c - lib/store/folder_name: names outside and directories on disk.
 */
#include "t/unit/store_test.h"

#include "lib/store/folder_name.h"

static const struct {
    const char *name, *dir;
} pairs[] = {
    {"Work", ".Work"},
    {"Work/Old", ".Work.Old"},
    {"a b", ".a b"},
    {"R&D", ".R&-D"},
    {"a.b", ".a&AC4-b"},
    {"\xc3\xa4", ".&AOQ-"},
    {"Entw\xc3\xbcrfe", ".Entw&APw-rfe"},
    {"\xc3\xa4.\xc3\xb6", ".&AOQALgD2-"},
    {"\xc3\xa4&b", ".&AOQ-&-b"},
    {"\xe5\x8f\xb0\xe5\x8c\x97", ".&U,BTFw-"}, /* RFC 3501 section 5.1.3's example */
    {"\xf0\x9f\x93\xa7", ".&2D3c5w-"},         /* above U+FFFF */
    {"~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e",
     ".~peter.mail.&U,BTFw-.&ZeVnLIqe-"}, /* the same */
    {"INBOX/x", ".INBOX.x"},
};

START_TEST(a_name_has_one_directory)
{
    struct strbuf out = strbuf_new(2000);

    ck_assert_int_eq(folder_name_to_dir(slice_of(pairs[_i].name), &out), 0);
    ck_assert_str_eq(strbuf_cstr(&out), pairs[_i].dir);
    ck_assert_int_eq(folder_name_from_dir(slice_of(pairs[_i].dir), &out), 0);
    ck_assert_str_eq(strbuf_cstr(&out), pairs[_i].name);
    strbuf_free(&out);
}
END_TEST

static const char *const strange_dirs[] = {
    "Work",        /* no folder of Maildir++ */
    ".",           /* nothing behind the dot */
    "..",          /**/
    "..x",         /* an empty level */
    ".a..b",       /**/
    ".a.",         /**/
    ".&",          /* a shift without an end */
    ".&AOQ",       /**/
    ".&QQ-",       /* half a character */
    ".&AEE-",      /* 'A' stands for itself */
    ".&AOQ-&APY-", /* two runs that should be one */
    ".&AAA-",      /* NUL */
    ".&2D0-",      /* half a surrogate pair */
    ".&3Ac-",      /* the other half */
    ".&!!!!-",     /**/
    ".a\tb",       /**/
    ".\xc3\xa4",   /* 8-bit */
    ".&AC8-",      /* a slash inside a level */
};

START_TEST(a_strange_directory_is_no_folder)
{
    struct strbuf out = strbuf_new(2000);

    ck_assert_int_eq(folder_name_from_dir(slice_of(strange_dirs[_i]), &out), -1);
    strbuf_free(&out);
}
END_TEST

static const struct {
    const char *name, *canonical; /* NULL: refused */
} names[] = {
    {"inbox", "INBOX"},
    {"InBox/x", "INBOX/x"},
    {"Inboxes", "Inboxes"},
    {"a/inbox", "a/inbox"},
    {"", NULL},
    {"/a", NULL},
    {"a/", NULL},
    {"a//b", NULL},
    {"..", NULL},
    {"a/../b", NULL},
    {".", NULL},
    {"a\nb", NULL},
    {"a\x7f", NULL},
    {"\xff", NULL},
    {"\xed\xa0\x80", NULL}, /* a surrogate */
};

START_TEST(a_name_from_outside_is_checked)
{
    struct strbuf out = strbuf_new(2000);
    int rc = folder_name_canonical(slice_of(names[_i].name), &out);

    ck_assert_int_eq(rc, names[_i].canonical == NULL ? -1 : 0);
    if (rc == 0)
        ck_assert_str_eq(strbuf_cstr(&out), names[_i].canonical);
    else
        ck_assert_int_eq(errno, EINVAL);
    strbuf_free(&out);
}
END_TEST

START_TEST(length_and_depth_have_limits)
{
    char name[STORE_NAME_MAX + 2];
    struct strbuf out = strbuf_new(4000);

    memset(name, 'a', sizeof(name));
    ck_assert(store_name_valid(slice_make(name, STORE_NAME_MAX)));
    ck_assert(!store_name_valid(slice_make(name, STORE_NAME_MAX + 1)));
    ck_assert_int_eq(folder_name_to_dir(slice_make(name, STORE_NAME_MAX), &out), -1);
    for (size_t i = 1; i < sizeof(name); i += 2)
        name[i] = '/';
    ck_assert(store_name_valid(slice_make(name, 2 * STORE_DEPTH_MAX - 1)));
    ck_assert(!store_name_valid(slice_make(name, 2 * STORE_DEPTH_MAX + 1)));
    strbuf_free(&out);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("folder_name");
    TCase *tc = tcase_create("names");

    tcase_add_loop_test(tc, a_name_has_one_directory, 0, (int)ARRAY_LEN(pairs));
    tcase_add_loop_test(tc, a_strange_directory_is_no_folder, 0, (int)ARRAY_LEN(strange_dirs));
    tcase_add_loop_test(tc, a_name_from_outside_is_checked, 0, (int)ARRAY_LEN(names));
    tcase_add_test(tc, length_and_depth_have_limits);
    suite_add_tcase(suite, tc);
    return store_test_run(suite);
}
