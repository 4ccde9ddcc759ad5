/*
 * t/unit/test_decisions.c - posthorn/decisions: what differs between two explanations.
 */
// LINK: posthorn/decisions.c
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "posthorn/decisions.h"

static char *copies[2]; /* of a test's two texts */
static unsigned copy_count;

/* "step verdict detail|..."; behind "!" stand the steps of the delivery. The words are cut out of a
 * copy that stays, as those of `explain` do. */
static struct decisions
decisions_of(const char *text)
{
    struct decisions d = {.items = NULL};
    bool of_delivery = false;
    char *copy = strdup(text), *rest = copy, *one;

    ck_assert_ptr_nonnull(copy);
    copies[copy_count++] = copy;
    while ((one = strsep(&rest, "|")) != NULL && one[0] != '\0') {
        of_delivery = of_delivery || one[0] == '!';
        one += one[0] == '!';
        const char *step = strsep(&one, " "), *verdict = strsep(&one, " ");

        decisions_add(&d, &(struct explain_step){step, verdict, slice_of(one), NULL}, of_delivery);
    }
    d.items = d.items == NULL ? calloc(1, sizeof(*d.items)) : d.items;
    return d;
}

static void
put(struct strbuf *out, char sign, const struct decision *d)
{
    if (d != NULL)
        (void)strbuf_printf(out, "%c%s %s %s|", sign, d->step, d->verdict, d->detail);
}

static const struct {
    const char *before, *after, *changes;
} cases[] = {
    {"", "", ""},
    {"size accepted 1|relay accepted a", "size accepted 2|relay accepted b", ""},
    {"size accepted 1|relay refused a", "size accepted 1|relay refused a", ""},
    {"size accepted 1|relay refused a", "size accepted 1|relay refused b",
     "-relay refused a|+relay refused b|"},
    {"size accepted 1|relay refused a", "size accepted 1|relay accepted b|!route try x",
     "-relay refused a|+relay accepted b|"},
    {"size accepted 1|relay accepted b|!route try x", "size refused 2",
     "-size accepted 1|+size refused 2|"},
    /* one lets it on, and refuses it later */
    {"size refused 1", "size accepted 1|relay refused a",
     "-size refused 1|+size accepted 1|+relay refused a|"},
    {"size accepted 1|relay refused a", "size refused 1",
     "-size accepted 1|+size refused 1|-relay refused a|"},
    /* a step that only one has */
    {"size accepted 1|recipient accepted a", "size accepted 1|recipients put-off b",
     "-recipient accepted a|+recipients put-off b|"},
    {"!route try x|tls may a", "!route try x|tls may a", ""},
    {"!route try x|tls may a", "!route try y|tls may a", "-route try x|+route try y|"},
    {"!route try x|route try y|tls may a", "!route try y|tls may a", "-route try x|"},
    {"!route try x|tls may a", "!route try x|copy monitored c|tls may a", "+copy monitored c|"},
    {"!tls may a", "!tls dane a|tls may b", "-tls may a|+tls dane a|+tls may b|"},
    /* the same in another order of attempts */
    {"!route try x|route try y", "!route try y|route try x",
     "-route try x|+route try y|-route try y|+route try x|"},
    {"!route try x|route try x", "!route try x", "-route try x|"},
    /* a kind that only the other side has; each change once */
    {"!copy archived a|route try x", "!dkim signed b|route try x|dkim signed c",
     "-copy archived a|+dkim signed b|+dkim signed c|"},
};

START_TEST(what_differs)
{
    struct decisions before = decisions_of(cases[_i].before), after = decisions_of(cases[_i].after);
    struct strbuf out = strbuf_new(1000);
    struct decision_change *changes;
    size_t count = decisions_compare(&before, &after, &changes);

    for (size_t i = 0; i < count; i++) {
        put(&out, '-', changes[i].before);
        put(&out, '+', changes[i].after);
    }
    ck_assert_str_eq(strbuf_cstr(&out), cases[_i].changes);
    ck_assert(decisions_equal(&before, &before));
    ck_assert_int_eq(decisions_equal(&before, &after),
                     strcmp(cases[_i].before, cases[_i].after) == 0);
    free(changes);
    decisions_clear(&before);
    decisions_clear(&after);
    while (copy_count > 0)
        free(copies[--copy_count]);
    strbuf_free(&out);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("decisions");
    TCase *tc = tcase_create("decisions");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_loop_test(tc, what_differs, 0, (int)ARRAY_LEN(cases));
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
