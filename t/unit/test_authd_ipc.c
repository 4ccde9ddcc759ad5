/*
 * t/unit/test_authd_ipc.c - lib/ipc/authd: the codec, and the session's side against a fake authd.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/ipc/authd_call.h"
#include "lib/ipc/authd_password.h"
#include "lib/ipc/client.h"

static struct slice
payload_of(const struct strbuf *frame)
{
    return slice_sub(strbuf_slice(frame), FRAME_HEADER, frame->len);
}

START_TEST(start_survives_the_way_and_no_cut_does)
{
    struct strbuf frame = strbuf_new(AUTHD_PAYLOAD_MAX);
    struct authd_start start = {.mechanism = SLICE("PLAIN"),
                                .has_initial = true,
                                .initial = SLICE("\0user\0secret"),
                                .tls = true,
                                .binding = SLICE("0123"),
                                .host = SLICE("mail.d.test")};
    struct authd_start back;
    struct slice payload;

    ck_assert_int_eq(authd_start_encode(&frame, &start), 0);
    payload = payload_of(&frame);
    ck_assert_int_eq(authd_start_decode(payload, &back), 0);
    ck_assert(slice_eq(back.initial, start.initial) && slice_eq(back.binding, start.binding) &&
              slice_eq(back.host, start.host));
    ck_assert(back.tls && back.has_initial);
    for (size_t len = 0; len < payload.len; len++)
        ck_assert_int_eq(authd_start_decode(slice_sub(payload, 0, len), &back), -1);
    strbuf_free(&frame);
}
END_TEST

START_TEST(a_folder_survives_the_way_and_no_cut_does)
{
    const struct authd_folder folder = {SLICE("@News"), 3, 7, 8};
    struct strbuf frame = strbuf_new(4096);
    struct authd_folder got;
    struct slice payload;

    ck_assert_int_eq(authd_folder_encode(&frame, 1, &folder), 0);
    payload = slice_sub(strbuf_slice(&frame), FRAME_HEADER, frame.len);
    ck_assert_int_eq(authd_folder_decode(payload, &got), 0);
    ck_assert(slice_eq(got.name, folder.name));
    ck_assert_uint_eq(got.rights, 3);
    ck_assert_uint_eq(got.quota_bytes, 7);
    ck_assert_uint_eq(got.quota_messages, 8);
    for (size_t len = 0; len < payload.len; len++)
        ck_assert_int_eq(authd_folder_decode(slice_sub(payload, 0, len), &got), -1);
    strbuf_free(&frame);
}
END_TEST

START_TEST(a_charge_survives_the_way_and_no_cut_does)
{
    const struct authd_charge charge = {SLICE("~a@b/Work"), -3, 2, true, true};
    const struct authd_charged charged = {EDQUOT, 77};
    struct strbuf frame = strbuf_new(4096);
    struct authd_charged answer;
    struct authd_charge got;
    struct slice payload;

    ck_assert_int_eq(authd_charge_encode(&frame, &charge), 0);
    payload = payload_of(&frame);
    ck_assert_int_eq(authd_charge_decode(payload, &got), 0);
    ck_assert(slice_eq(got.name, charge.name) && got.within_quota && got.new_uidvalidity);
    ck_assert_int_eq(got.bytes, -3);
    ck_assert_int_eq(got.messages, 2);
    for (size_t len = 0; len < payload.len; len++)
        ck_assert_int_eq(authd_charge_decode(slice_sub(payload, 0, len), &got), -1);
    strbuf_clear(&frame);
    ck_assert_int_eq(authd_charged_encode(&frame, 1, &charged), 0);
    payload = payload_of(&frame);
    ck_assert_int_eq(authd_charged_decode(payload, &answer), 0);
    ck_assert_uint_eq(answer.error, EDQUOT);
    ck_assert_uint_eq(answer.uidvalidity, 77);
    ck_assert_int_eq(authd_charged_decode(slice_sub(payload, 1, payload.len), &answer), -1);
    strbuf_free(&frame);
}
END_TEST

START_TEST(a_folder_change_survives_the_way_and_no_cut_does)
{
    struct authd_folder_change change = {AUTHD_FOLDER_RENAME, SLICE("~a@b/Work"),
                                         SLICE("~a@b/X/Y")};
    const struct authd_folder_changed changed = {EACCES, 7, 9, SLICE("F1")};
    struct strbuf frame = strbuf_new(4096);
    struct authd_folder_changed answer;
    struct authd_folder_change got;
    struct slice payload;

    ck_assert_int_eq(authd_folder_change_encode(&frame, &change), 0);
    payload = payload_of(&frame);
    ck_assert_int_eq(authd_folder_change_decode(payload, &got), 0);
    ck_assert(slice_eq(got.name, change.name) && slice_eq(got.to, change.to));
    ck_assert_uint_eq(got.op, AUTHD_FOLDER_RENAME);
    for (size_t len = 0; len < payload.len; len++)
        ck_assert_int_eq(authd_folder_change_decode(slice_sub(payload, 0, len), &got), -1);
    for (change.op = AUTHD_FOLDER_CREATE; change.op <= AUTHD_FOLDER_RENAME + 1; change.op++) {
        strbuf_clear(&frame); /* only a rename has two names */
        ck_assert_int_eq(authd_folder_change_encode(&frame, &change), 0);
        ck_assert_int_eq(authd_folder_change_decode(payload_of(&frame), &got),
                         change.op == AUTHD_FOLDER_RENAME ? 0 : -1);
    }
    strbuf_clear(&frame);
    ck_assert_int_eq(authd_folder_changed_encode(&frame, 1, &changed), 0);
    payload = payload_of(&frame);
    ck_assert_int_eq(authd_folder_changed_decode(payload, &answer), 0);
    ck_assert_uint_eq(answer.error, EACCES);
    ck_assert_uint_eq(answer.rights, 7);
    ck_assert_uint_eq(answer.there, 9);
    ck_assert(slice_eq(answer.mailbox_id, SLICE("F1")));
    strbuf_free(&frame);
}
END_TEST

START_TEST(an_answer_to_a_url_survives_the_way_and_no_cut_does)
{
    struct authd_url_reply reply = {AUTHD_URL_GRANTED, UINT64_MAX}, got;
    struct strbuf frame = strbuf_new(4096);
    struct slice payload;

    ck_assert_int_eq(authd_url_reply_encode(&frame, 1, &reply), 0);
    payload = payload_of(&frame);
    ck_assert_int_eq(authd_url_reply_decode(payload, &got), 0);
    ck_assert_uint_eq(got.result, AUTHD_URL_GRANTED);
    ck_assert_uint_eq(got.size, UINT64_MAX);
    for (size_t len = 0; len < payload.len; len++)
        ck_assert_int_eq(authd_url_reply_decode(slice_sub(payload, 0, len), &got), -1);
    strbuf_clear(&frame);
    reply.result = AUTHD_URL_LATER + 1;
    ck_assert_int_eq(authd_url_reply_encode(&frame, 1, &reply), 0);
    ck_assert_int_eq(authd_url_reply_decode(payload_of(&frame), &got), -1);
    strbuf_free(&frame);
}
END_TEST

START_TEST(ok_names_a_bounded_number_of_folders)
{
    struct authd_ok ok = {.user = SLICE("a@b"), .folder_count = AUTHD_FOLDERS_MAX};
    struct strbuf frame = strbuf_new(4096);
    struct authd_ok got;

    ck_assert_int_eq(authd_ok_encode(&frame, 1, &ok), 0);
    ck_assert_int_eq(
        authd_ok_decode(slice_sub(strbuf_slice(&frame), FRAME_HEADER, frame.len), &got), 0);
    ck_assert_uint_eq(got.folder_count, AUTHD_FOLDERS_MAX);
    strbuf_clear(&frame);
    ok.folder_count++;
    ck_assert_int_eq(authd_ok_encode(&frame, 1, &ok), 0);
    ck_assert_int_eq(
        authd_ok_decode(slice_sub(strbuf_slice(&frame), FRAME_HEADER, frame.len), &got), -1);
    strbuf_free(&frame);
}
END_TEST

START_TEST(limits_of_the_frames)
{
    static char big[AUTHD_SASL_MAX + 1];
    struct strbuf frame = strbuf_new(AUTHD_PAYLOAD_MAX);
    struct authd_fail fail = {.failure = AUTHD_NO_TOTP + 1};
    struct authd_start start = {.mechanism = slice_make(big, AUTHD_MECHANISM_MAX + 1)};
    struct slice data;

    ck_assert_int_eq(authd_data_encode(&frame, AUTHD_STEP, 1, slice_make(big, sizeof(big))), 0);
    ck_assert_int_eq(authd_data_decode(payload_of(&frame), &data), -1);
    strbuf_clear(&frame);
    ck_assert_int_eq(authd_fail_encode(&frame, 1, &fail), 0);
    ck_assert_int_eq(authd_fail_decode(payload_of(&frame), &fail), -1);
    strbuf_clear(&frame);
    ck_assert_int_eq(authd_start_encode(&frame, &start), 0);
    ck_assert_int_eq(authd_start_decode(payload_of(&frame), &start), -1);
    strbuf_free(&frame);
}
END_TEST

/* Reads one frame from `fd`; answers it with `answer`, whose request id is filled in. */
static struct slice
serve_one(int fd, char *bytes, size_t size)
{
    struct frame_header header;

    ck_assert_int_eq(read_exact(fd, bytes, FRAME_HEADER), 0);
    ck_assert_int_eq(frame_header_decode(bytes, (uint32_t)size, &header), 0);
    ck_assert_int_eq(read_exact(fd, bytes + FRAME_HEADER, header.length), 0);
    return slice_make(bytes + FRAME_HEADER, header.length);
}

static const struct authd_login right = {{"user", 4}, {"secret", 6}, true, {"mail.d.test", 11}};

START_TEST(login_sends_a_plain_message)
{
    int pair[2];
    char bytes[1024];
    struct ipc_client *client;
    struct authd_result result;
    struct authd_start start;
    struct slice payload;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    client = ipc_client_adopt(pair[0], AUTHD_PAYLOAD_MAX);
    ck_assert_int_eq(shutdown(pair[1], SHUT_WR), 0); /* authd that never answers */
    authd_call_login(client, &right, &result);
    ck_assert_int_eq(result.step, AUTHD_STEP_FAIL);
    ck_assert_int_eq(result.fail.failure, AUTHD_TEMPORARY);
    ck_assert_int_eq(result.dir_fd, -1);
    payload = serve_one(pair[1], bytes, sizeof(bytes));
    ck_assert_int_eq(authd_start_decode(payload, &start), 0);
    ck_assert(slice_eq(start.initial, SLICE("\0user\0secret")));
    ck_assert(slice_eq(start.mechanism, SLICE("PLAIN")) && start.tls);
    ck_assert(slice_eq(start.host, right.host));
    ipc_client_free(&client);
    (void)close(pair[1]);
}
END_TEST

START_TEST(a_nul_in_name_or_password_is_no_second_field)
{
    struct authd_result result;

    authd_call_login(NULL,
                     &(const struct authd_login){SLICE("us\0er"), SLICE("secret"), true, SLICE("")},
                     &result);
    ck_assert_int_eq(result.fail.failure, AUTHD_BAD_CREDENTIALS);
    authd_call_login(NULL,
                     &(const struct authd_login){SLICE("user"), SLICE("sec\0ret"), true, SLICE("")},
                     &result);
    ck_assert_int_eq(result.fail.failure, AUTHD_BAD_CREDENTIALS);
    authd_call_login(NULL, &right, &result);
    ck_assert_int_eq(result.fail.failure, AUTHD_TEMPORARY);
}
END_TEST

START_TEST(a_new_password_survives_the_way_and_no_cut_does)
{
    const struct authd_password asked = {true, SLICE("mail.d.test"), SLICE("alice"), SLICE("old"),
                                         SLICE("")};
    const struct authd_password_reply said = {AUTHD_PASSWORD_REFUSED, SLICE("why"), SLICE("made")};
    struct strbuf frame = strbuf_new(4096);
    struct authd_password_reply reply;
    struct authd_password password;
    struct slice payload;

    ck_assert_int_eq(authd_password_encode(&frame, &asked), 0);
    payload = payload_of(&frame);
    ck_assert_int_eq(authd_password_decode(payload, &password), 0);
    ck_assert(password.tls && slice_eq(password.host, asked.host) &&
              slice_eq(password.name, asked.name) && slice_eq(password.old, asked.old) &&
              password.wanted.len == 0);
    for (size_t len = 0; len < payload.len; len++)
        ck_assert_int_eq(authd_password_decode(slice_sub(payload, 0, len), &password), -1);
    strbuf_clear(&frame);
    ck_assert_int_eq(authd_password_reply_encode(&frame, 1, &said), 0);
    payload = payload_of(&frame);
    ck_assert_int_eq(authd_password_reply_decode(payload, &reply), 0);
    ck_assert(reply.result == said.result && slice_eq(reply.text, said.text) &&
              slice_eq(reply.made_up, said.made_up));
    for (size_t len = 0; len < payload.len; len++)
        ck_assert_int_eq(authd_password_reply_decode(slice_sub(payload, 0, len), &reply), -1);
    frame.ptr[FRAME_HEADER] = AUTHD_PASSWORD_LATER + 1;
    ck_assert_int_eq(authd_password_reply_decode(payload, &reply), -1);
    strbuf_free(&frame);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("authd_ipc");
    TCase *tc = tcase_create("authd_ipc");
    SRunner *sr;
    int failed;

    tcase_add_test(tc, start_survives_the_way_and_no_cut_does);
    tcase_add_test(tc, a_folder_survives_the_way_and_no_cut_does);
    tcase_add_test(tc, a_charge_survives_the_way_and_no_cut_does);
    tcase_add_test(tc, a_folder_change_survives_the_way_and_no_cut_does);
    tcase_add_test(tc, an_answer_to_a_url_survives_the_way_and_no_cut_does);
    tcase_add_test(tc, ok_names_a_bounded_number_of_folders);
    tcase_add_test(tc, limits_of_the_frames);
    tcase_add_test(tc, login_sends_a_plain_message);
    tcase_add_test(tc, a_nul_in_name_or_password_is_no_second_field);
    tcase_add_test(tc, a_new_password_survives_the_way_and_no_cut_does);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
