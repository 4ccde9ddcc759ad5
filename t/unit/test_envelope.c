/*
 * t/unit/test_envelope.c - lib/queue/envelope: each field comes back, older versions are still
 * read, and what no writer of ours writes is damage.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/crc32c.h"
#include "lib/ipc/frame.h"
#include "lib/queue/envelope.h"

static struct strbuf record;

static void
setup(void)
{
    record = strbuf_new(65536);
}

static void
teardown(void)
{
    strbuf_free(&record);
}

static struct queue_rcpt rcpts[2] = {
    {.address = {"bob@d.test", 10}, .notify = 4},
    {.address = {"carol@d.test", 12}},
};

static struct queue_envelope
full_envelope(void)
{
    return (struct queue_envelope){.id = "8Dpejvqgm",
                                   .received_ms = 1795750000000,
                                   .content_size = 100,
                                   .sender = SLICE("alice@d.test"),
                                   .client = SLICE("192.0.2.1"),
                                   .helo = SLICE("client.test"),
                                   .hops = 2,
                                   .requiretls = true,
                                   .by_trace = true,
                                   .by_mode = QUEUE_BY_NOTIFY,
                                   .priority = -9,
                                   .deliver_by_ms = 1795750120000,
                                   .hold_until_ms = 1795750060000,
                                   .hold_reason = SLICE("looks odd"),
                                   .origin = QUEUE_ORIGIN_SYSTEM,
                                   .approved_by = SLICE("boss@d.test"),
                                   .hold_request = SLICE("for;60"),
                                   .rcpt_count = 2,
                                   .rcpts = rcpts};
}

START_TEST(every_field_comes_back)
{
    struct queue_envelope e = full_envelope(), back;

    e.priority = (int8_t)_i;
    e.tls_optional = _i > 0;
    e.requiretls = _i <= 0;
    ck_assert_int_eq(envelope_encode(&record, &e), 0);
    ck_assert_int_eq(envelope_decode(strbuf_slice(&record), &back), 0);
    ck_assert(back.requiretls == e.requiretls && back.tls_optional == e.tls_optional);
    ck_assert(back.by_trace && !back.smtputf8 && !back.body_8bit && !back.body_binary);
    ck_assert_int_eq(back.by_mode, QUEUE_BY_NOTIFY);
    ck_assert_int_eq(back.priority, _i);
    ck_assert_int_eq(back.deliver_by_ms, 1795750120000);
    ck_assert_int_eq(back.hold_until_ms, 1795750060000);
    ck_assert(slice_eq(back.helo, SLICE("client.test")));
    ck_assert(slice_eq(back.hold_reason, SLICE("looks odd")));
    ck_assert_uint_eq(back.origin, QUEUE_ORIGIN_SYSTEM);
    ck_assert(slice_eq(back.approved_by, SLICE("boss@d.test")));
    ck_assert(slice_eq(back.hold_request, SLICE("for;60")));
    ck_assert_uint_eq(back.rcpt_count, 2);
    ck_assert(slice_eq(back.rcpts[1].address, SLICE("carol@d.test")));
    envelope_clear(&back);
}
END_TEST

/* Appends to `record`, which has the fields of a body, the footer of today. */
static void
append_footer(void)
{
    struct strbuf footer = strbuf_new(ENVELOPE_FOOTER);
    char length[4] = {0}, crc[4];
    uint32_t sum;

    envelope_encode_beside(&footer, 7, 9); /* its length and checksum are mended here */
    length[3] = (char)record.len;
    memcpy(footer.ptr, length, sizeof(length));
    ck_assert(strbuf_append(&record, strbuf_slice(&footer)));
    sum = crc32c(0, slice_make(record.ptr, record.len - 8));
    for (size_t i = 0; i < 4; i++)
        crc[i] = (char)(sum >> (8 * (3 - i)));
    memcpy(record.ptr + record.len - 8, crc, sizeof(crc));
    strbuf_free(&footer);
}

/* The bytes of an older version, made by hand as doc/queue.md says. */
static void
write_old(uint8_t version, uint8_t flags)
{
    struct writer w = {.out = &record, .start = 0};

    writer_u8(&w, version);
    writer_str(&w, "8Dpejvqgm");
    writer_u64(&w, 1795750000000);
    writer_str(&w, "alice@d.test");
    writer_str(&w, "QQ");
    writer_u8(&w, 2);
    writer_u8(&w, flags);
    writer_str(&w, "");
    writer_str(&w, "192.0.2.1");
    writer_u32(&w, 3);
    if (version > 1) {
        writer_u64(&w, 5);
        writer_u64(&w, 6);
        writer_u8(&w, QUEUE_BY_RETURN);
        writer_u8(&w, QUEUE_PRIORITY_MAX + 1);
        writer_str(&w, "client.test");
    }
    if (version > 2)
        writer_str(&w, "looks odd");
    if (version > 3) {
        writer_u8(&w, QUEUE_ORIGIN_SYSTEM);
        writer_str(&w, "boss@d.test");
        writer_str(&w, "for;60");
    }
    writer_u32(&w, 1);
    writer_str(&w, "bob@d.test");
    writer_str(&w, "");
    writer_u8(&w, 4);
    if (version > 1)
        writer_u64(&w, 8);
    append_footer();
}

START_TEST(version_1_is_read_with_defaults)
{
    struct queue_envelope e;

    write_old(1, 7);
    ck_assert_int_eq(envelope_decode(strbuf_slice(&record), &e), 0);
    ck_assert(slice_eq(e.sender, SLICE("alice@d.test")));
    ck_assert(e.smtputf8 && e.body_8bit && e.body_binary);
    ck_assert(!e.requiretls && !e.tls_optional && !e.by_trace);
    ck_assert_int_eq(e.by_mode, QUEUE_BY_NONE);
    ck_assert_int_eq(e.priority, 0);
    ck_assert_int_eq(e.deliver_by_ms, 0);
    ck_assert_int_eq(e.hold_until_ms, 0);
    ck_assert_uint_eq(e.helo.len, 0);
    ck_assert_uint_eq(e.origin, QUEUE_ORIGIN_SMTP);
    ck_assert_uint_eq(e.approved_by.len, 0);
    ck_assert_uint_eq(e.hops, 3);
    ck_assert_uint_eq(e.rcpt_count, 1);
    ck_assert_uint_eq(e.rcpts[0].notify, 4);
    envelope_clear(&e);
}
END_TEST

START_TEST(versions_2_to_4_are_read_with_defaults)
{
    struct queue_envelope e;

    write_old((uint8_t)_i, 63);
    ck_assert_int_eq(envelope_decode(strbuf_slice(&record), &e), 0);
    ck_assert(e.requiretls && e.tls_optional && e.by_trace);
    ck_assert_int_eq(e.by_mode, QUEUE_BY_RETURN);
    ck_assert_int_eq(e.priority, 1);
    ck_assert(slice_eq(e.helo, SLICE("client.test")));
    ck_assert(slice_eq(e.hold_reason, _i > 2 ? SLICE("looks odd") : SLICE("")));
    ck_assert_uint_eq(e.origin, _i > 3 ? QUEUE_ORIGIN_SYSTEM : QUEUE_ORIGIN_SMTP);
    ck_assert(slice_eq(e.approved_by, _i > 3 ? SLICE("boss@d.test") : SLICE("")));
    ck_assert_uint_eq(e.rcpt_count, 1);
    ck_assert_uint_eq(e.rcpts[0].notify, 4);
    envelope_clear(&e);
}
END_TEST

START_TEST(version_1_has_no_later_flag)
{
    struct queue_envelope e;

    write_old(1, 8);
    ck_assert_int_eq(envelope_decode(strbuf_slice(&record), &e), -1);
}
END_TEST

/* What only damage or a bug could have written. */
START_TEST(values_out_of_range_are_damage)
{
    struct queue_envelope e = full_envelope(), back;
    struct queue_rcpt one = rcpts[0];

    e.rcpt_count = 1;
    e.rcpts = &one;
    switch (_i) {
    case 0:
        e.priority = 10;
        break;
    case 1:
        e.priority = -10;
        break;
    case 2:
        e.by_mode = 3;
        break;
    case 3:
        e.deliver_by_ms = -1;
        break;
    case 4:
        e.hold_until_ms = -1;
        break;
    default:
        e.origin = QUEUE_ORIGIN_SYSTEM + 1;
        break;
    }
    ck_assert_int_eq(envelope_encode(&record, &e), 0);
    ck_assert_int_eq(envelope_decode(strbuf_slice(&record), &back), -1);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("envelope");
    TCase *tc = tcase_create("record");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, every_field_comes_back, -9, 10);
    tcase_add_test(tc, version_1_is_read_with_defaults);
    tcase_add_loop_test(tc, versions_2_to_4_are_read_with_defaults, 2, 5);
    tcase_add_test(tc, version_1_has_no_later_flag);
    tcase_add_loop_test(tc, values_out_of_range_are_damage, 0, 6);
    suite_add_tcase(s, tc);
    runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
