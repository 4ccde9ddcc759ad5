/*
 * t/unit/test_ipc.c - lib/ipc: a server in the event loop with blocking and asynchronous clients.
 *
 * The server runs in a child process and answers each frame with type + 1 and the same payload;
 * frames of some types do what their name says.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/client.h"
#include "lib/ipc/peer.h"
#include "lib/ipc/socket.h"

#define PAYLOAD_MAX 100000

enum { ECHO = 1, ECHO_FD = 10, SILENT = 20, DIE = 30, TWICE = 40, CLOSE_ME = 50 };

static char dir[] = "/tmp/rt-test-ipc-XXXXXX";
static int dir_fd = -1, listen_fd = -1;
static pid_t server_pid;
static struct loop *loop;

static void
reply(struct ipc_peer *peer, const struct frame_header *h, struct slice payload, int fd)
{
    struct strbuf out = strbuf_new(PAYLOAD_MAX * 2);
    struct writer w = frame_begin(&out, (uint16_t)(h->type + 1), h->request_id);

    (void)strbuf_append(&out, payload);
    ck_assert_int_eq(frame_end(&w), 0);
    ipc_peer_send(peer, &out, fd);
    strbuf_free(&out);
}

static int
serve_frame(struct ipc_peer *peer, const struct frame_header *h, struct slice payload, int fd)
{
    struct frame_header stray = {.type = h->type, .request_id = h->request_id + 1000};

    switch (h->type) {
    case ECHO:
        reply(peer, h, payload, -1);
        return 0;
    case ECHO_FD:
        reply(peer, h, payload, fd);
        close_keep_errno(fd);
        return 0;
    case SILENT:
        return 0;
    case TWICE: /* an answer that nobody waits for comes first */
        reply(peer, &stray, payload, -1);
        reply(peer, h, payload, -1);
        return 0;
    case DIE:
        _exit(0);
    default:
        return -1;
    }
}

static bool
allow_all(uid_t uid, void *data)
{
    (void)uid;
    (void)data;
    return true;
}

static void
serve(void)
{
    static const struct ipc_handlers handlers = {.payload_max = PAYLOAD_MAX, .frame = serve_frame};
    struct loop *l = loop_new();

    (void)ipc_server_new(l, listen_fd, &handlers, allow_all, 10, NULL);
    loop_run(l);
    _exit(1);
}

static void
start_server(void)
{
    server_pid = fork();
    ck_assert_int_ge(server_pid, 0);
    if (server_pid == 0)
        serve();
}

static void
stop_server(void)
{
    if (server_pid <= 0)
        return;
    (void)kill(server_pid, SIGKILL);
    (void)waitpid(server_pid, NULL, 0);
    server_pid = 0;
}

static void
setup(void)
{
    struct sockaddr_un address;

    ck_assert_ptr_nonnull(mkdtemp(dir));
    dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_eq(ipc_socket_address(dir_fd, "s.sock", &address), 0);
    listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(listen_fd, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(listen_fd, 16), 0);
    loop = loop_new();
    start_server();
}

static void
teardown(void)
{
    stop_server();
    loop_free(&loop);
    unlink_keep_errno(dir_fd, "s.sock");
    (void)close(listen_fd);
    (void)close(dir_fd);
    (void)rmdir(dir);
}

static struct strbuf
request(uint16_t type, const char *text, size_t len)
{
    struct strbuf out = strbuf_new(PAYLOAD_MAX * 4);
    struct writer w = frame_begin(&out, type, 0);

    writer_bytes(&w, slice_make(text, len));
    ck_assert_int_eq(frame_end(&w), 0);
    return out;
}

static void
expect_text(struct slice payload, const char *text, size_t len)
{
    struct reader r = reader_begin(payload);

    ck_assert(slice_eq(reader_bytes(&r, PAYLOAD_MAX), slice_make(text, len)));
    ck_assert_int_eq(reader_end(&r), 0);
}

START_TEST(a_call_gets_its_answer)
{
    static char big[90000];
    struct ipc_client *client = ipc_client_new(dir_fd, "s.sock", PAYLOAD_MAX);
    struct strbuf small = request(ECHO, "hello", 5), large;
    struct ipc_reply answer;

    memset(big, 'b', sizeof(big));
    large = request(ECHO, big, sizeof(big));
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(ipc_client_call(client, &small, -1, 2000, &answer), 0);
        ck_assert_uint_eq(answer.type, ECHO + 1);
        ck_assert_int_eq(answer.fd, -1);
        expect_text(answer.payload, "hello", 5);
        ck_assert_int_eq(ipc_client_call(client, &large, -1, 2000, &answer), 0);
        expect_text(answer.payload, big, sizeof(big));
        if (i == 1)
            ipc_client_release(client);
    }
    strbuf_free(&small);
    strbuf_free(&large);
    ipc_client_free(&client);
}
END_TEST

START_TEST(a_descriptor_travels_both_ways)
{
    struct ipc_client *client = ipc_client_new(dir_fd, "s.sock", PAYLOAD_MAX);
    struct strbuf frame = request(ECHO_FD, "x", 1);
    struct ipc_reply answer;
    struct stat here, there;
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    ck_assert_int_eq(ipc_client_call(client, &frame, fd, 2000, &answer), 0);
    ck_assert_int_ge(answer.fd, 0);
    ck_assert_int_eq(fstat(fd, &here), 0);
    ck_assert_int_eq(fstat(answer.fd, &there), 0);
    ck_assert_uint_eq(here.st_rdev, there.st_rdev);
    ck_assert_int_eq(fcntl(answer.fd, F_GETFD), FD_CLOEXEC);
    (void)close(answer.fd);
    (void)close(fd);
    strbuf_free(&frame);
    ipc_client_free(&client);
}
END_TEST

START_TEST(a_restarted_server_costs_no_error)
{
    struct ipc_client *client = ipc_client_new(dir_fd, "s.sock", PAYLOAD_MAX);
    struct strbuf frame = request(ECHO, "x", 1);
    struct ipc_reply answer;

    ck_assert_int_eq(ipc_client_call(client, &frame, -1, 2000, &answer), 0);
    stop_server();
    start_server();
    ck_assert_int_eq(ipc_client_call(client, &frame, -1, 2000, &answer), 0);
    expect_text(answer.payload, "x", 1);
    strbuf_free(&frame);
    ipc_client_free(&client);
}
END_TEST

START_TEST(a_silent_server_costs_the_timeout)
{
    struct ipc_client *client = ipc_client_new(dir_fd, "s.sock", PAYLOAD_MAX);
    struct strbuf frame = request(SILENT, "x", 1);
    struct ipc_reply answer;
    int64_t start = clock_mono_ms();

    ck_assert_int_eq(ipc_client_call(client, &frame, -1, 100, &answer), -1);
    ck_assert_int_eq(errno, ETIMEDOUT);
    ck_assert_int_ge(clock_mono_ms() - start, 90);
    ck_assert_int_lt(clock_mono_ms() - start, 1000);
    strbuf_free(&frame);
    ipc_client_free(&client);
}
END_TEST

START_TEST(a_stray_answer_is_skipped)
{
    struct ipc_client *client = ipc_client_new(dir_fd, "s.sock", PAYLOAD_MAX);
    struct strbuf frame = request(TWICE, "x", 1);
    struct ipc_reply answer;

    ck_assert_int_eq(ipc_client_call(client, &frame, -1, 2000, &answer), 0);
    strbuf_free(&frame);
    ipc_client_free(&client);
}
END_TEST

struct order {
    uint32_t index[8];
    char first_byte[8];
    uint32_t count;
};

static void
note_order(void *arg, uint32_t index, const struct ipc_reply *reply)
{
    struct order *o = arg;

    o->index[o->count] = index;
    o->first_byte[o->count++] = reply->payload.ptr[0];
}

/* A server that has said everything before it is asked: ids are given in a row from 1. */
START_TEST(many_calls_take_their_answers_in_any_order)
{
    static const uint32_t ids[] = {3, 1, 99, 2};
    struct strbuf answers = strbuf_new(1000), questions = strbuf_new(1000);
    struct order order = {.count = 0};
    struct ipc_client *client;
    int ends[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        struct writer w = frame_begin(&answers, ECHO + 1, ids[i]);

        writer_u8(&w, 0);
        ck_assert_int_eq(frame_end(&w), 0);
    }
    for (int i = 0; i < 3; i++) {
        struct writer w = frame_begin(&questions, ECHO, 0);

        writer_u8(&w, (uint8_t)i);
        ck_assert_int_eq(frame_end(&w), 0);
    }
    ck_assert_int_eq(write_all(ends[1], strbuf_slice(&answers)), 0);
    client = ipc_client_adopt(ends[0], PAYLOAD_MAX);
    ck_assert_int_eq(ipc_client_call_many(client, &questions, 3, 2000, note_order, &order), 0);
    ck_assert_uint_eq(order.count, 3);
    ck_assert(order.index[0] == 2 && order.index[1] == 0 && order.index[2] == 1);
    /* the next three get one answer, and then the end */
    order.count = 0;
    answers.ptr[FRAME_HEADER - 1] = 5;
    ck_assert_int_eq(write_all(ends[1], slice_make(answers.ptr, answers.len / 4)), 0);
    ck_assert_int_eq(shutdown(ends[1], SHUT_WR), 0);
    ck_assert_int_eq(ipc_client_call_many(client, &questions, 3, 2000, note_order, &order), -1);
    ck_assert_uint_eq(order.count, 1);
    ck_assert_uint_eq(order.index[0], 1);
    (void)close(ends[1]);
    ipc_client_free(&client);
    strbuf_free(&answers);
    strbuf_free(&questions);
}
END_TEST

START_TEST(a_server_that_closes_is_tried_twice_only)
{
    struct ipc_client *client = ipc_client_new(dir_fd, "s.sock", PAYLOAD_MAX);
    struct strbuf frame = request(CLOSE_ME, "x", 1);
    struct ipc_reply answer;

    ck_assert_int_eq(ipc_client_call(client, &frame, -1, 2000, &answer), -1);
    ck_assert_int_eq(errno, ECONNRESET);
    strbuf_free(&frame);
    ipc_client_free(&client);
}
END_TEST

START_TEST(frames_without_a_question_are_received)
{
    struct ipc_client *client = ipc_client_new(dir_fd, "s.sock", PAYLOAD_MAX);
    struct strbuf frame = request(ECHO, "x", 1);
    struct frame_header header;
    struct ipc_reply message;

    ck_assert_int_eq(ipc_client_send(client, &frame, -1, 2000), 0);
    ck_assert_int_eq(ipc_client_receive(client, 2000, &header, &message), 0);
    ck_assert_uint_eq(header.type, ECHO + 1);
    ck_assert_int_eq(ipc_client_receive(client, 20, &header, &message), -1);
    ck_assert_int_eq(errno, ETIMEDOUT);
    ck_assert_int_ge(ipc_client_fd(client), 0); /* still connected */
    strbuf_free(&frame);
    ipc_client_free(&client);
}
END_TEST

/* What breaks the rules of frames closes the connection. */
static const struct {
    const char *bytes;
    size_t len;
} broken[] = {
    {"\x00\x00\x00\x00\x02\x00\x00\x01\x00\x00\x00\x01", 12}, /* version */
    {"\x00\xff\xff\xff\x01\x00\x00\x01\x00\x00\x00\x01", 12}, /* longer than allowed */
    {"\x00\x00\x00\x00\x01\x01\x00\x01\x00\x00\x00\x01", 12}, /* reserved byte */
};

START_TEST(a_broken_frame_closes_the_connection)
{
    int fd = ipc_socket_connect(dir_fd, "s.sock");
    struct timeval wait = {.tv_sec = 2};
    char c;

    ck_assert_int_ge(fd, 0);
    (void)fcntl(fd, F_SETFL, 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    ck_assert_int_eq(write_all(fd, slice_make(broken[_i].bytes, broken[_i].len)), 0);
    ck_assert_int_eq(read(fd, &c, 1), 0);
    (void)close(fd);
}
END_TEST

START_TEST(a_descriptor_in_the_middle_of_a_frame_closes_the_connection)
{
    ssize_t cut = _i == 0 ? 5 : 13; /* in the header, and in the payload */
    static const char whole[] = "\x00\x00\x00\x02\x01\x00\x00\x01\x00\x00\x00\x01xx";
    int fd = ipc_socket_connect(dir_fd, "s.sock");
    struct timeval wait = {.tv_sec = 2};
    char c;

    (void)fcntl(fd, F_SETFL, 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    ck_assert_int_eq(ipc_socket_send(fd, slice_make(whole, (size_t)cut), -1), cut);
    (void)usleep(20000);
    ck_assert_int_eq(ipc_socket_send(fd, slice_make(whole + cut, 1), STDERR_FILENO), 1);
    ck_assert_int_eq(read(fd, &c, 1), 0);
    (void)close(fd);
}
END_TEST

static unsigned done_ok, done_failed, done_expected;

static void
done(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    if (header != NULL)
        expect_text(payload, arg, strlen(arg));
    header != NULL ? done_ok++ : done_failed++;
    ck_assert_int_eq(fd, -1);
    if (done_ok + done_failed == done_expected)
        loop_stop(loop);
}

static void
async_call(struct ipc_async *client, uint16_t type, char *text, int64_t timeout_ms)
{
    struct strbuf frame = request(type, text, strlen(text));

    ipc_async_call(client, &frame, timeout_ms, done, text);
    ck_assert_uint_eq(frame.len, 0);
    strbuf_free(&frame);
}

START_TEST(asynchronous_calls_are_answered_in_any_number)
{
    struct ipc_async *client = ipc_async_new(loop, dir_fd, "s.sock", PAYLOAD_MAX, 1000);
    static char words[500][8];

    done_expected = ARRAY_LEN(words);
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        (void)snprintf(words[i], sizeof(words[i]), "w%zu", i);
        async_call(client, ECHO, words[i], 3000);
    }
    ck_assert_uint_eq(done_ok, 0); /* never before the loop runs */
    loop_run(loop);
    ck_assert_uint_eq(done_ok, ARRAY_LEN(words));
    ipc_async_free(&client);
}
END_TEST

START_TEST(an_asynchronous_call_times_out)
{
    struct ipc_async *client = ipc_async_new(loop, dir_fd, "s.sock", PAYLOAD_MAX, 1000);
    char a[] = "a", b[] = "b";

    done_expected = 2;
    async_call(client, SILENT, a, 50);
    async_call(client, ECHO, b, 3000);
    loop_run(loop);
    ck_assert_uint_eq(done_ok, 1);
    ck_assert_uint_eq(done_failed, 1);
    ipc_async_free(&client);
}
END_TEST

START_TEST(a_lost_connection_fails_what_was_sent_and_comes_back)
{
    struct ipc_async *client = ipc_async_new(loop, dir_fd, "s.sock", PAYLOAD_MAX, 1000);
    char a[] = "a", b[] = "b";

    done_expected = 1;
    async_call(client, DIE, a, 3000);
    loop_run(loop);
    ck_assert_uint_eq(done_failed, 1);
    stop_server();
    done_expected = 2;
    async_call(client, ECHO, b, 3000); /* waits for the new server */
    start_server();
    loop_run(loop);
    ck_assert_uint_eq(done_ok, 1);
    ipc_async_free(&client);
}
END_TEST

START_TEST(more_calls_than_allowed_fail)
{
    struct ipc_async *client = ipc_async_new(loop, dir_fd, "s.sock", PAYLOAD_MAX, 2);
    char a[] = "a";

    done_expected = 3;
    for (int i = 0; i < 3; i++)
        async_call(client, ECHO, a, 3000);
    loop_run(loop);
    ck_assert_uint_eq(done_ok, 2);
    ck_assert_uint_eq(done_failed, 1);
    ipc_async_free(&client);
}
END_TEST

START_TEST(freeing_the_client_fails_its_calls)
{
    struct ipc_async *client = ipc_async_new(loop, dir_fd, "s.sock", PAYLOAD_MAX, 10);
    char a[] = "a";

    done_expected = 1;
    async_call(client, SILENT, a, 3000);
    ipc_async_free(&client);
    ck_assert_uint_eq(done_failed, 1);
}
END_TEST

/* ---- several descriptors in one stream: each stays with its frame ---- */
static int fds_seen;

static int
expect_fds(struct ipc_peer *peer, const struct frame_header *h, struct slice payload, int fd)
{
    struct stat st;

    (void)peer;
    (void)payload;
    ck_assert_int_eq(fd >= 0, h->type % 2 == 0);
    if (fd >= 0) {
        ck_assert_int_eq(fstat(fd, &st), 0);
        ck_assert_uint_eq((unsigned)st.st_size, h->type); /* the file's size says whose it is */
        (void)close(fd);
    }
    if (++fds_seen == 40)
        loop_stop(loop);
    return 0;
}

START_TEST(descriptors_stay_with_their_frames)
{
    static const struct ipc_handlers handlers = {.payload_max = PAYLOAD_MAX, .frame = expect_fds};
    int pair[2];
    struct ipc_peer *from, *to;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    from = ipc_peer_new(loop, pair[0], &handlers, NULL);
    to = ipc_peer_new(loop, pair[1], &handlers, NULL);
    for (uint16_t type = 1; type <= 40; type++) {
        struct strbuf frame = request(type, "payload", 7);
        int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

        ck_assert_int_eq(ftruncate(fd, type), 0);
        ipc_peer_send(from, &frame, type % 2 == 0 ? fd : -1);
        (void)close(fd);
        strbuf_free(&frame);
    }
    loop_run(loop);
    ck_assert_int_eq(fds_seen, 40);
    ipc_peer_close(from);
    ipc_peer_close(from); /* twice is fine */
    ipc_peer_close(to);
}
END_TEST

static int peers_closed;

static void
count_closed(struct ipc_peer *peer)
{
    (void)peer;
    peers_closed++;
}

static int
accept_frame(struct ipc_peer *peer, const struct frame_header *h, struct slice payload, int fd)
{
    (void)peer;
    (void)h;
    (void)payload;
    close_keep_errno(fd);
    return 0;
}

START_TEST(a_peer_that_does_not_read_is_closed)
{
    static const struct ipc_handlers handlers = {
        .payload_max = PAYLOAD_MAX, .frame = accept_frame, .closed = count_closed};
    static char big[90000];
    struct strbuf frame;
    int pair[2];
    struct ipc_peer *from;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    from = ipc_peer_new(loop, pair[0], &handlers, NULL);
    for (int i = 0; i < 400; i++) {
        frame = request(ECHO, big, sizeof(big));
        ipc_peer_send(from, &frame, -1);
        strbuf_free(&frame);
    }
    ck_assert_int_eq(peers_closed, 1);
    (void)close(pair[1]);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("ipc");
    TCase *tc = tcase_create("ipc");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_call_gets_its_answer);
    tcase_add_test(tc, a_descriptor_travels_both_ways);
    tcase_add_test(tc, a_restarted_server_costs_no_error);
    tcase_add_test(tc, a_silent_server_costs_the_timeout);
    tcase_add_test(tc, a_stray_answer_is_skipped);
    tcase_add_test(tc, many_calls_take_their_answers_in_any_order);
    tcase_add_test(tc, a_server_that_closes_is_tried_twice_only);
    tcase_add_test(tc, frames_without_a_question_are_received);
    tcase_add_loop_test(tc, a_broken_frame_closes_the_connection, 0, (int)ARRAY_LEN(broken));
    tcase_add_loop_test(tc, a_descriptor_in_the_middle_of_a_frame_closes_the_connection, 0, 2);
    tcase_add_test(tc, asynchronous_calls_are_answered_in_any_number);
    tcase_add_test(tc, an_asynchronous_call_times_out);
    tcase_add_test(tc, a_lost_connection_fails_what_was_sent_and_comes_back);
    tcase_add_test(tc, more_calls_than_allowed_fail);
    tcase_add_test(tc, freeing_the_client_fails_its_calls);
    tcase_add_test(tc, descriptors_stay_with_their_frames);
    tcase_add_test(tc, a_peer_that_does_not_read_is_closed);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
