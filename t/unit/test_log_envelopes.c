/*
 * t/unit/test_log_envelopes.c - posthorn/log_envelopes: which envelopes log files tell of.
 */
// LINK: posthorn/log_envelopes.c
// LINK: posthorn/log_reader.c
// LINK: posthorn/explained.c
// LINK: posthorn/output.c
#include <check.h>
#include <stdlib.h>

#include "lib/base/mem.h"
#include "posthorn/log_envelopes.h"
#include "t/unit/scratch.h"

#define AT "2026-11-23T10:00:00.000Z smtpd[1] info event="
#define CLIENT "session=S1 client=192.0.2.1 "

static const struct log_envelope_limits limits = {{1000, 0, 5000}, {2, 0}};

static const struct {
    const char *lines;
    const char *found; /* "from>to client user port size before xCOUNT;" */
    uint64_t unreadable;
} cases[] = {
    {AT "received " CLIENT "from=a@a.x to=b@b.x size=7 service=smtp auth_user=\"\" ip=\"\"",
     "a@a.x>b@b.x 192.0.2.1  smtp 7 0 x1;", 0},
    /* what is below the same limits is the same */
    {AT "received " CLIENT "from=a@a.x to=b@b.x size=7 service=smtp\n" AT "received " CLIENT
        "from=a@a.x to=b@b.x size=1000 service=smtp\n" AT "received " CLIENT
        "from=a@a.x to=b@b.x size=1001 service=smtp\n" AT "received " CLIENT
        "from=a@a.x to=b@b.x size=5001 service=smtp",
     "a@a.x>b@b.x 192.0.2.1  smtp 7 0 x2;a@a.x>b@b.x 192.0.2.1  smtp 1001 0 x1;"
     "a@a.x>b@b.x 192.0.2.1  smtp 5001 0 x1;",
     0},
    /* several recipients, by their place; a second line of the same message */
    {AT "received " CLIENT "from=\"\" to=b@b.x,c@b.x size=1 service=smtps auth_user=u@b.x\n" AT
        "recipients " CLIENT "from=\"\" to=d@b.x before=2 size=1 service=smtps auth_user=u@b.x",
     ">b@b.x 192.0.2.1 u@b.x smtps 1 0 x1;>c@b.x 192.0.2.1 u@b.x smtps 1 1 x1;"
     ">d@b.x 192.0.2.1 u@b.x smtps 1 2 x1;",
     0},
    {AT "received " CLIENT "from=a@a.x to=\"\\\"b,\\\\\\\"c\\\"@b.x,d@b.x\" size=1 service=smtp",
     "a@a.x>\"b,\\\"c\"@b.x 192.0.2.1  smtp 1 0 x1;a@a.x>d@b.x 192.0.2.1  smtp 1 1 x1;", 0},
    {AT "rejected " CLIENT "stage=MAIL from=a@a.x to=\"\" before=0 size=9 service=smtp",
     "a@a.x> 192.0.2.1  smtp 9 0 x1;", 0},
    /* who XCLIENT names; LMTP; lines of before the service was logged */
    {AT "received " CLIENT "from=a@a.x to=b@b.x size=1 service=lmtp ip=2001:db8::1",
     "a@a.x>b@b.x 2001:db8::1  lmtp 1 0 x1;", 0},
    {AT "received " CLIENT "from=a@a.x to=b@b.x size=1 proto=ESMTPSA auth_user=a@a.x",
     "a@a.x>b@b.x 192.0.2.1 a@a.x submission 1 0 x1;", 0},
    {AT "received " CLIENT "from=a@a.x to=b@b.x size=1 proto=ESMTP",
     "a@a.x>b@b.x 192.0.2.1  smtp 1 0 x1;", 0},
    {AT "received " CLIENT "from=a@a.x to=b@b.x size=1 proto=LMTP",
     "a@a.x>b@b.x 192.0.2.1  lmtp 1 0 x1;", 0},
    /* no envelope */
    {AT "connected " CLIENT "from=a@a.x to=b@b.x", "", 0},
    {AT "rejected " CLIENT "stage=BURL code=554", "", 0},
    {"2026-11-23T10:00:00.000Z imapd[1] info event=received client=192.0.2.1 from=a@a.x to=b@b.x",
     "", 0},
    {"2026-11-23T09:59:59.999Z smtpd[1] info event=received client=192.0.2.1 from=a@a.x to=b@b.x",
     "", 0},
    {AT "received client=\"192.0.2.1 from=a@a.x to=b@b.x\"", "", 0},
    {AT "received client=nowhere from=a@a.x to=b@b.x", "", 1},
    {AT "received " CLIENT "from=a@a.x to=\"b b@b.x\"", "", 1},
    {AT "received " CLIENT "from=a@a.x to=b@b.x auth_user=nobody", "", 1},
};

START_TEST(envelopes_of_lines)
{
    char *path = xasprintf("%s/smtp.log", scratch_dir);
    struct strbuf found = strbuf_new(2000);
    FILE *file = fopen(path, "w");
    struct log_envelopes e;

    ck_assert_ptr_nonnull(file);
    (void)fputs(cases[_i].lines, file);
    (void)fclose(file);
    log_envelopes_read(scratch_dir, SLICE("2026-11-23T10"), &limits, &e);
    for (size_t i = 0; i < e.count; i++) {
        const struct explained *m = &e.items[i].mail;

        (void)strbuf_printf(&found, "%.*s>%.*s %.*s %.*s %s %llu %llu x%llu;", (int)m->from.len,
                            m->from.ptr, (int)m->to.len, m->to.ptr, (int)m->client_ip.len,
                            m->client_ip.ptr, (int)m->user.len, m->user.ptr,
                            smtp_ports[m->port].label, (unsigned long long)m->size,
                            (unsigned long long)m->before, (unsigned long long)e.items[i].count);
    }
    ck_assert_str_eq(strbuf_cstr(&found), cases[_i].found);
    ck_assert_uint_eq(e.unreadable, cases[_i].unreadable);
    ck_assert_int_eq(e.error, 0);
    log_envelopes_clear(&e);
    strbuf_free(&found);
    free(path);
}
END_TEST

START_TEST(memory_is_bounded)
{
    char *path = xasprintf("%s/smtp.log", scratch_dir);
    FILE *file = fopen(path, "w");
    struct log_envelopes e;

    ck_assert_ptr_nonnull(file);
    for (int i = 0; i < LOG_ENVELOPES_MAX + 5; i++)
        (void)fprintf(file, AT "received " CLIENT "from=a%d@a.x to=b@b.x size=1 service=smtp\n", i);
    for (int i = 0; i < 3; i++) /* what is known is counted still */
        (void)fprintf(file, AT "received " CLIENT "from=a7@a.x to=b@b.x size=1 service=smtp\n");
    (void)fclose(file);
    log_envelopes_read(scratch_dir, SLICE("2026"), &limits, &e);
    ck_assert_uint_eq(e.count, LOG_ENVELOPES_MAX);
    ck_assert_uint_eq(e.total, LOG_ENVELOPES_MAX + 8);
    ck_assert_uint_eq(e.left_out, 5);
    ck_assert_uint_eq(e.items[7].count, 4);
    log_envelopes_clear(&e);
    free(path);
}
END_TEST

static void
make(void)
{
    ck_assert_ptr_nonnull(scratch_make());
}

int
main(void)
{
    Suite *suite = suite_create("log_envelopes");
    TCase *tc = tcase_create("log_envelopes");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tc, make, scratch_remove);
    tcase_add_loop_test(tc, envelopes_of_lines, 0, (int)ARRAY_LEN(cases));
    tcase_add_test(tc, memory_is_bounded);
    tcase_set_timeout(tc, 60);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
