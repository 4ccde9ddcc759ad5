/*
 * t/unit/test_dnsd_ipc.c - lib/ipc/dnsd: the codec.
 */
#include <check.h>
#include <stdlib.h>

#include "lib/ipc/dnsd.h"

static struct dnsd_answer answer, back;

START_TEST(answers_survive_the_way)
{
    struct strbuf frame = strbuf_new(DNSD_PAYLOAD_MAX + FRAME_HEADER);
    struct slice payload;

    answer = (struct dnsd_answer){.status = DNS_FOUND,
                                  .secure = true,
                                  .ttl_s = 300,
                                  .canonical = SLICE("d.test"),
                                  .count = 2};
    answer.records[0] = (struct dns_record){10, 0, 0, SLICE("mx1.d.test")};
    answer.records[1] = (struct dns_record){1, 2, 143, SLICE("")};
    ck_assert_int_eq(dnsd_answer_encode(&frame, 7, &answer), 0);
    payload = slice_sub(strbuf_slice(&frame), FRAME_HEADER, frame.len);
    ck_assert_int_eq(dnsd_answer_decode(payload, &back), 0);
    ck_assert(back.secure && !back.bogus);
    ck_assert_uint_eq(back.count, 2);
    ck_assert_uint_eq(back.records[1].port, 143);
    ck_assert(slice_eq(back.records[0].data, SLICE("mx1.d.test")));
    ck_assert(slice_eq(back.canonical, SLICE("d.test")));
    for (size_t len = 0; len < payload.len; len++)
        ck_assert_int_eq(dnsd_answer_decode(slice_sub(payload, 0, len), &back), -1);
    strbuf_free(&frame);
}
END_TEST

START_TEST(unknown_values_are_refused)
{
    struct strbuf frame = strbuf_new(DNSD_PAYLOAD_MAX);
    char *bytes;

    answer = (struct dnsd_answer){.status = DNS_TEMPORARY};
    ck_assert_int_eq(dnsd_answer_encode(&frame, 7, &answer), 0);
    bytes = frame.ptr + FRAME_HEADER;
    bytes[1] = DNS_TEMPORARY + 1;
    ck_assert_int_eq(dnsd_answer_decode(slice_make(bytes, frame.len - FRAME_HEADER), &back), -1);
    bytes[1] = 0;
    bytes[3] = 4;
    ck_assert_int_eq(dnsd_answer_decode(slice_make(bytes, frame.len - FRAME_HEADER), &back), -1);
    strbuf_free(&frame);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("dnsd_ipc");
    TCase *tc = tcase_create("dnsd_ipc");
    SRunner *sr;
    int failed;

    tcase_add_test(tc, answers_survive_the_way);
    tcase_add_test(tc, unknown_values_are_refused);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
