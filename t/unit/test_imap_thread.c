/*
 * t/unit/test_imap_thread.c - threads from what is known of messages.
 */
// LINK: imapd/thread_links.c
// LINK: imapd/thread_subject.c
// LINK: imapd/thread_tree.c
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "imapd/thread_tree.h"

enum { MESSAGES_MAX = 12 };

/* One message: its id, references ("b,c"), subject; sent dates follow the order of the rows unless
 * given. "Re" in front of a subject is a reply. */
struct row {
    const char *id, *references, *subject;
    int sent;
};

static const struct {
    struct row rows[MESSAGES_MAX];
    const char *by_references, *refs, *by_subject;
} mailboxes[] = {
    {{{"a", "", "x", 0}}, "(1)", "(1)", "(1)"},
    /* RFC 5256 section BASE.7.2.THREAD: (2)(3 6 (4 23)(44 7 96)), numbered anew */
    {{{"2", "", "q", 1},
      {"3", "", "r", 2},
      {"4", "3,6", "r", 5},
      {"6", "3", "r", 4},
      {"7", "3,6,44", "r", 7},
      {"23", "3,6,4", "r", 6},
      {"44", "3,6", "r", 6},
      {"96", "3,6,44,7", "r", 9}},
     "(1)(2 4 (3 6)(7 5 8))",
     "(1)(2 4 (3 6)(7 5 8))",
     "(1)(2 (4)(3)(6)(7)(5)(8))"},
    /* siblings of a parent that is not there: ((3)(5)) of the RFC */
    {{{"c", "p", "x", 0}, {"e", "p", "x", 0}}, "((1)(2))", "((1)(2))", "(1 2)"},
    /* an only child of a dummy is a root, a grandchild too */
    {{{"c", "p", "x", 0}, {"d", "q,r,s", "y", 0}}, "(1)(2)", "(1)(2)", "(1)(2)"},
    /* dummies in the middle go, their children move up */
    {{{"a", "", "x", 0}, {"c", "a,gone", "x", 0}, {"d", "a,gone", "x", 0}},
     "(1 (2)(3))",
     "(1 (2)(3))",
     "(1 (2)(3))"},
    {{{"c", "p,q", "x", 0}, {"d", "p,r", "x", 0}, {"e", "p,r", "x", 0}},
     "((1)(2)(3))",
     "((1)(2)(3))",
     "(1 (2)(3))"},
    /* the parent comes later; a truncated References field does not change a link */
    {{{"c", "a,b", "x", 3}, {"b", "a", "x", 2}, {"a", "", "x", 1}, {"d", "a,c", "x", 4}},
     "(3 2 1 4)",
     "(3 2 1 4)",
     "(3 (2)(1)(4))"},
    /* loops */
    {{{"a", "b", "x", 0}, {"b", "a", "x", 0}}, "(2 1)", "(2 1)", "(1 2)"},
    {{{"a", "a", "x", 0}}, "(1)", "(1)", "(1)"},
    {{{"a", "b,c,a", "x", 0}, {"b", "c,b", "y", 0}}, NULL, NULL, NULL},
    /* the same identifier twice: the first has it */
    {{{"a", "", "x", 0}, {"a", "", "y", 0}, {"b", "a", "z", 0}},
     "(1 3)(2)",
     "(2)(1 3)",
     "(1)(2)(3)"},
    /* no identifier */
    {{{"", "", "x", 0}, {"", "", "y", 0}}, "(1)(2)", "(1)(2)", "(1)(2)"},
    /* subjects: a reply joins the message, a message does not join a reply, two messages get a
       dummy */
    {{{"a", "", "x", 0}, {"b", "", "Re x", 0}}, "(1 2)", "(1)(2)", "(1 2)"},
    {{{"b", "", "Re x", 0}, {"a", "", "x", 0}}, "(2 1)", "(1)(2)", "(1 2)"},
    {{{"a", "", "x", 0}, {"b", "", "x", 0}}, "((1)(2))", "(1)(2)", "(1 2)"},
    {{{"a", "", "x", 0}, {"b", "", "x", 0}, {"c", "", "x", 0}},
     "((1)(2)(3))",
     "(1)(2)(3)",
     "(1 (2)(3))"},
    {{{"a", "", "Re x", 0}, {"b", "", "Re x", 0}}, "((1)(2))", "(1)(2)", "(1 2)"},
    {{{"a", "", "", 0}, {"b", "", "", 0}}, "(1)(2)", "(1)(2)", "(1 2)"},
    {{{"c", "p", "x", 0}, {"d", "p", "x", 0}, {"e", "", "x", 0}},
     "((1)(2)(3))",
     "((1)(2))(3)",
     "(1 (2)(3))"},
    {{{"c", "p", "x", 0}, {"d", "p", "x", 0}, {"e", "q", "x", 0}, {"f", "q", "x", 0}},
     "((1)(2)(3)(4))",
     "((1)(2))((3)(4))",
     "(1 (2)(3)(4))"},
    /* by sent date, and where that is the same by number */
    {{{"a", "", "x", 9}, {"b", "", "y", 3}, {"c", "", "z", 3}},
     "(2)(3)(1)",
     "(1)(2)(3)",
     "(2)(3)(1)"},
    /* REFS: the thread with the newest arrival is last */
    {{{"a", "", "x", 0}, {"b", "", "y", 0}, {"c", "a", "Re x", 0}},
     "(1 3)(2)",
     "(2)(1 3)",
     "(1 3)(2)"},
};

static void
put(void *out, struct slice text)
{
    ck_assert(strbuf_append(out, text));
}

static uint32_t
fill(const struct row *rows, struct arena *arena, struct thread_message *messages)
{
    uint32_t count = 0;

    for (; count < MESSAGES_MAX && rows[count].id != NULL; count++) {
        const struct row *row = &rows[count];
        struct strbuf ids = strbuf_new(1000);
        struct thread_message *m = &messages[count];

        ck_assert(strbuf_printf(&ids, "%s,%s%s", row->id, row->references,
                                row->references[0] != '\0' ? "," : ""));
        for (size_t i = 0; i < ids.len; i++)
            if (ids.ptr[i] == ',')
                ids.ptr[i] = '\0';
        *m = (struct thread_message){.number = count + 1, .arrived_ms = count};
        m->ids = arena_copy(arena, strbuf_slice(&ids));
        m->sent_ms = row->sent != 0 ? row->sent : (int)count;
        m->is_reply = strncmp(row->subject, "Re ", 3) == 0;
        m->subject = slice_of(row->subject + (m->is_reply ? 3 : 0));
        strbuf_free(&ids);
    }
    return count;
}

START_TEST(messages_are_threaded)
{
    const char *expected[] = {[THREAD_ORDEREDSUBJECT] = mailboxes[_i].by_subject,
                              [THREAD_REFERENCES] = mailboxes[_i].by_references,
                              [THREAD_REFS] = mailboxes[_i].refs};
    struct thread_message messages[MESSAGES_MAX];
    struct strbuf out = strbuf_new(1000);
    struct arena arena = {NULL};
    struct thread_tree tree;
    uint32_t count = fill(mailboxes[_i].rows, &arena, messages);

    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        thread_tree_make((enum thread_algorithm)i, messages, count, &arena, &tree);
        strbuf_clear(&out);
        thread_tree_write(&tree, put, &out);
        if (expected[i] != NULL)
            ck_assert_str_eq(strbuf_cstr(&out), expected[i]);
    }
    strbuf_free(&out);
    arena_free(&arena);
}
END_TEST

static void
count_digits(void *total, struct slice text)
{
    *(size_t *)total += text.len;
}

/* A line of replies as long as the mailbox, told from its end and from its start. */
START_TEST(a_long_line_of_replies_is_quick)
{
    enum { COUNT = 50000 };
    struct thread_message *messages = calloc(COUNT, sizeof(*messages));
    struct arena arena = {NULL};
    clock_t begin = clock();

    for (uint32_t i = 0; i < COUNT; i++) {
        unsigned me = _i == 0 ? i : COUNT - i;
        char ids[64];
        int len = snprintf(ids, sizeof(ids), "%u%c%u", me, '\0', me - 1);

        messages[i] = (struct thread_message){.number = i + 1, .sent_ms = me};
        messages[i].ids = arena_copy(&arena, slice_make(ids, (size_t)len + 1));
        messages[i].subject = SLICE("x");
    }
    for (int i = THREAD_ORDEREDSUBJECT; i <= THREAD_REFS; i++) {
        struct thread_tree tree;
        size_t total = 0;

        thread_tree_make((enum thread_algorithm)i, messages, COUNT, &arena, &tree);
        thread_tree_write(&tree, count_digits, &total);
        ck_assert_uint_gt(total, COUNT * 5);
    }
    ck_assert_int_lt((clock() - begin) / CLOCKS_PER_SEC, 10);
    arena_free(&arena);
    free(messages);
}
END_TEST

/* Links at random, also to what is not there: every message is in the response exactly once. */
START_TEST(no_message_is_lost)
{
    enum { COUNT = 300 };
    static struct thread_message messages[COUNT];
    struct strbuf out = strbuf_new((size_t)1 << 20), ids = strbuf_new(1000);
    struct arena arena = {NULL};
    unsigned seed = (unsigned)_i + 1;

    for (uint32_t i = 0; i < COUNT; i++) {
        strbuf_clear(&ids);
        for (int k = 0; k < 4; k++) {
            seed = seed * 1103515245u + 12345u;
            ck_assert(strbuf_printf(&ids, "%u", k == 0 ? i : seed >> 16 & 511) &&
                      strbuf_char(&ids, '\0'));
        }
        messages[i] = (struct thread_message){.number = i + 1, .sent_ms = seed >> 8 & 1023};
        messages[i].is_reply = seed & 4096;
        messages[i].ids = arena_copy(&arena, strbuf_slice(&ids));
        messages[i].subject = arena_copy(&arena, slice_sub(strbuf_slice(&ids), 0, seed >> 20 & 1));
    }
    for (int algorithm = THREAD_ORDEREDSUBJECT; algorithm <= THREAD_REFS; algorithm++) {
        bool seen[COUNT + 1] = {false};
        struct thread_tree tree;
        unsigned found = 0;
        int depth = 0;

        thread_tree_make((enum thread_algorithm)algorithm, messages, COUNT, &arena, &tree);
        strbuf_clear(&out);
        thread_tree_write(&tree, put, &out);
        for (const char *p = strbuf_cstr(&out); *p != '\0';) {
            if (*p >= '0' && *p <= '9') {
                char *end;
                unsigned long number = strtoul(p, &end, 10);

                ck_assert(number >= 1 && number <= COUNT && !seen[number]);
                seen[number] = true;
                found++;
                p = end;
                continue;
            }
            depth += (*p == '(') - (*p == ')');
            ck_assert_int_ge(depth, 0);
            ck_assert(strncmp(p, "()", 2) != 0 && strncmp(p, "( ", 2) != 0 &&
                      strncmp(p, " )", 2) != 0);
            p++;
        }
        ck_assert_uint_eq(found, COUNT);
        ck_assert_int_eq(depth, 0);
    }
    strbuf_free(&out);
    strbuf_free(&ids);
    arena_free(&arena);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("imap_thread");
    TCase *tc = tcase_create("imap_thread");
    SRunner *sr;
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, messages_are_threaded, 0, (int)ARRAY_LEN(mailboxes));
    tcase_add_loop_test(tc, a_long_line_of_replies_is_quick, 0, 2);
    tcase_add_loop_test(tc, no_message_is_lost, 0, 50);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
