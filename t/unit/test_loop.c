/*
 * t/unit/test_loop.c - lib/sys/loop.
 */
#include <check.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/sys/loop.h"

static struct loop *loop;
static char trace[64]; /* one letter for each thing that ran */

static void
note(char c)
{
    size_t len = strlen(trace);

    trace[len] = c;
    trace[len + 1] = '\0';
}

static void
setup(void)
{
    loop = loop_new();
    trace[0] = '\0';
}

static void
teardown(void)
{
    loop_free(&loop);
}

static void
stop(void *arg)
{
    (void)arg;
    note('s');
    loop_stop(loop);
}

static void
on_signal(void *arg, int signo)
{
    (void)arg;
    note(signo == SIGUSR1 ? '1' : '2');
    if (signo == SIGUSR2)
        loop_stop(loop);
}

START_TEST(signals_arrive_as_events)
{
    loop_on_signal(loop, SIGUSR1, on_signal, NULL);
    loop_on_signal(loop, SIGUSR2, on_signal, NULL);
    (void)kill(getpid(), SIGUSR1);
    (void)kill(getpid(), SIGUSR2);
    loop_run(loop);
    ck_assert(strcmp(trace, "12") == 0 || strcmp(trace, "21") == 0);
}
END_TEST

static int pipe_fds[2];
static struct loop_fd *watch;

static void
read_one(void *arg, unsigned ready)
{
    char c;

    (void)arg;
    ck_assert_uint_eq(ready, LOOP_READ);
    ck_assert_int_eq(read(pipe_fds[0], &c, 1), 1);
    note(c);
    if (c == 'z') {
        loop_fd_free(&watch); /* inside its own callback */
        loop_stop(loop);
    }
}

START_TEST(a_descriptor_is_called_until_silenced)
{
    ck_assert_int_eq(pipe(pipe_fds), 0);
    watch = loop_fd_new(loop, pipe_fds[0], LOOP_READ, read_one, NULL);
    ck_assert_int_eq(write(pipe_fds[1], "abz", 3), 3);
    loop_run(loop);
    ck_assert_str_eq(trace, "abz");
    ck_assert_ptr_null(watch);
}
END_TEST

START_TEST(a_silenced_descriptor_does_not_run)
{
    struct loop_timer *timer = loop_timer_new(loop, stop, NULL);

    ck_assert_int_eq(pipe(pipe_fds), 0);
    watch = loop_fd_new(loop, pipe_fds[0], LOOP_READ, read_one, NULL);
    loop_fd_want(watch, 0);
    ck_assert_int_eq(write(pipe_fds[1], "a", 1), 1);
    loop_timer_set(timer, 30);
    loop_run(loop);
    ck_assert_str_eq(trace, "s");
    loop_fd_free(&watch);
    loop_timer_free(&timer);
}
END_TEST

START_TEST(a_timer_fires_once_at_its_latest_setting)
{
    int64_t start = clock_mono_ms();
    struct loop_timer *timer = loop_timer_new(loop, stop, NULL);

    loop_timer_set(timer, 5);
    loop_timer_set(timer, 60);
    loop_run(loop);
    ck_assert_int_ge(clock_mono_ms() - start, 50);
    ck_assert_str_eq(trace, "s");
    loop_timer_free(&timer);
}
END_TEST

static struct loop_task *task_a, *task_b;

static void
run_a(void *arg)
{
    (void)arg;
    note('a');
    loop_task_schedule(task_b);
}

static void
run_b(void *arg)
{
    (void)arg;
    note('b');
}

static void
hook(void *arg)
{
    (void)arg;
    note('h');
}

START_TEST(tasks_run_before_the_hooks_of_the_turn)
{
    struct loop_timer *timer = loop_timer_new(loop, stop, NULL);

    task_a = loop_task_new(loop, run_a, NULL);
    task_b = loop_task_new(loop, run_b, NULL);
    loop_on_turn(loop, hook, NULL);
    loop_task_schedule(task_a);
    loop_task_schedule(task_a);
    loop_timer_set(timer, 0);
    loop_run(loop);
    ck_assert_str_eq(trace, "abhsh");
    loop_task_free(&task_a);
    loop_task_free(&task_b);
    loop_timer_free(&timer);
}
END_TEST

START_TEST(a_freed_task_does_not_run)
{
    struct loop_timer *timer = loop_timer_new(loop, stop, NULL);

    task_a = loop_task_new(loop, run_b, NULL);
    task_b = loop_task_new(loop, run_b, NULL);
    loop_task_schedule(task_a);
    loop_task_schedule(task_b);
    loop_task_free(&task_b);
    loop_task_schedule(task_a);
    loop_timer_set(timer, 0);
    loop_run(loop);
    ck_assert_str_eq(trace, "bs");
    loop_task_free(&task_a);
    loop_timer_free(&timer);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("loop");
    TCase *tc = tcase_create("loop");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, signals_arrive_as_events);
    tcase_add_test(tc, a_descriptor_is_called_until_silenced);
    tcase_add_test(tc, a_silenced_descriptor_does_not_run);
    tcase_add_test(tc, a_timer_fires_once_at_its_latest_setting);
    tcase_add_test(tc, tasks_run_before_the_hooks_of_the_turn);
    tcase_add_test(tc, a_freed_task_does_not_run);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
