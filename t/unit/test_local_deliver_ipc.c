/*
 * t/unit/test_local_deliver_ipc.c - lib/ipc/local_deliver: the store's control requests.
 */
#include <check.h>
#include <stdlib.h>

#include "lib/ipc/local_deliver.h"

static const struct {
    const char *path;
    bool valid;
} paths[] = {
    {"d.test/3f/alice", true},
    {"d.test/3f/al ice", true},
    {"d.test/3f/\xc3\xa4", true},
    {"", false},
    {"d.test", false},
    {"d.test/3f", false},
    {"d.test/3f/", false},
    {"d.test/3f/alice/", false},
    {"d.test/3f/alice/mail", false},
    {"/d.test/3f/alice", false},
    {"d.test//alice", false},
    {"d.test/../alice", false},
    {"./3f/alice", false},
    {"d.test/3f/..", false},
    {"d.test/3f/.removed", false},
    {"d.test/3f/a\nb", false},
    {"d.test/3f/a\x7f", false},
};

START_TEST(a_path_has_three_harmless_parts)
{
    ck_assert_int_eq(store_path_valid(slice_of(paths[_i].path)), paths[_i].valid);
}
END_TEST

START_TEST(a_nul_in_a_path_is_refused)
{
    ck_assert(!store_path_valid(SLICE("d.test/3f/a\0b")));
}
END_TEST

START_TEST(a_folder_is_one_name_with_a_dot)
{
    ck_assert(store_dir_valid(SLICE(".Work")));
    ck_assert(store_dir_valid(SLICE(".&AOQ-.x")));
    ck_assert(!store_dir_valid(SLICE("")));
    ck_assert(!store_dir_valid(SLICE(".")));
    ck_assert(!store_dir_valid(SLICE("..")));
    ck_assert(!store_dir_valid(SLICE("..Work")));
    ck_assert(!store_dir_valid(SLICE("Work")));
    ck_assert(!store_dir_valid(SLICE("posthorn.expunged")));
    ck_assert(!store_dir_valid(SLICE(".Work/cur")));
    ck_assert(!store_dir_valid(SLICE(".Wo\0rk")));
}
END_TEST

START_TEST(a_request_comes_back_as_it_was)
{
    struct strbuf out = strbuf_new(4096);
    struct store_ctl req = {.path = SLICE("a.test/00/bob"),
                            .new_path = SLICE("b.test/11/bob"),
                            .is_urgent = true,
                            .dir = SLICE(".Work"),
                            .place = SLICE("disk2"),
                            .folder = SLICE("Work/New"),
                            .new_folder = SLICE("Done"),
                            .parent = SLICE("Work"),
                            .charge = {-5, STORE_CHARGE_MAX, true, 7, 8, true}},
                     got;
    struct frame_header h;

    ck_assert_int_eq(store_ctl_encode(&out, STORE_RENAME, &req), 0);
    ck_assert_int_eq(frame_header_decode(out.ptr, STORE_CTL_PAYLOAD_MAX, &h), 0);
    ck_assert_uint_eq(h.type, STORE_RENAME);
    ck_assert_int_eq(store_ctl_decode(slice_sub(strbuf_slice(&out), FRAME_HEADER, out.len), &got),
                     0);
    ck_assert(slice_eq(got.path, req.path));
    ck_assert(slice_eq(got.new_path, req.new_path));
    ck_assert(got.is_urgent);
    ck_assert(slice_eq(got.dir, req.dir));
    ck_assert(slice_eq(got.place, req.place));
    ck_assert(slice_eq(got.folder, req.folder) && slice_eq(got.new_folder, req.new_folder));
    ck_assert(slice_eq(got.parent, req.parent));
    ck_assert_int_eq(got.charge.bytes, -5);
    ck_assert_int_eq(got.charge.messages, STORE_CHARGE_MAX);
    ck_assert_uint_eq(got.charge.quota_bytes, 7);
    ck_assert_uint_eq(got.charge.quota_messages, 8);
    ck_assert(got.charge.within_quota && got.charge.new_uidvalidity);
    ck_assert_int_eq(
        store_ctl_decode(slice_sub(strbuf_slice(&out), FRAME_HEADER, out.len - 1), &got), -1);
    strbuf_clear(&out);
    req.charge.messages++;
    ck_assert_int_eq(store_ctl_encode(&out, STORE_CHARGE, &req), 0);
    ck_assert_int_eq(store_ctl_decode(slice_sub(strbuf_slice(&out), FRAME_HEADER, out.len), &got),
                     -1);
    strbuf_free(&out);
}
END_TEST

START_TEST(a_url_comes_back_as_it_was_and_no_cut_does)
{
    const struct store_url requests[] = {
        {SLICE("a.test/00/bob"), SLICE("eve@a.test"), SLICE("imap://bob@a.test/INBOX/;UID=1")},
        {SLICE(""), SLICE("eve@a.test"), SLICE("")},
    };
    struct strbuf out = strbuf_new(8192);
    struct store_url got;
    struct slice payload;

    for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
        strbuf_clear(&out);
        ck_assert_int_eq(store_url_encode(&out, &requests[i]), 0);
        payload = slice_sub(strbuf_slice(&out), FRAME_HEADER, out.len);
        ck_assert_int_eq(store_url_decode(payload, &got), 0);
        ck_assert(slice_eq(got.path, requests[i].path));
        ck_assert(slice_eq(got.reader, requests[i].reader));
        ck_assert(slice_eq(got.url, requests[i].url));
        for (size_t len = 0; len < payload.len; len++)
            ck_assert_int_eq(store_url_decode(slice_sub(payload, 0, len), &got), -1);
    }
    strbuf_free(&out);
}
END_TEST

START_TEST(a_url_has_a_reader_and_a_harmless_path)
{
    const struct store_url requests[] = {
        {SLICE("a.test/00/bob"), SLICE(""), SLICE("u")},
        {SLICE("a.test/00/../bob"), SLICE("eve@a.test"), SLICE("u")},
        {SLICE("a.test"), SLICE("eve@a.test"), SLICE("u")},
    };
    struct strbuf out = strbuf_new(8192);
    struct store_url got;

    for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
        strbuf_clear(&out);
        ck_assert_int_eq(store_url_encode(&out, &requests[i]), 0);
        ck_assert_int_eq(
            store_url_decode(slice_sub(strbuf_slice(&out), FRAME_HEADER, out.len), &got), -1);
    }
    strbuf_free(&out);
}
END_TEST

START_TEST(a_reply_comes_back_as_it_was)
{
    struct strbuf out = strbuf_new(4096);
    struct store_ctl_reply reply = {.error = 28,
                                    .bytes = UINT64_MAX,
                                    .messages = 7,
                                    .uidvalidity = 9,
                                    .mailbox_id = "F4f8fe0f4cf2a0b1"},
                           got;

    ck_assert_int_eq(store_ctl_reply_encode(&out, 9, &reply), 0);
    ck_assert_int_eq(
        store_ctl_reply_decode(slice_sub(strbuf_slice(&out), FRAME_HEADER, out.len), &got), 0);
    ck_assert_uint_eq(got.error, 28);
    ck_assert_uint_eq(got.bytes, UINT64_MAX);
    ck_assert_uint_eq(got.messages, 7);
    ck_assert_str_eq(got.mailbox_id, reply.mailbox_id);
    strbuf_free(&out);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("local_deliver_ipc");
    TCase *tc = tcase_create("codec");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tc, a_path_has_three_harmless_parts, 0, (int)ARRAY_LEN(paths));
    tcase_add_test(tc, a_nul_in_a_path_is_refused);
    tcase_add_test(tc, a_folder_is_one_name_with_a_dot);
    tcase_add_test(tc, a_request_comes_back_as_it_was);
    tcase_add_test(tc, a_url_comes_back_as_it_was_and_no_cut_does);
    tcase_add_test(tc, a_url_has_a_reader_and_a_harmless_path);
    tcase_add_test(tc, a_reply_comes_back_as_it_was);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
