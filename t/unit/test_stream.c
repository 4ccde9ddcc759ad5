/*
 * t/unit/test_stream.c - lib/tls/stream and lib/tls/tls over a socket pair; the peer is a child.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/tls/stream.h"

#define STEP_MS 5000
#define READ_MAX 1024

static char dir_path[] = "/tmp/test_stream_XXXXXX";
static char cert_path[64], key_path[64], other_key_path[64];
static int ends[2];
static struct tls_context *server, *client;
static const struct tls_check mail_test = {.server_name = "mail.test"};

static int64_t
soon(void)
{
    return clock_mono_ms() + STEP_MS;
}

static void
write_key(const char *path, EVP_PKEY *key)
{
    FILE *f = fopen(path, "w");

    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
    ck_assert_int_eq(fclose(f), 0);
}

static void
write_cert(const char *path, EVP_PKEY *key)
{
    X509 *cert = X509_new();
    FILE *f = fopen(path, "w");

    ck_assert(cert != NULL && f != NULL);
    ck_assert_int_eq(ASN1_INTEGER_set(X509_get_serialNumber(cert), 1), 1);
    ck_assert_ptr_nonnull(X509_gmtime_adj(X509_getm_notBefore(cert), 0));
    ck_assert_ptr_nonnull(X509_gmtime_adj(X509_getm_notAfter(cert), 3600));
    ck_assert_int_eq(X509_set_pubkey(cert, key), 1);
    ck_assert_int_gt(X509_sign(cert, key, EVP_sha256()), 0);
    ck_assert_int_eq(PEM_write_X509(f, cert), 1);
    ck_assert_int_eq(fclose(f), 0);
    X509_free(cert);
}

static void
make_contexts(void)
{
    struct strbuf error = strbuf_new(1000);
    EVP_PKEY *key = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-256");

    ck_assert_ptr_nonnull(mkdtemp(dir_path));
    (void)snprintf(cert_path, sizeof(cert_path), "%s/cert.pem", dir_path);
    (void)snprintf(key_path, sizeof(key_path), "%s/key.pem", dir_path);
    (void)snprintf(other_key_path, sizeof(other_key_path), "%s/other.pem", dir_path);
    write_key(key_path, key);
    write_key(other_key_path, other);
    write_cert(cert_path, key);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
    server = tls_server_context(cert_path, key_path, &error);
    client = tls_client_context(NULL, &error);
    ck_assert_msg(server != NULL && client != NULL, "%s", strbuf_cstr(&error));
}

static void
remove_contexts(void)
{
    tls_context_free(&server);
    tls_context_free(&client);
    (void)unlink(cert_path);
    (void)unlink(key_path);
    (void)unlink(other_key_path);
    (void)rmdir(dir_path);
}

static void
make_pair(void)
{
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
}

static void
say(const char *text)
{
    ck_assert_int_eq(write_all(ends[1], slice_of(text)), 0);
}

static void
expect_line(struct stream *s, const char *expected)
{
    struct slice line = {0};

    ck_assert_int_eq(stream_read_line(s, 512, soon(), &line), STREAM_OK);
    ck_assert(slice_eq(line, slice_of(expected)));
}

START_TEST(lines_come_one_by_one)
{
    struct stream *s = stream_new(ends[0], READ_MAX);
    struct slice line;

    say("USER a\r\nPASS b\r\nQU");
    expect_line(s, "USER a\r\n");
    ck_assert(stream_has_input(s));
    expect_line(s, "PASS b\r\n");
    say("IT\n");
    expect_line(s, "QUIT\n");
    ck_assert_int_eq(close(ends[1]), 0);
    ck_assert_int_eq(stream_read_line(s, 512, soon(), &line), STREAM_EOF);
    ck_assert_uint_eq(stream_bytes_in(s), 21);
    stream_free(&s);
}
END_TEST

START_TEST(a_line_over_the_limit_is_told_and_skippable)
{
    struct stream *s = stream_new(ends[0], READ_MAX);
    struct slice line;

    say("0123456789\r\nNOOP\r\n");
    ck_assert_int_eq(stream_read_line(s, 8, soon(), &line), STREAM_TOO_LONG);
    ck_assert(slice_eq(line, SLICE("01234567")));
    expect_line(s, "89\r\n");
    ck_assert_int_eq(stream_read_line(s, 6, soon(), &line), STREAM_OK);
    ck_assert(slice_eq(line, SLICE("NOOP\r\n")));
    stream_free(&s);
}
END_TEST

START_TEST(a_buffer_that_wraps_keeps_every_byte)
{
    struct stream *s = stream_new(ends[0], 16);
    struct slice line;

    for (int i = 0; i < 100; i++) {
        say("0123456789\r\n");
        ck_assert_int_eq(stream_read_line(s, 16, soon(), &line), STREAM_OK);
        ck_assert(slice_eq(line, SLICE("0123456789\r\n")));
    }
    stream_free(&s);
}
END_TEST

/* One byte every 30 ms never finishes a line: the deadline holds for the whole line. */
START_TEST(the_deadline_is_for_the_whole_step)
{
    struct stream *s = stream_new(ends[0], READ_MAX);
    struct slice line;
    int64_t begun = clock_mono_ms(), took;
    pid_t pid = fork();

    if (pid == 0)
        for (;;) {
            if (write_all(ends[1], SLICE("x")) < 0)
                _exit(0);
            (void)usleep(30000);
        }
    ck_assert_int_eq(stream_read_line(s, 512, begun + 300, &line), STREAM_TIMEOUT);
    took = clock_mono_ms() - begun;
    ck_assert_int_ge(took, 300);
    ck_assert_int_lt(took, 900);
    (void)kill(pid, SIGKILL);
    stream_free(&s);
}
END_TEST

START_TEST(output_leaves_before_a_wait_and_in_one_piece)
{
    struct stream *s = stream_new(ends[0], READ_MAX);
    char buf[64] = {0};

    say("A\r\nB\r\n");
    expect_line(s, "A\r\n");
    (void)stream_printf(s, "+OK %d\r\n", 1);
    expect_line(s, "B\r\n");
    (void)stream_write(s, SLICE("+OK 2\r\n"));
    ck_assert_int_eq(recv(ends[1], buf, sizeof(buf), MSG_DONTWAIT), -1);
    ck_assert_int_eq(stream_wait(s, -1, clock_mono_ms() + 20), 0);
    ck_assert_int_eq(recv(ends[1], buf, sizeof(buf) - 1, MSG_DONTWAIT), 14);
    ck_assert_str_eq(buf, "+OK 1\r\n+OK 2\r\n");
    stream_free(&s);
}
END_TEST

START_TEST(a_reader_that_does_not_read_times_out)
{
    struct stream *s = stream_new(ends[0], READ_MAX);
    char *big = xcalloc(1, 1 << 20);

    stream_set_write_timeout(s, 200);
    ck_assert_int_eq(stream_write(s, slice_make(big, 1 << 20)), STREAM_TIMEOUT);
    ck_assert_int_eq(stream_write(s, SLICE("x")), STREAM_TIMEOUT); /* sticks */
    stream_free(&s);
    free(big);
}
END_TEST

START_TEST(wait_tells_who_is_ready)
{
    struct stream *s = stream_new(ends[0], READ_MAX);
    int other[2];

    ck_assert_int_eq(pipe(other), 0);
    ck_assert_int_eq(stream_wait(s, other[0], clock_mono_ms() + 20), 0);
    ck_assert_int_eq(write_all(other[1], SLICE("x")), 0);
    ck_assert_int_eq(stream_wait(s, other[0], soon()), 2);
    stream_set_end_fd(s, other[0]);
    ck_assert_int_eq(stream_wait(s, -1, soon()), 3);
    say("x");
    ck_assert_int_eq(stream_wait(s, other[0], soon()), 1);
    stream_free(&s);
}
END_TEST

/* The child is the client: handshake, then echoes `lines` lines back. Exit status 0: all well. */
static pid_t
tls_echo_client(int lines)
{
    pid_t pid = fork();
    struct stream *s;
    struct slice line;

    if (pid != 0) {
        (void)close(ends[1]);
        return pid;
    }
    (void)close(ends[0]);
    s = stream_new(ends[1], 65536);
    if (stream_start_tls_client(s, client, &mail_test, soon()) < 0)
        _exit(10);
    for (int i = 0; i < lines; i++) {
        if (stream_read_line(s, 65536, soon(), &line) != STREAM_OK)
            _exit(11);
        (void)stream_write(s, line);
    }
    if (stream_flush(s) != STREAM_OK)
        _exit(12);
    stream_free(&s);
    _exit(0);
}

static void
child_was_happy(pid_t pid)
{
    int status;

    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}

START_TEST(tls_carries_lines_both_ways)
{
    struct stream *s = stream_new(ends[0], READ_MAX);
    pid_t pid = tls_echo_client(2);
    unsigned char binding[32];
    struct slice line;

    ck_assert_int_eq(stream_start_tls(s, server, soon(), NULL), 0);
    ck_assert_str_eq(tls_version(stream_tls(s)), "TLSv1.3");
    ck_assert_int_eq(tls_channel_binding(stream_tls(s), binding), 0);
    (void)stream_write(s, SLICE("one\r\n"));
    expect_line(s, "one\r\n");
    stream_release_buffers(s);
    (void)stream_write(s, SLICE("two\r\n"));
    expect_line(s, "two\r\n");
    ck_assert_int_eq(stream_read_line(s, 512, soon(), &line), STREAM_EOF);
    stream_free(&s);
    child_was_happy(pid);
}
END_TEST

START_TEST(tls_carries_more_than_a_record)
{
    struct stream *s = stream_new(ends[0], 65536);
    pid_t pid = tls_echo_client(1);
    char *big = xmalloc(60000);
    struct slice line;

    memset(big, 'x', 60000);
    big[59999] = '\n';
    ck_assert_int_eq(stream_start_tls(s, server, soon(), NULL), 0);
    ck_assert_int_eq(stream_write(s, slice_make(big, 60000)), STREAM_OK);
    ck_assert_int_eq(stream_read_line(s, 65536, soon(), &line), STREAM_OK);
    ck_assert(slice_eq(line, slice_make(big, 60000)));
    stream_free(&s);
    child_was_happy(pid);
    free(big);
}
END_TEST

START_TEST(tls_outlives_a_read_that_timed_out)
{
    struct stream *s = stream_new(ends[0], READ_MAX);
    pid_t pid = tls_echo_client(1);
    struct slice line;

    ck_assert_int_eq(stream_start_tls(s, server, soon(), NULL), 0);
    ck_assert_int_eq(stream_read_line(s, 512, clock_mono_ms() + 30, &line), STREAM_TIMEOUT);
    ck_assert_int_eq(stream_write(s, SLICE("421 bye\r\n")), STREAM_OK);
    expect_line(s, "421 bye\r\n");
    stream_free(&s);
    child_was_happy(pid);
}
END_TEST

/* RFC 3207 section 4.2: what came before the handshake is thrown away, buffered or not. */
START_TEST(bytes_before_the_handshake_are_thrown_away)
{
    struct stream *s = stream_new(ends[0], READ_MAX);
    size_t discarded = 0;
    pid_t pid;

    say("STLS\r\nDELE 1\r\n");
    expect_line(s, "STLS\r\n");
    say("DELE 2\r\n");
    (void)stream_write(s, SLICE("+OK\n")); /* the client below reads no invitation: eat it */
    pid = fork();
    if (pid == 0) {
        char ok[4];

        (void)close(ends[0]);
        if (read_exact(ends[1], ok, sizeof(ok)) < 0)
            _exit(20);
        s = stream_new(ends[1], READ_MAX);
        if (stream_start_tls_client(s, client, &mail_test, soon()) < 0)
            _exit(21);
        (void)stream_write(s, SLICE("NOOP\r\n"));
        stream_free(&s);
        _exit(0);
    }
    (void)close(ends[1]);
    ck_assert_int_eq(stream_start_tls(s, server, soon(), &discarded), 0);
    ck_assert_uint_eq(discarded, 16);
    expect_line(s, "NOOP\r\n");
    stream_free(&s);
    child_was_happy(pid);
}
END_TEST

START_TEST(a_slow_handshake_times_out)
{
    struct stream *s = stream_new(ends[0], READ_MAX);
    int64_t begun = clock_mono_ms();
    pid_t pid = fork();

    if (pid == 0) { /* a record header that announces much, then a byte now and then */
        (void)write_all(ends[1], slice_make("\x16\x03\x01\x02\x00", 5));
        for (;;) {
            if (write_all(ends[1], SLICE("\x01")) < 0)
                _exit(0);
            (void)usleep(30000);
        }
    }
    ck_assert_int_eq(stream_start_tls(s, server, begun + 300, NULL), -1);
    ck_assert_int_lt(clock_mono_ms() - begun, 900);
    (void)kill(pid, SIGKILL);
    stream_free(&s);
}
END_TEST

START_TEST(no_tls_at_all_is_an_error)
{
    struct stream *s = stream_new(ends[0], READ_MAX);

    say("GET / HTTP/1.1\r\n\r\n");
    ck_assert_int_eq(stream_start_tls(s, server, soon(), NULL), -1);
    ck_assert_str_ne(tls_last_error(), "");
    stream_free(&s);
}
END_TEST

START_TEST(context_errors_name_the_file)
{
    struct strbuf error = strbuf_new(1000);

    ck_assert_ptr_null(tls_server_context("/nonexistent.pem", key_path, &error));
    ck_assert(slice_find(strbuf_slice(&error), SLICE("/nonexistent.pem")) < error.len);
    strbuf_clear(&error);
    ck_assert_ptr_null(tls_server_context(cert_path, other_key_path, &error));
    ck_assert(slice_find(strbuf_slice(&error), SLICE("mismatch")) < error.len);
    strbuf_free(&error);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("stream");
    TCase *plain = tcase_create("plain"), *tls = tcase_create("tls");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(plain, make_pair, NULL);
    tcase_add_test(plain, lines_come_one_by_one);
    tcase_add_test(plain, a_line_over_the_limit_is_told_and_skippable);
    tcase_add_test(plain, a_buffer_that_wraps_keeps_every_byte);
    tcase_add_test(plain, the_deadline_is_for_the_whole_step);
    tcase_add_test(plain, output_leaves_before_a_wait_and_in_one_piece);
    tcase_add_test(plain, a_reader_that_does_not_read_times_out);
    tcase_add_test(plain, wait_tells_who_is_ready);
    suite_add_tcase(s, plain);
    tcase_add_unchecked_fixture(tls, make_contexts, remove_contexts);
    tcase_add_checked_fixture(tls, make_pair, NULL);
    tcase_add_test(tls, tls_carries_lines_both_ways);
    tcase_add_test(tls, tls_carries_more_than_a_record);
    tcase_add_test(tls, tls_outlives_a_read_that_timed_out);
    tcase_add_test(tls, bytes_before_the_handshake_are_thrown_away);
    tcase_add_test(tls, a_slow_handshake_times_out);
    tcase_add_test(tls, no_tls_at_all_is_an_error);
    tcase_add_test(tls, context_errors_name_the_file);
    suite_add_tcase(s, tls);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
