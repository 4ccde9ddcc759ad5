/*
 * lib/sys/loop.h - the event loop of the single-process daemons (libevent's core behind it).
 *
 * One loop a process, not shared across fork. Callbacks run one at a time; none may block.
 */
#ifndef POSTHORN_LIB_SYS_LOOP_H
#define POSTHORN_LIB_SYS_LOOP_H

#include <stdint.h>

struct loop;
struct loop_fd;
struct loop_timer;
struct loop_task;
struct event_base;

enum { LOOP_READ = 1, LOOP_WRITE = 2 };

struct loop *loop_new(void); /* exits with a message if the kernel gives no epoll */
void loop_free(struct loop **loopp);
void loop_run(struct loop *loop);  /* until loop_stop */
void loop_stop(struct loop *loop); /* after the running callback */

/* Calls run(arg, ready) whenever `fd` is ready for one of `events`. The fd stays the caller's. */
struct loop_fd *loop_fd_new(struct loop *loop, int fd, unsigned events,
                            void (*run)(void *arg, unsigned ready), void *arg);
void loop_fd_want(struct loop_fd *watch, unsigned events); /* 0: silent */
void loop_fd_free(struct loop_fd **watchp);

/* One-shot timers; a callback may set its timer again. */
struct loop_timer *loop_timer_new(struct loop *loop, void (*run)(void *arg), void *arg);
void loop_timer_set(struct loop_timer *timer, int64_t in_ms); /* replaces an earlier time */
void loop_timer_cancel(struct loop_timer *timer);
void loop_timer_free(struct loop_timer **timerp);

/* Work put off to the end of the running turn, once however often it is scheduled. Frees well while
 * it is scheduled. */
struct loop_task *loop_task_new(struct loop *loop, void (*run)(void *arg), void *arg);
void loop_task_schedule(struct loop_task *task);
void loop_task_free(struct loop_task **taskp);

/* Signals come through a signalfd; the signal is blocked for normal delivery. */
void loop_on_signal(struct loop *loop, int signo, void (*run)(void *arg, int signo), void *arg);

/* Runs after every turn, before the loop waits again (log flush, batched writes). At most 8. */
void loop_on_turn(struct loop *loop, void (*run)(void *arg), void *arg);

/* For a library that wants the event base itself (libunbound). */
struct event_base *loop_event_base(struct loop *loop);

#endif
