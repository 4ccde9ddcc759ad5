/*
 * t/unit/test_queue_file.c - lib/queue/queue_file: what is written comes back, damage is seen.
 */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/queue/queue_slots.h"
#include "t/unit/scratch.h"

static int tmp_dirfd, new_dirfd;

static void
setup(void)
{
    int fd = open(scratch_make(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(mkdirat(fd, "tmp", 0700), 0);
    ck_assert_int_eq(mkdirat(fd, "new", 0700), 0);
    tmp_dirfd = openat(fd, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    new_dirfd = openat(fd, "new", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    (void)close(fd);
}

static void
teardown(void)
{
    (void)close(tmp_dirfd);
    (void)close(new_dirfd);
    scratch_remove();
}

static int
files_in(int dirfd)
{
    DIR *dir = fdopendir(openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    int count = 0;

    for (struct dirent *e; (e = readdir(dir)) != NULL;)
        count += e->d_name[0] != '.';
    (void)closedir(dir);
    return count;
}

static const char *
put(struct slice content, uint32_t rcpt_count)
{
    static char id[33];
    struct queue_rcpt rcpts[3] = {
        {.address = SLICE("bob@d.test"), .original = SLICE("rfc822;bob@d.test"), .notify = 4},
        {.address = SLICE("carol@d.test")},
        {.address = SLICE("dave@far.test"), .notify = 1},
    };
    struct queue_envelope e = {.received_ms = 1234567,
                               .sender = SLICE("alice@d.test"),
                               .envid = SLICE("QQ314159"),
                               .ret = 2,
                               .body_8bit = true,
                               .auth_user = SLICE("alice@d.test"),
                               .client = SLICE("127.0.0.1"),
                               .hops = 3,
                               .rcpt_count = rcpt_count,
                               .rcpts = rcpts};
    struct queue_writer *w;

    queue_id_make(id);
    w = queue_writer_open(tmp_dirfd, new_dirfd, id);
    ck_assert_ptr_nonnull(w);
    ck_assert_int_eq(queue_writer_write(w, content), 0);
    ck_assert_uint_eq(queue_writer_size(w), content.len);
    if (queue_writer_commit(&w, &e) < 0)
        return NULL;
    ck_assert_ptr_null(w);
    return id;
}

START_TEST(message_comes_back_whole)
{
    static const size_t sizes[] = {0, 1, 4096, 65536, 65537, 300000};
    size_t size = sizes[_i / 2];
    uint32_t rcpts = _i % 2 == 0 ? 1 : 3;
    char *content = calloc(1, size + 1);
    struct queue_message *m;
    const struct queue_envelope *e;
    const char *id;

    for (size_t i = 0; i < size; i++)
        content[i] = (char)(i * 7);
    id = put((struct slice){content, size}, rcpts);
    ck_assert_ptr_nonnull(id);
    m = queue_message_open(new_dirfd, id);
    ck_assert_ptr_nonnull(m);
    e = queue_message_envelope(m);
    ck_assert_str_eq(e->id, id);
    ck_assert_uint_eq(e->content_size, size);
    ck_assert_uint_eq(e->rcpt_count, rcpts);
    ck_assert_int_eq(e->received_ms, 1234567);
    ck_assert(slice_eq(e->sender, SLICE("alice@d.test")));
    ck_assert(slice_eq(e->rcpts[0].original, SLICE("rfc822;bob@d.test")));
    ck_assert_uint_eq(e->rcpts[0].notify, 4);
    ck_assert(e->body_8bit && !e->smtputf8 && !e->body_binary);
    ck_assert_uint_eq(e->hops, 3);
    ck_assert(queue_message_is_beside(m) == (rcpts > 1));
    ck_assert_int_eq(queue_message_check_content(m), 0);
    queue_message_close(&m);
    ck_assert_ptr_null(m);
    free(content);
}
END_TEST

START_TEST(content_that_ends_like_a_footer_forges_nothing)
{
    struct strbuf forged = strbuf_new(4096);
    struct queue_rcpt victim = {.address = SLICE("victim@d.test")};
    struct queue_envelope e = {.id = "forged", .rcpt_count = 1, .rcpts = &victim};
    struct queue_message *m;
    const char *id;

    ck_assert_int_eq(envelope_encode(&forged, &e), 0);
    id = put(strbuf_slice(&forged), 3);
    m = queue_message_open(new_dirfd, id);
    ck_assert_ptr_nonnull(m);
    ck_assert_uint_eq(queue_message_envelope(m)->rcpt_count, 3);
    queue_message_close(&m);
    strbuf_free(&forged);
}
END_TEST

/* Each single byte of the record changed, each length cut: EBADMSG, never an envelope. */
START_TEST(damage_is_seen)
{
    const char *id = put(SLICE("Subject: x\r\n\r\nbody\r\n"), 1);
    int fd = openat(new_dirfd, id, O_RDWR | O_CLOEXEC);
    off_t size = lseek(fd, 0, SEEK_END);
    struct queue_message *m;

    for (off_t at = 20; at < size; at++) {
        char was, now;

        ck_assert_int_eq(pread(fd, &was, 1, at), 1);
        now = (char)(was ^ 0x10);
        ck_assert_int_eq(pwrite(fd, &now, 1, at), 1);
        errno = 0;
        ck_assert_ptr_null(queue_message_open(new_dirfd, id));
        ck_assert_int_eq(errno, EBADMSG);
        ck_assert_int_eq(pwrite(fd, &was, 1, at), 1);
    }
    ck_assert_int_eq(pwrite(fd, "X", 1, 3), 1);
    m = queue_message_open(new_dirfd, id);
    ck_assert_ptr_nonnull(m);
    ck_assert_int_eq(queue_message_check_content(m), -1);
    ck_assert_int_eq(errno, EBADMSG);
    queue_message_close(&m);
    for (off_t cut = size - 1; cut >= 0; cut--) {
        ck_assert_int_eq(ftruncate(fd, cut), 0);
        ck_assert_ptr_null(queue_message_open(new_dirfd, id));
        ck_assert_int_eq(errno, EBADMSG);
    }
    (void)close(fd);
}
END_TEST

START_TEST(envelope_of_another_message_is_refused)
{
    char first[33], from[64], to[64];
    const char *id = put(SLICE("one\r\n"), 3);

    (void)snprintf(first, sizeof(first), "%s", id);
    id = put(SLICE("two\r\n"), 3);
    (void)snprintf(from, sizeof(from), "%s.env", first);
    (void)snprintf(to, sizeof(to), "%s.env", id);
    ck_assert_int_eq(renameat(new_dirfd, from, new_dirfd, to), 0);
    ck_assert_ptr_null(queue_message_open(new_dirfd, id));
    ck_assert_int_eq(errno, EBADMSG);
    ck_assert_ptr_null(queue_message_open(new_dirfd, first));
    ck_assert_int_eq(errno, EBADMSG);
}
END_TEST

START_TEST(a_name_is_part_of_the_message)
{
    const char *id = put(SLICE("one\r\n"), 1);

    ck_assert_int_eq(renameat(new_dirfd, id, new_dirfd, "another"), 0);
    ck_assert_ptr_null(queue_message_open(new_dirfd, "another"));
    ck_assert_int_eq(errno, EBADMSG);
    ck_assert_int_eq(symlinkat("another", new_dirfd, id), 0);
    ck_assert_ptr_null(queue_message_open(new_dirfd, id));
    ck_assert_int_eq(errno, ELOOP);
}
END_TEST

/* Two lives of one id, as a clock that was set back might give it. */
START_TEST(envelope_and_content_belong_together)
{
    struct queue_rcpt rcpts[2] = {{.address = SLICE("a@d.test")}, {.address = SLICE("b@d.test")}};
    const struct queue_envelope e = {.rcpt_count = 2, .rcpts = rcpts};
    static const struct slice contents[] = {{"one\r\n", 5}, {"two\r\n", 5}};

    for (size_t i = 0; i < ARRAY_LEN(contents); i++) {
        struct queue_writer *w = queue_writer_open(tmp_dirfd, new_dirfd, "same");

        ck_assert_int_eq(queue_writer_write(w, contents[i]), 0);
        ck_assert_int_eq(queue_writer_commit(&w, &e), 0);
        if (i == 0)
            ck_assert_int_eq(renameat(new_dirfd, "same.env", new_dirfd, "first.env"), 0);
    }
    ck_assert_int_eq(renameat(new_dirfd, "first.env", new_dirfd, "same.env"), 0);
    ck_assert_ptr_null(queue_message_open(new_dirfd, "same"));
    ck_assert_int_eq(errno, EBADMSG);
}
END_TEST

START_TEST(no_recipient_is_no_message)
{
    ck_assert_ptr_null(put(SLICE("x"), 0));
    ck_assert_int_eq(errno, EINVAL);
}
END_TEST

START_TEST(ids_ascend_and_are_valid)
{
    char a[33], b[33];

    queue_id_make(a);
    (void)usleep(10);
    queue_id_make(b);
    ck_assert(queue_id_valid(slice_of(a)));
    ck_assert_int_eq((int)strlen(a), 15);
    ck_assert_int_lt(strncmp(a, b, 9), 0);
    ck_assert(!queue_id_valid(SLICE("../etc")));
    ck_assert(!queue_id_valid(SLICE("")));
    ck_assert(!queue_id_valid(SLICE("123456789012345678901234567890123")));
}
END_TEST

START_TEST(slots_come_in_growing_batches_and_go_unused)
{
    static const int in_tmp[] = {1, 2, 2, 4, 4, 4, 4, 8, 8, 8, 8, 8, 8, 8, 8, 8};
    struct queue_slots *slots = queue_slots_new(tmp_dirfd);
    char id[QUEUE_ID_SIZE], before[QUEUE_ID_SIZE] = "";
    int left = 0;

    ck_assert_int_eq(files_in(tmp_dirfd), 0);
    for (size_t i = 0; i < sizeof(in_tmp) / sizeof(in_tmp[0]); i++) {
        int fd = queue_slots_take(slots, id);

        ck_assert_int_ge(fd, 0);
        left = left == 0 ? in_tmp[i] - 1 : left - 1;
        ck_assert_int_eq(files_in(tmp_dirfd), left + 1);
        ck_assert_str_gt(id, before);
        ck_assert_int_eq(unlinkat(tmp_dirfd, id, 0), 0);
        memcpy(before, id, sizeof(before));
        (void)close(fd);
    }
    ck_assert_int_gt(left, 0);
    queue_slots_free(&slots);
    ck_assert_int_eq(files_in(tmp_dirfd), 0);
}
END_TEST

/* What a start of queue-manager may do to a slot between its flush and its rename. */
START_TEST(slot_that_moved_is_accepted_and_one_that_went_is_not)
{
    struct queue_rcpt rcpts[2] = {{.address = SLICE("bob@d.test")},
                                  {.address = SLICE("carol@d.test")}};
    struct queue_envelope e = {.rcpt_count = (uint32_t)_i / 2 + 1, .rcpts = rcpts};
    struct queue_slots *slots = queue_slots_new(tmp_dirfd);
    char id[QUEUE_ID_SIZE];
    int fd = queue_slots_take(slots, id);
    struct queue_writer *w = queue_writer_adopt(tmp_dirfd, new_dirfd, id, fd);
    bool moved = _i % 2 == 0, one = e.rcpt_count == 1;

    if (moved)
        ck_assert_int_eq(renameat(tmp_dirfd, id, new_dirfd, "elsewhere"), 0);
    else
        ck_assert_int_eq(unlinkat(tmp_dirfd, id, 0), 0);
    ck_assert_int_eq(queue_writer_commit(&w, &e), moved && one ? 0 : -1);
    ck_assert_int_eq(files_in(new_dirfd), moved ? 1 : 0);
    ck_assert_int_eq(files_in(tmp_dirfd), 0);
    queue_slots_free(&slots);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("queue_file");
    TCase *tc = tcase_create("queue_file");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, message_comes_back_whole, 0, 12);
    tcase_add_test(tc, content_that_ends_like_a_footer_forges_nothing);
    tcase_add_test(tc, damage_is_seen);
    tcase_add_test(tc, envelope_of_another_message_is_refused);
    tcase_add_test(tc, a_name_is_part_of_the_message);
    tcase_add_test(tc, envelope_and_content_belong_together);
    tcase_add_test(tc, no_recipient_is_no_message);
    tcase_add_test(tc, ids_ascend_and_are_valid);
    tcase_add_test(tc, slots_come_in_growing_batches_and_go_unused);
    tcase_add_loop_test(tc, slot_that_moved_is_accepted_and_one_that_went_is_not, 0, 4);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
