/*
 * t/unit/test_hash_pool.c - authd's hash queue: order, fairness, overflow, dead workers. The test
 * plays the worker.
 */
// LINK: lib/auth/hash_pool.c
// LINK: lib/auth/hash_job.c
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/auth/hash_job.h"
#include "lib/auth/hash_pool.h"

enum { QUEUE_MAX = 4 };

static struct loop *loop;
static struct hash_pool *pool;
static int worker;        /* our end */
static char served[64];   /* passwords (one letter) in the order in which the worker saw them */
static char outcomes[64]; /* letter and R, W or D for each done() */

static void
setup(void)
{
    int pair[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
    loop = loop_new();
    pool = hash_pool_new(loop, &pair[0], 1, QUEUE_MAX, 60000, 1);
    worker = pair[1];
    served[0] = outcomes[0] = '\0';
}

static void
teardown(void)
{
    hash_pool_free(&pool);
    loop_free(&loop);
    (void)close(worker);
}

static void
stop(void *arg)
{
    (void)arg;
    loop_stop(loop);
}

static void
turn(void)
{
    struct loop_timer *timer = loop_timer_new(loop, stop, NULL);

    loop_timer_set(timer, 5);
    loop_run(loop);
    loop_timer_free(&timer);
}

static void
note(char *list, char a, char b)
{
    size_t len = strlen(list);

    list[len] = a;
    list[len + 1] = b;
    list[len + (b != '\0' ? 2 : 1)] = '\0';
}

static void
done(void *arg, enum hash_outcome outcome, struct slice record)
{
    static const char letters[] = {
        [HASH_RIGHT] = 'R', [HASH_WRONG] = 'W', [HASH_UNUSABLE] = 'U', [HASH_DROPPED] = 'D'};

    (void)record;
    note(outcomes, *(const char *)arg, letters[outcome]);
}

static struct hash_job *
verify(uint64_t share, const char *letter)
{
    return hash_pool_verify(pool, share, SLICE("{A}x"), slice_make(letter, 1), done,
                            (void *)(uintptr_t)letter);
}

/* The worker takes its job. False: it has none. */
static bool
take(struct hash_request *request)
{
    static char packet[HASH_PACKET_MAX];
    ssize_t len = recv(worker, packet, sizeof(packet), MSG_DONTWAIT);

    if (len < 0)
        return false;
    ck_assert_int_eq(hash_request_decode(slice_make(packet, (size_t)len), request), 0);
    note(served, request->password.ptr[0], '\0');
    return true;
}

static void
give(uint16_t type, uint32_t id, enum password_verdict verdict)
{
    struct strbuf packet = strbuf_new(HASH_PACKET_MAX);
    struct hash_answer answer = {.type = type, .id = id, .verdict = (uint8_t)verdict};

    ck_assert_int_eq(hash_answer_encode(&packet, &answer), 0);
    ck_assert_int_eq(send(worker, packet.ptr, packet.len, 0), (ssize_t)packet.len);
    strbuf_free(&packet);
    turn();
}

static void
serve_all(void)
{
    struct hash_request request;

    while (take(&request))
        give(HASH_ANSWER, request.id, PASSWORD_RIGHT);
}

START_TEST(addresses_take_turns)
{
    verify(1, "a");
    verify(1, "b");
    verify(1, "c");
    verify(2, "x");
    serve_all();
    ck_assert_str_eq(served, "abxc");
    ck_assert_str_eq(outcomes, "aRbRxRcR");
}
END_TEST

START_TEST(who_floods_loses_his_last_place)
{
    verify(1, "a"); /* at the worker */
    verify(1, "b");
    verify(1, "c");
    verify(1, "d");
    verify(2, "x");
    verify(2, "y"); /* the fifth that waits: the longest queue is 1's */
    turn();
    ck_assert_str_eq(outcomes, "dD");
    serve_all();
    ck_assert_str_eq(served, "abxcy");
}
END_TEST

/* Two workers, of which a lane gets one: whose directory hangs does not wait in front of others. */
START_TEST(a_lane_never_takes_all_workers)
{
    struct hash_request request;
    int pair[2][2], fds[2];

    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair[i]), 0);
        fds[i] = pair[i][0];
    }
    hash_pool_free(&pool);
    pool = hash_pool_new(loop, fds, 2, QUEUE_MAX, 60000, 1);
    (void)hash_pool_verify_in_lane(pool, 1, 7, SLICE("{A}x"), SLICE("a"), done, "a");
    (void)hash_pool_verify_in_lane(pool, 2, 7, SLICE("{A}x"), SLICE("b"), done, "b");
    (void)hash_pool_verify_in_lane(pool, 1, 7, SLICE("{A}x"), SLICE("c"), done, "c");
    (void)hash_pool_verify_in_lane(pool, 1, 9, SLICE("{A}x"), SLICE("x"), done, "x");
    (void)close(worker);
    worker = pair[0][1];
    ck_assert(take(&request));
    ck_assert_str_eq(served, "a");
    worker = pair[1][1];
    ck_assert(take(&request));
    ck_assert_str_eq(served, "ax");
    give(HASH_ANSWER, request.id, PASSWORD_RIGHT);
    ck_assert(!take(&request)); /* only those of the full lane are left */
    (void)close(pair[1][1]);
    worker = pair[0][1];
}
END_TEST

START_TEST(new_records_wait_for_verdicts)
{
    verify(1, "a");
    ck_assert(hash_pool_make(pool, SLICE(""), SLICE("m"), done, (void *)(uintptr_t) "m"));
    verify(1, "b");
    serve_all();
    ck_assert_str_eq(served, "abm");
}
END_TEST

START_TEST(lost_worker_drops_its_job_alone)
{
    struct hash_request first, second;

    verify(1, "a");
    verify(1, "b");
    ck_assert(take(&first));
    give(HASH_LOST, 0, PASSWORD_RIGHT);
    ck_assert_str_eq(outcomes, "aD");
    ck_assert(take(&second));
    give(HASH_ANSWER, first.id, PASSWORD_RIGHT); /* a late answer must not serve for b */
    ck_assert_str_eq(outcomes, "aD");
    give(HASH_ANSWER, second.id, PASSWORD_WRONG);
    ck_assert_str_eq(outcomes, "aDbW");
}
END_TEST

START_TEST(abandoned_jobs_tell_nobody)
{
    struct hash_job *running = verify(1, "a"), *waiting = verify(1, "b");

    hash_job_abandon(waiting);
    hash_job_abandon(running);
    verify(1, "c");
    serve_all();
    ck_assert_str_eq(served, "ac");
    ck_assert_str_eq(outcomes, "cR");
}
END_TEST

START_TEST(nonsense_from_a_worker_is_ignored)
{
    struct hash_request request;

    verify(1, "a");
    ck_assert(take(&request));
    ck_assert_int_eq(send(worker, "garbage", 7, 0), 7);
    turn();
    ck_assert_str_eq(outcomes, "");
    give(HASH_ANSWER, request.id, PASSWORD_NO_MEMORY);
    ck_assert_str_eq(outcomes, "aD");
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("hash_pool");
    TCase *tc = tcase_create("hash_pool");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, addresses_take_turns);
    tcase_add_test(tc, who_floods_loses_his_last_place);
    tcase_add_test(tc, a_lane_never_takes_all_workers);
    tcase_add_test(tc, new_records_wait_for_verdicts);
    tcase_add_test(tc, lost_worker_drops_its_job_alone);
    tcase_add_test(tc, abandoned_jobs_tell_nobody);
    tcase_add_test(tc, nonsense_from_a_worker_is_ignored);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
