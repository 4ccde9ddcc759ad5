/*
 * t/unit/account_base.h - an account base in a directory of its own, for the tests of lib/account.
 */
#ifndef POSTHORN_T_UNIT_ACCOUNT_BASE_H
#define POSTHORN_T_UNIT_ACCOUNT_BASE_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/account/edit.h"
#include "t/unit/scratch.h"

#define TEST_NOW_MS 1800000000000 /* 2027-01-15T08:00:00Z */

static struct account_base test_base;
static struct account_result test_result;
static struct account_edit test_edit;

static inline void
test_reopen(void)
{
    struct strbuf error = strbuf_new(1000);
    struct account_db *db;

    if (test_base.db != NULL) {
        account_db_close(&test_base.db);
        account_base_free(&test_base);
    }
    db = account_db_open(1u << 20, 0, NULL, &error);
    ck_assert_msg(db != NULL, "%s", strbuf_cstr(&error));
    ck_assert_int_eq(account_base_init(&test_base, db, "+", "postmaster"), 0);
    strbuf_free(&error);
}

static inline void
test_open(void)
{
    ck_assert_ptr_nonnull(scratch_make());
    ck_assert_int_eq(chdir(scratch_dir), 0);
    test_reopen();
    test_result = account_result_new();
    test_edit =
        (struct account_edit){.base = &test_base, .now_ms = TEST_NOW_MS, .result = &test_result};
}

static inline void
test_close(void)
{
    account_db_close(&test_base.db);
    account_base_free(&test_base);
    account_result_free(&test_result);
    ck_assert_int_eq(chdir("/"), 0);
    scratch_remove();
}

/* Ends a change: committed if it went well. Returns its result number. */
static inline uint32_t
test_end(int rc)
{
    if (rc == 0) {
        ck_assert_int_eq(account_db_commit(test_base.db), 0);
        test_result.code = 0;
    } else {
        account_db_abort(test_base.db);
        ck_assert_uint_ne(test_result.code, 0);
        ck_assert_uint_ne(test_result.text.len, 0);
    }
    ck_assert_int_eq(account_base_refresh(&test_base), 0);
    return test_result.code;
}

static inline void
test_begin(void)
{
    ck_assert_int_eq(account_db_begin(test_base.db), 0);
}

/* `name` of `kind` with at most one property. */
static inline uint32_t
test_add(enum account_kind kind, const char *name, const char *property, const char *value)
{
    const struct object_field field = {slice_of(property), slice_of(value)};

    test_begin();
    return test_end(
        account_add(&test_edit, kind, slice_of(name), &field, property == NULL ? 0 : 1));
}

static inline uint32_t
test_set(enum account_kind kind, const char *name, const char *property, const char *value)
{
    const struct object_field field = {slice_of(property), slice_of(value)};

    test_begin();
    return test_end(account_set(&test_edit, kind, slice_of(name), &field, 1));
}

static inline uint32_t
test_del(enum account_kind kind, const char *name)
{
    test_begin();
    return test_end(account_del(&test_edit, kind, slice_of(name)));
}

static inline uint32_t
test_rename(enum account_kind kind, const char *name, const char *new_name)
{
    test_begin();
    return test_end(account_rename(&test_edit, kind, slice_of(name), slice_of(new_name)));
}

static inline uint32_t
test_member(const char *group, const char *member)
{
    test_begin();
    return test_end(account_member_add(&test_edit, slice_of(group), slice_of(member)));
}

static inline uint32_t
test_member_del(const char *group, const char *member)
{
    test_begin();
    return test_end(account_member_del(&test_edit, slice_of(group), slice_of(member)));
}

/* d.test with alice, bob and carol. */
static inline void
test_populate(void)
{
    test_open();
    ck_assert_uint_eq(test_add(ACCOUNT_DOMAIN, "d.test", NULL, NULL), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "alice@d.test", NULL, NULL), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "bob@d.test", NULL, NULL), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "carol@d.test", NULL, NULL), 0);
}

static inline int
test_run(Suite *s, TCase *tc)
{
    SRunner *sr;
    int failed;

    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
