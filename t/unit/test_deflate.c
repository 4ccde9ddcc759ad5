/*
 * t/unit/test_deflate.c - lib/tls/deflate, and a stream that uses it.
 */
#include "lib/tls/deflate.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"

enum { STEP = 100 }; /* bytes of output at a time */

static struct strbuf
run_encode(struct deflate *d, struct slice text)
{
    struct strbuf out = strbuf_new(10 << 20);
    char piece[STEP];
    ssize_t n;

    do {
        n = deflate_codec.encode(d, &text, STREAM_FLUSH, piece, sizeof(piece));
        ck_assert_int_ge(n, 0);
        ck_assert(strbuf_append(&out, slice_make(piece, (size_t)n)));
    } while (text.len > 0 || n == STEP);
    return out;
}

static struct strbuf
run_decode(struct deflate *d, struct slice bytes)
{
    struct strbuf out = strbuf_new(10 << 20);
    char piece[STEP];
    ssize_t n;

    do {
        n = deflate_codec.decode(d, &bytes, piece, sizeof(piece));
        ck_assert_int_ge(n, 0);
        ck_assert(strbuf_append(&out, slice_make(piece, (size_t)n)));
    } while (bytes.len > 0 || n == STEP);
    return out;
}

static struct strbuf
make_text(unsigned seed)
{
    struct strbuf text = strbuf_new(1 << 20);

    for (unsigned i = 0; i < 3000; i++)
        ck_assert(strbuf_printf(&text, "* %u FETCH (FLAGS (\\Seen) UID %u)\r\n", i, i * seed));
    return text;
}

/* What one says the other hears, also when either forgets all between two texts that have much in
 * common. */
START_TEST(both_ways_with_breaks)
{
    struct deflate *one = deflate_new(), *other = deflate_new();

    for (unsigned round = 1; round < 8; round++) {
        struct strbuf text = make_text(round / 2);
        struct strbuf sent = run_encode(one, strbuf_slice(&text));
        struct strbuf got = run_decode(other, strbuf_slice(&sent));

        ck_assert(slice_eq(strbuf_slice(&text), strbuf_slice(&got)));
        ck_assert_uint_lt(sent.len, text.len / 3);
        if (round % 2 == 0)
            deflate_codec.release(one);
        if (round % 3 == 0)
            deflate_codec.release(other);
        strbuf_free(&text);
        strbuf_free(&sent);
        strbuf_free(&got);
    }
    deflate_codec.free(one);
    deflate_codec.free(other);
}
END_TEST

START_TEST(a_release_in_the_middle_of_a_block_loses_nothing)
{
    struct deflate *one = deflate_new(), *other = deflate_new();
    struct strbuf text = make_text(3), sent = run_encode(one, strbuf_slice(&text));
    struct strbuf got = strbuf_new(1 << 20);

    for (size_t at = 0; at < sent.len; at += 7) {
        struct strbuf part = run_decode(other, slice_sub(strbuf_slice(&sent), at, at + 7));

        ck_assert(strbuf_append(&got, strbuf_slice(&part)));
        strbuf_free(&part);
        deflate_codec.release(other);
    }
    ck_assert(slice_eq(strbuf_slice(&text), strbuf_slice(&got)));
    strbuf_free(&text);
    strbuf_free(&sent);
    strbuf_free(&got);
    deflate_codec.free(one);
    deflate_codec.free(other);
}
END_TEST

START_TEST(nonsense_is_an_error)
{
    struct deflate *d = deflate_new();
    struct slice bytes = SLICE("NOOP\r\nnot compressed at all");
    char out[STEP];

    ck_assert_int_eq(deflate_codec.decode(d, &bytes, out, sizeof(out)), -1);
    deflate_codec.free(d);
}
END_TEST

struct ends {
    int peer;
    struct stream *stream;
};

static struct ends
connect_ends(size_t read_max)
{
    int fds[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    return (struct ends){fds[0], stream_new(fds[1], read_max)};
}

START_TEST(a_stream_goes_over_in_the_middle)
{
    struct ends e = connect_ends(1024);
    struct deflate *peer = deflate_new();
    struct strbuf sent = run_encode(peer, SLICE("a NOOP\r\nb CHECK\r\n")), got;
    struct slice line;
    char buf[200];
    ssize_t n;
    int64_t deadline = clock_mono_ms() + 5000;

    (void)stream_write(e.stream, SLICE("c OK\r\n"));
    stream_start_codec(e.stream, &deflate_codec, deflate_new());
    (void)stream_write(e.stream, SLICE("* BYE\r\n"));
    ck_assert_int_eq(stream_flush(e.stream), STREAM_OK);
    n = read(e.peer, buf, sizeof(buf));
    ck_assert_int_gt(n, 6);
    ck_assert_mem_eq(buf, "c OK\r\n", 6);
    got = run_decode(peer, slice_make(buf + 6, (size_t)n - 6));
    ck_assert_str_eq(strbuf_cstr(&got), "* BYE\r\n");

    ck_assert_int_eq(write_all(e.peer, slice_sub(strbuf_slice(&sent), 0, 4)), 0);
    ck_assert_int_eq(stream_read_line(e.stream, 1000, clock_mono_ms() + 20, &line), STREAM_TIMEOUT);
    ck_assert_int_eq(write_all(e.peer, slice_sub(strbuf_slice(&sent), 4, sent.len)), 0);
    ck_assert_int_eq(stream_wait(e.stream, -1, deadline), 1);
    ck_assert_int_eq(stream_read_line(e.stream, 1000, deadline, &line), STREAM_OK);
    ck_assert(slice_eq(line, SLICE("a NOOP\r\n")));
    stream_release_buffers(e.stream);
    ck_assert_int_eq(stream_read_line(e.stream, 1000, deadline, &line), STREAM_OK);
    ck_assert(slice_eq(line, SLICE("b CHECK\r\n")));
    ck_assert_int_eq(stream_wait(e.stream, -1, clock_mono_ms()), 0);
    strbuf_free(&got);
    strbuf_free(&sent);
    deflate_codec.free(peer);
    stream_free(&e.stream);
    (void)close(e.peer);
}
END_TEST

/* Everything that a compressor of the test makes of `text`, with its end. */
static struct strbuf
run_finish(struct slice text)
{
    struct deflate *d = deflate_new();
    struct strbuf out = strbuf_new(1000);
    char piece[500];
    ssize_t n = deflate_codec.encode(d, &text, STREAM_FINISH, piece, sizeof(piece));

    ck_assert_int_gt(n, 0);
    ck_assert(strbuf_append(&out, slice_make(piece, (size_t)n)));
    deflate_codec.free(d);
    return out;
}

/* Our end comes in one piece with the last line, and what follows the peer's is as it is. */
START_TEST(a_stream_comes_back)
{
    struct ends e = connect_ends(1024);
    struct deflate *peer = deflate_new();
    struct strbuf sent = run_finish(SLICE("a STOP\r\n"));
    struct slice line, rest;
    char buf[200], out[100];
    int64_t deadline = clock_mono_ms() + 5000;
    ssize_t n;

    ck_assert(strbuf_str(&sent, "b PLAIN\r\n"));
    stream_start_codec(e.stream, &deflate_codec, deflate_new());
    ck_assert_int_eq(write_all(e.peer, strbuf_slice(&sent)), 0);
    ck_assert_int_eq(stream_read_line(e.stream, 1000, deadline, &line), STREAM_OK);
    ck_assert(slice_eq(line, SLICE("a STOP\r\n")));
    (void)stream_write(e.stream, SLICE("a OK\r\n"));
    ck_assert_int_eq(stream_end_codec(e.stream), 0);
    ck_assert(slice_eq(stream_unread_input(e.stream), SLICE("b PLAIN\r\n")));
    ck_assert_int_eq(stream_read_line(e.stream, 1000, deadline, &line), STREAM_OK);
    ck_assert(slice_eq(line, SLICE("b PLAIN\r\n")));
    (void)stream_write(e.stream, SLICE("b OK\r\n"));
    n = read(e.peer, buf, sizeof(buf));
    rest = slice_make(buf, (size_t)n);
    n = deflate_codec.decode(peer, &rest, out, sizeof(out));
    ck_assert(slice_eq(slice_make(out, (size_t)n), SLICE("a OK\r\n")));
    ck_assert_uint_eq(rest.len, 0);
    rest = SLICE("x");
    ck_assert_int_eq(deflate_codec.decode(peer, &rest, out, sizeof(out)), -1); /* it was the end */
    ck_assert_int_eq(stream_flush(e.stream), STREAM_OK);
    ck_assert_int_eq(read(e.peer, buf, sizeof(buf)), 6);
    ck_assert_mem_eq(buf, "b OK\r\n", 6);
    strbuf_free(&sent);
    deflate_codec.free(peer);
    stream_free(&e.stream);
    (void)close(e.peer);
}
END_TEST

START_TEST(compressed_data_in_advance_does_not_come_back)
{
    struct ends e = connect_ends(1024);
    struct strbuf sent = run_finish(SLICE("a STOP\r\nb MORE\r\n"));
    struct slice line;

    stream_start_codec(e.stream, &deflate_codec, deflate_new());
    ck_assert_int_eq(write_all(e.peer, strbuf_slice(&sent)), 0);
    ck_assert_int_eq(stream_read_line(e.stream, 1000, clock_mono_ms() + 5000, &line), STREAM_OK);
    ck_assert_int_eq(stream_end_codec(e.stream), -1);
    strbuf_free(&sent);
    stream_free(&e.stream);
    (void)close(e.peer);
}
END_TEST

/* Sixteen megabytes in sixteen kilobytes: they come piece by piece. */
START_TEST(what_expands_stays_within_the_buffer)
{
    static char zeros[1 << 20];
    struct ends e = connect_ends(4096);
    struct deflate *peer = deflate_new();
    size_t total = 0;

    stream_start_codec(e.stream, &deflate_codec, deflate_new());
    for (int i = 0; i < 16; i++) {
        struct strbuf sent = run_encode(peer, slice_make(zeros, sizeof(zeros)));
        struct slice part;

        ck_assert_uint_lt(sent.len, 16384);
        ck_assert_int_eq(write_all(e.peer, strbuf_slice(&sent)), 0);
        strbuf_free(&sent);
        for (size_t end = total + sizeof(zeros); total < end; total += part.len) {
            ck_assert_int_eq(stream_read_some(e.stream, 1 << 20, clock_mono_ms() + 5000, &part),
                             STREAM_OK);
            ck_assert_uint_le(part.len, 4096);
        }
    }
    deflate_codec.free(peer);
    stream_free(&e.stream);
    (void)close(e.peer);
}
END_TEST

START_TEST(much_output_arrives_whole)
{
    struct ends e = connect_ends(4096);
    struct deflate *peer = deflate_new();
    struct strbuf text = make_text(7), sent = strbuf_new(1 << 20), got;
    char buf[4096];
    ssize_t n;

    stream_start_codec(e.stream, &deflate_codec, deflate_new());
    (void)stream_write(e.stream, strbuf_slice(&text)); /* more than the buffer holds */
    (void)stream_write(e.stream, SLICE("end\r\n"));
    ck_assert_int_eq(stream_flush(e.stream), STREAM_OK);
    ck_assert_int_eq(stream_flush(e.stream), STREAM_OK); /* nothing more */
    ck_assert(strbuf_str(&text, "end\r\n"));
    ck_assert_int_eq(shutdown(stream_fd(e.stream), SHUT_WR), 0);
    while ((n = read(e.peer, buf, sizeof(buf))) > 0)
        ck_assert(strbuf_append(&sent, slice_make(buf, (size_t)n)));
    got = run_decode(peer, strbuf_slice(&sent));
    ck_assert(slice_eq(strbuf_slice(&text), strbuf_slice(&got)));
    strbuf_free(&text);
    strbuf_free(&sent);
    strbuf_free(&got);
    deflate_codec.free(peer);
    stream_free(&e.stream);
    (void)close(e.peer);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("deflate");
    TCase *tc = tcase_create("deflate");
    SRunner *runner;
    int failed;

    tcase_add_test(tc, both_ways_with_breaks);
    tcase_add_test(tc, a_release_in_the_middle_of_a_block_loses_nothing);
    tcase_add_test(tc, nonsense_is_an_error);
    tcase_add_test(tc, a_stream_goes_over_in_the_middle);
    tcase_add_test(tc, a_stream_comes_back);
    tcase_add_test(tc, compressed_data_in_advance_does_not_come_back);
    tcase_add_test(tc, what_expands_stays_within_the_buffer);
    tcase_add_test(tc, much_output_arrives_whole);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
