/*
 * t/unit/test_conf_cite.c - lib/conf/conf_cite: which line stands behind a decision.
 */
#include <check.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "lib/base/mem.h"
#include "lib/conf/conf_cite.h"
#include "t/unit/scratch.h"

static void
write_file(const char *name, const char *text)
{
    char *path = xasprintf("%s/%s", scratch_dir, name);
    FILE *out = fopen(path, "w");

    ck_assert_ptr_nonnull(out);
    (void)fputs(text, out);
    (void)fclose(out);
    free(path);
}

/* "@": the directory. */
static const struct {
    const char *setting;
    unsigned line;
    const char *cited; /* NULL: nothing can be */
} cites[] = {
    {"smtp.close_relay", 0, "@/etc/posthorn.conf:3: close_relay = no # for a day"},
    {"smtp.max_recipients", 0, "smtp.max_recipients = 100 (default)"},
    {"remote.tls_table", 0, "@/etc/posthorn.conf:5: tls_table = tls.txt"},
    {"remote.tls_table", 2, "@/etc/tls.txt:2: b.test secure"},
    {"remote.tls_table", 9, "@/etc/tls.txt: no such line any more"},
    {"smtp.close_relay", 2, "@/etc/posthorn.conf:3: close_relay = no # for a day"},
    {"monitoring.rules", 1, "@/etc/monitoring.rules:1: [sales]"},
    {"smtp.unheard_of", 0, NULL},
    {"\"", 0, NULL},
    {"", 0, NULL},
};

START_TEST(the_line_that_stands_now)
{
    struct strbuf text = strbuf_new(4096), errors = strbuf_new(4096);
    struct strbuf expected = strbuf_new(4096);
    const struct conf_cite *cite;
    struct conf_citer *citer;
    struct instance inst;
    struct conf *conf;

    write_file("etc/posthorn.conf", "# mine\n[smtp]\nclose_relay = no # for a day\n[remote]\n"
                                    "tls_table = tls.txt\n");
    write_file("etc/tls.txt", "a.test may\nb.test secure\n");
    write_file("etc/monitoring.rules", "[sales]\n");
    instance_init(&inst, scratch_dir);
    conf = conf_load(inst.conf_path, &errors);
    ck_assert_msg(conf != NULL, "%s", strbuf_cstr(&errors));
    citer = conf_citer_new(conf, &inst);
    for (int again = 0; again < 2; again++) {
        cite = conf_cite(citer, slice_of(cites[_i].setting), cites[_i].line);
        ck_assert_int_eq(cite == NULL, cites[_i].cited == NULL);
    }
    if (cite != NULL) {
        bool in_file = cites[_i].cited[0] == '@';

        conf_cite_print(cite, &text);
        (void)strbuf_printf(&expected, "%s%s", in_file ? scratch_dir : "",
                            cites[_i].cited + in_file);
        ck_assert_str_eq(strbuf_cstr(&text), strbuf_cstr(&expected));
    }
    conf_citer_free(&citer);
    conf_free(&conf);
    instance_free(&inst);
    strbuf_free(&text);
    strbuf_free(&expected);
    strbuf_free(&errors);
}
END_TEST

static void
make(void)
{
    char *etc;

    ck_assert_ptr_nonnull(scratch_make());
    etc = xasprintf("%s/etc", scratch_dir);
    ck_assert_int_eq(mkdir(etc, 0700), 0);
    free(etc);
}

int
main(void)
{
    Suite *suite = suite_create("conf_cite");
    TCase *tc = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tc, make, scratch_remove);
    tcase_add_loop_test(tc, the_line_that_stands_now, 0, (int)ARRAY_LEN(cites));
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
