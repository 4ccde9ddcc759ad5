/*
 * t/unit/test_queue_list.c - lib/queue/queue_list: a message with many recipients is shown in whole
 * rows, and says if that is not all.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/ipc/object.h"
#include "lib/queue/queue_file.h"
#include "lib/queue/queue_list.h"
#include "t/unit/scratch.h"

enum { RCPTS = 300, ADDRESS_MAX = 32, ORIGINAL_LEN = 400 };

static struct spool spool;
static char id[QUEUE_ID_SIZE];

static void
setup(void)
{
    static char addresses[RCPTS][ADDRESS_MAX], original[ORIGINAL_LEN];
    struct queue_rcpt *rcpts = xcalloc(RCPTS, sizeof(*rcpts));
    const struct queue_envelope e = {
        .received_ms = 1, .sender = SLICE("ann@d.test"), .rcpt_count = RCPTS, .rcpts = rcpts};
    struct queue_writer *w;

    ck_assert_int_eq(spool_open(&spool, scratch_make(), getuid(), getgid()), 0);
    memset(original, 'x', sizeof(original));
    for (int i = 0; i < RCPTS; i++) {
        (void)snprintf(addresses[i], ADDRESS_MAX, "user%d@d.test", i);
        rcpts[i].address = slice_of(addresses[i]);
        rcpts[i].original = slice_make(original, sizeof(original));
    }
    queue_id_make(id);
    w = queue_writer_open(spool.fds[SPOOL_TMP], spool.fds[SPOOL_NEW], id);
    ck_assert_ptr_nonnull(w);
    ck_assert_int_eq(queue_writer_write(w, SLICE("Subject: x\r\n\r\nx\r\n")), 0);
    ck_assert_int_eq(queue_writer_commit(&w, &e), 0);
    free(rcpts);
}

static void
teardown(void)
{
    spool_close(&spool);
    scratch_remove();
}

/* How many recipients are shown in a buffer of that size; *note: whether the message has one. */
static int
shown(size_t max, bool *note)
{
    struct strbuf objects = strbuf_new(max);
    struct object_field *fields = xcalloc(OBJECT_FIELDS_MAX, sizeof(*fields));
    struct slice rest;
    int rows = 0, count;

    ck_assert_int_eq(queue_list_show(&spool, id, &objects), 0);
    ck_assert(!objects.overflow);
    rest = strbuf_slice(&objects);
    count = object_next(&rest, fields);
    ck_assert_int_gt(count, 0);
    *note = object_get(fields, (uint32_t)count, "note").len > 0;
    while ((count = object_next(&rest, fields)) > 0)
        rows++;
    ck_assert_int_eq(count, 0); /* the last one is whole */
    free(fields);
    strbuf_free(&objects);
    return rows;
}

START_TEST(what_does_not_fit_is_left_out_and_said)
{
    bool note;
    int rows = shown(100000, &note);

    ck_assert_int_gt(rows, 50);
    ck_assert_int_lt(rows, RCPTS);
    ck_assert(note);
    ck_assert_int_eq(shown(1u << 20, &note), RCPTS);
    ck_assert(!note);
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("queue_list");
    Suite *s = suite_create("queue_list");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, what_does_not_fit_is_left_out_and_said);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? 0 : 1;
}
