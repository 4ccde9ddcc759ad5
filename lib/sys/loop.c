/*
 * lib/sys/loop.c - the event loop: libevent's core behind our names. The only file that includes
 * it.
 *
 * A turn is: wait, run what is ready, run the tasks that were put off to the end of the turn, run
 * the hooks of loop_on_turn. Signals come through one signalfd.
 */
#include "lib/sys/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <unistd.h>

#include <event2/event.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"

#define HOOKS_MAX 8
#define SIGNALS_MAX 65

struct loop_fd {
    struct loop *loop;
    struct event *event;
    int fd;
    unsigned wanted;
    void (*run)(void *arg, unsigned ready);
    void *arg;
};

struct loop_timer {
    struct event *event;
    void (*run)(void *arg);
    void *arg;
};

struct loop_task {
    struct loop *loop;
    struct loop_task *next;
    bool scheduled;
    void (*run)(void *arg);
    void *arg;
};

struct loop {
    struct event_base *base;
    bool stopping;
    struct loop_task *first_task, **last_task;
    struct {
        void (*run)(void *arg);
        void *arg;
    } hooks[HOOKS_MAX];
    size_t hook_count;
    int signal_fd;
    sigset_t signals;
    struct loop_fd *signal_watch;
    struct {
        void (*run)(void *arg, int signo);
        void *arg;
    } on_signal[SIGNALS_MAX];
};

struct loop *
loop_new(void)
{
    struct loop *loop = xcalloc(1, sizeof(*loop));
    struct event_config *config = event_config_new();

    if (config != NULL)
        (void)event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK); /* only saves time */
    loop->base = config == NULL ? NULL : event_base_new_with_config(config);
    if (loop->base == NULL) {
        (void)fprintf(stderr, "no event loop: %s\n", strerror(errno));
        exit(EX_OSERR);
    }
    event_config_free(config);
    loop->last_task = &loop->first_task;
    loop->signal_fd = -1;
    (void)sigemptyset(&loop->signals);
    return loop;
}

/* A task may schedule tasks: they run in the same turn, so they must come to an end. */
static void
run_tasks(struct loop *loop)
{
    while (loop->first_task != NULL) {
        struct loop_task *task = loop->first_task;

        loop->first_task = task->next;
        if (task->next == NULL)
            loop->last_task = &loop->first_task;
        task->next = NULL;
        task->scheduled = false;
        task->run(task->arg);
    }
}

void
loop_free(struct loop **loopp)
{
    struct loop *loop = *loopp;

    if (loop == NULL)
        return;
    run_tasks(loop); /* among them the freeing of what was closed in the last turn */
    loop_fd_free(&loop->signal_watch);
    close_keep_errno(loop->signal_fd);
    event_base_free(loop->base);
    xfree(loopp);
}

static void
end_turn(struct loop *loop)
{
    run_tasks(loop);
    for (size_t i = 0; i < loop->hook_count; i++)
        loop->hooks[i].run(loop->hooks[i].arg);
    run_tasks(loop);
}

void
loop_run(struct loop *loop)
{
    loop->stopping = false;
    end_turn(loop); /* what start-up has put off */
    while (!loop->stopping) {
        /* 1: no event is registered at all, so nothing can ever happen again */
        if (event_base_loop(loop->base, EVLOOP_ONCE) == 1)
            break;
        end_turn(loop);
    }
}

void
loop_stop(struct loop *loop)
{
    loop->stopping = true;
    (void)event_base_loopbreak(loop->base); /* fails only without a base */
}

static void
fd_ready(evutil_socket_t fd, short what, void *arg)
{
    struct loop_fd *watch = arg;
    unsigned ready = ((what & EV_READ) ? LOOP_READ : 0u) | ((what & EV_WRITE) ? LOOP_WRITE : 0u);

    (void)fd; /* the callee knows it */
    watch->run(watch->arg, ready);
}

struct loop_fd *
loop_fd_new(struct loop *loop, int fd, unsigned events, void (*run)(void *arg, unsigned ready),
            void *arg)
{
    struct loop_fd *watch = xcalloc(1, sizeof(*watch));

    *watch = (struct loop_fd){.loop = loop, .fd = fd, .run = run, .arg = arg};
    watch->event = event_new(loop->base, fd, 0, fd_ready, watch);
    assert_always(watch->event != NULL);
    loop_fd_want(watch, events);
    return watch;
}

void
loop_fd_want(struct loop_fd *watch, unsigned events)
{
    int what =
        EV_PERSIST | ((events & LOOP_READ) ? EV_READ : 0) | ((events & LOOP_WRITE) ? EV_WRITE : 0);

    if (events == watch->wanted)
        return;
    (void)event_del(watch->event); /* not added yet is fine */
    watch->wanted = events;
    if (events == 0)
        return;
    assert_always(event_assign(watch->event, watch->loop->base, watch->fd, (short)what, fd_ready,
                               watch) == 0);
    assert_always(event_add(watch->event, NULL) == 0);
}

void
loop_fd_free(struct loop_fd **watchp)
{
    if (*watchp == NULL)
        return;
    event_free((*watchp)->event);
    xfree(watchp);
}

static void
timer_fired(evutil_socket_t fd, short what, void *arg)
{
    struct loop_timer *timer = arg;

    (void)fd;
    (void)what;
    timer->run(timer->arg);
}

struct loop_timer *
loop_timer_new(struct loop *loop, void (*run)(void *arg), void *arg)
{
    struct loop_timer *timer = xcalloc(1, sizeof(*timer));

    timer->run = run;
    timer->arg = arg;
    timer->event = evtimer_new(loop->base, timer_fired, timer);
    assert_always(timer->event != NULL);
    return timer;
}

void
loop_timer_set(struct loop_timer *timer, int64_t in_ms)
{
    int64_t ms = in_ms < 0 ? 0 : in_ms;
    struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000 * 1000)};

    assert_always(evtimer_add(timer->event, &tv) == 0);
}

void
loop_timer_cancel(struct loop_timer *timer)
{
    (void)evtimer_del(timer->event); /* not set is fine */
}

void
loop_timer_free(struct loop_timer **timerp)
{
    if (*timerp == NULL)
        return;
    event_free((*timerp)->event);
    xfree(timerp);
}

struct loop_task *
loop_task_new(struct loop *loop, void (*run)(void *arg), void *arg)
{
    struct loop_task *task = xcalloc(1, sizeof(*task));

    *task = (struct loop_task){.loop = loop, .run = run, .arg = arg};
    return task;
}

void
loop_task_schedule(struct loop_task *task)
{
    if (task->scheduled)
        return;
    task->scheduled = true;
    *task->loop->last_task = task;
    task->loop->last_task = &task->next;
}

void
loop_task_free(struct loop_task **taskp)
{
    struct loop_task *task = *taskp;

    if (task == NULL)
        return;
    if (task->scheduled) {
        struct loop_task **at = &task->loop->first_task;

        while (*at != task)
            at = &(*at)->next;
        *at = task->next;
        if (task->loop->last_task == &task->next)
            task->loop->last_task = at;
    }
    xfree(taskp);
}

static void
signals_arrived(void *arg, unsigned ready)
{
    struct loop *loop = arg;
    struct signalfd_siginfo info;

    (void)ready;
    while (read(loop->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
        if (info.ssi_signo < SIGNALS_MAX && loop->on_signal[info.ssi_signo].run != NULL)
            loop->on_signal[info.ssi_signo].run(loop->on_signal[info.ssi_signo].arg,
                                                (int)info.ssi_signo);
}

void
loop_on_signal(struct loop *loop, int signo, void (*run)(void *arg, int signo), void *arg)
{
    assert_always(signo > 0 && signo < SIGNALS_MAX);
    loop->on_signal[signo].run = run;
    loop->on_signal[signo].arg = arg;
    (void)sigaddset(&loop->signals, signo);
    (void)sigprocmask(SIG_BLOCK, &loop->signals, NULL); /* fails only for a wrong first argument */
    loop->signal_fd = signalfd(loop->signal_fd, &loop->signals, SFD_NONBLOCK | SFD_CLOEXEC);
    assert_always(loop->signal_fd >= 0);
    if (loop->signal_watch == NULL)
        loop->signal_watch = loop_fd_new(loop, loop->signal_fd, LOOP_READ, signals_arrived, loop);
}

void
loop_on_turn(struct loop *loop, void (*run)(void *arg), void *arg)
{
    assert_always(loop->hook_count < HOOKS_MAX);
    loop->hooks[loop->hook_count].run = run;
    loop->hooks[loop->hook_count].arg = arg;
    loop->hook_count++;
}

struct event_base *
loop_event_base(struct loop *loop)
{
    return loop->base;
}
