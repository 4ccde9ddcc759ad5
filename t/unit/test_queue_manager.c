/*
 * t/unit/test_queue_manager.c - lib/ipc/queue_manager: frames come back whole, cut ones are
 * refused.
 */
#include <check.h>
#include <stdlib.h>

#include "lib/ipc/queue_manager.h"

/* The payload of the one frame in `out`. */
static struct slice
payload_of(const struct strbuf *out, uint16_t type)
{
    struct frame_header header;

    ck_assert_int_eq(frame_header_decode(out->ptr, QUEUE_PAYLOAD_MAX, &header), 0);
    ck_assert_uint_eq(header.type, type);
    ck_assert_uint_eq(header.length, out->len - FRAME_HEADER);
    return slice_sub(strbuf_slice(out), FRAME_HEADER, out->len);
}

START_TEST(job_comes_back)
{
    struct strbuf out = strbuf_new(QUEUE_PAYLOAD_MAX);
    struct queue_job_rcpt rcpts[2] = {
        {7, SLICE("bob@d.test"), SLICE("rfc822;b@d.test"), 4, SLICE("d.test/a0/bob"), 1000, 10, 90,
         true, SLICE("care@d.test")},
        {9, SLICE("carol@d.test"), SLICE(""), 0, SLICE("d.test/a1/carol"), 0, 0, 0, false,
         SLICE("")},
    };
    struct queue_job job = {.job_id = 1ull << 40,
                            .queue_id = SLICE("abc"),
                            .file = SLICE("active/abc"),
                            .content_size = 4096,
                            .content_crc = 0xfedcba98u,
                            .received_ms = 5,
                            .in_doubt = true,
                            .body_8bit = true,
                            .requiretls = true,
                            .sender = SLICE("a@d.test"),
                            .envid = SLICE("QQ"),
                            .ret = 1,
                            .next_hop = SLICE("d.test"),
                            .prepend = SLICE("Delivered-To: x@d.test\r\n"),
                            .ours = true,
                            .forwarder = SLICE("out@d.test"),
                            .user = SLICE("u@d.test"),
                            .by_mode = QUEUE_BY_NOTIFY,
                            .by_trace = true,
                            .deliver_by_ms = 1795750120000,
                            .connection = 77,
                            .priority = -QUEUE_PRIORITY_MAX,
                            .rcpt_count = 2,
                            .rcpts = rcpts};
    struct queue_job got;
    struct slice payload;

    ck_assert_int_eq(queue_job_encode(&out, &job), 0);
    payload = payload_of(&out, QUEUE_JOB);
    ck_assert_int_eq(queue_job_decode(payload, &got), 0);
    ck_assert(got.job_id == job.job_id && got.content_size == 4096 && got.received_ms == 5);
    ck_assert_uint_eq(got.content_crc, 0xfedcba98u);
    ck_assert(got.in_doubt && got.body_8bit && !got.smtputf8 && !got.body_binary && got.ret == 1);
    ck_assert(got.requiretls && !got.tls_optional);
    ck_assert(slice_eq(got.prepend, job.prepend) && slice_eq(got.next_hop, job.next_hop));
    ck_assert(got.ours && slice_eq(got.user, job.user));
    ck_assert(slice_eq(got.forwarder, job.forwarder));
    ck_assert(got.by_mode == QUEUE_BY_NOTIFY && got.by_trace && got.priority == job.priority);
    ck_assert_int_eq(got.deliver_by_ms, job.deliver_by_ms);
    ck_assert_uint_eq(got.rcpt_count, 2);
    ck_assert_uint_eq(got.rcpts[1].index, 9);
    ck_assert(slice_eq(got.rcpts[0].path, rcpts[0].path));
    ck_assert_uint_eq(got.rcpts[0].quota_bytes, 1000);
    ck_assert(slice_eq(got.rcpts[0].system_sender, SLICE("care@d.test")));
    ck_assert_uint_eq(got.rcpts[1].system_sender.len, 0);
    ck_assert_uint_eq(got.connection, 77);
    ck_assert_uint_eq(got.rcpts[0].warning_limit, 90);
    ck_assert(got.rcpts[0].auto_reply && !got.rcpts[1].auto_reply);
    queue_job_free(&got);
    for (size_t cut = 0; cut < payload.len; cut++)
        ck_assert_int_eq(queue_job_decode(slice_sub(payload, 0, cut), &got), -1);
    strbuf_free(&out);
}
END_TEST

START_TEST(reply_comes_back)
{
    struct strbuf out = strbuf_new(QUEUE_PAYLOAD_MAX);
    const struct queue_reply reply = {77, 3, SLICE("Subject: x\r\n\r\n")};
    struct queue_reply got;
    struct slice payload;

    ck_assert_int_eq(queue_reply_encode(&out, &reply), 0);
    payload = payload_of(&out, QUEUE_REPLY);
    ck_assert_int_eq(queue_reply_decode(payload, &got), 0);
    ck_assert(got.job_id == 77 && got.index == 3 && slice_eq(got.message, reply.message));
    for (size_t cut = 0; cut < payload.len; cut++)
        ck_assert_int_eq(queue_reply_decode(slice_sub(payload, 0, cut), &got), -1);
    strbuf_free(&out);
}
END_TEST

START_TEST(result_comes_back)
{
    struct strbuf out = strbuf_new(QUEUE_PAYLOAD_MAX);
    struct queue_result_rcpt rcpts[2] = {
        {3, QUEUE_BOUNCED, SLICE("5.1.1"), SLICE("no such user"), SLICE("mx.far.test"), true,
         false},
        {4, QUEUE_DELIVERED, SLICE("2.0.0"), SLICE("ok"), SLICE("mx.far.test"), false, true}};
    struct queue_result result = {
        .job_id = 77, .destination_failed = true, .rcpt_count = 2, .rcpts = rcpts};
    struct queue_result got;
    struct slice payload;

    ck_assert_int_eq(queue_result_encode(&out, &result), 0);
    payload = payload_of(&out, QUEUE_RESULT);
    ck_assert_int_eq(queue_result_decode(payload, &got), 0);
    ck_assert(got.job_id == 77 && got.destination_failed && got.rcpt_count == 2);
    ck_assert(got.rcpts[0].outcome == QUEUE_BOUNCED && got.rcpts[0].dsn_relayed);
    ck_assert(!got.rcpts[0].tell_relayed);
    ck_assert(!got.rcpts[1].dsn_relayed && got.rcpts[1].tell_relayed);
    ck_assert(slice_eq(got.rcpts[0].remote, SLICE("mx.far.test")));
    queue_result_free(&got);
    for (size_t cut = 0; cut < payload.len; cut++)
        ck_assert_int_eq(queue_result_decode(slice_sub(payload, 0, cut), &got), -1);
    rcpts[0].outcome = QUEUE_BOUNCED + 1;
    strbuf_clear(&out);
    ck_assert_int_eq(queue_result_encode(&out, &result), 0);
    ck_assert_int_eq(queue_result_decode(payload_of(&out, QUEUE_RESULT), &got), -1);
    strbuf_free(&out);
}
END_TEST

START_TEST(hello_is_checked)
{
    static const struct {
        struct queue_hello hello;
        int rc;
    } cases[] = {
        {{QUEUE_AGENT_LOCAL, 1}, 0},
        {{QUEUE_AGENT_REMOTE, 100}, 0},
        {{0, 1}, -1},
        {{QUEUE_AGENT_LOCAL, 0}, -1},
        {{QUEUE_AGENT_ARCHIVE, 32}, 0},
        {{QUEUE_AGENT_ARCHIVE + 1, 1}, -1},
    };
    struct strbuf out = strbuf_new(100);

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct queue_hello got;

        strbuf_clear(&out);
        ck_assert_int_eq(queue_hello_encode(&out, &cases[i].hello), 0);
        ck_assert_int_eq(queue_hello_decode(payload_of(&out, QUEUE_HELLO), &got), cases[i].rc);
    }
    strbuf_free(&out);
}
END_TEST

START_TEST(control_comes_back)
{
    struct strbuf out = strbuf_new(QUEUE_PAYLOAD_MAX);
    struct queue_control req = {.verb = SLICE("edit"),
                                .names = SLICE("id1 id2"),
                                .text = SLICE("why"),
                                .removed = SLICE("a@d.test"),
                                .added = SLICE("b@d.test"),
                                .time_ms = 1234567890123},
                         got_req;
    struct queue_control_reply reply = {2, 7, SLICE("no such message"), SLICE("data")};
    struct queue_control_reply got;

    ck_assert_int_eq(queue_control_encode(&out, &req), 0);
    ck_assert_int_eq(queue_control_decode(payload_of(&out, QUEUE_CONTROL), &got_req), 0);
    ck_assert(slice_eq(got_req.verb, req.verb) && slice_eq(got_req.names, req.names));
    ck_assert(slice_eq(got_req.text, req.text) && slice_eq(got_req.removed, req.removed));
    ck_assert(slice_eq(got_req.added, req.added) && got_req.time_ms == req.time_ms);
    strbuf_clear(&out);
    ck_assert_int_eq(queue_control_reply_encode(&out, 4, &reply), 0);
    ck_assert_int_eq(queue_control_reply_decode(payload_of(&out, QUEUE_CONTROL_REPLY), &got), 0);
    ck_assert(got.result == 2 && got.count == 7 && slice_eq(got.data, SLICE("data")));
    strbuf_free(&out);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("queue_manager");
    TCase *tc = tcase_create("queue_manager");
    SRunner *sr;
    int failed;

    tcase_add_test(tc, job_comes_back);
    tcase_add_test(tc, reply_comes_back);
    tcase_add_test(tc, result_comes_back);
    tcase_add_test(tc, hello_is_checked);
    tcase_add_test(tc, control_comes_back);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
