/*
 * master/child.h - one daemon process, from fork to exit.
 *
 * The child gets its sockets, a log socket, the control socket and a pipe as stderr; it says when
 * it is ready and is killed if it does not in time. What it writes to stderr is logged, and is the
 * reason that is told when it fails to start.
 */
#ifndef POSTHORN_MASTER_CHILD_H
#define POSTHORN_MASTER_CHILD_H

#include "lib/conf/instance.h"
#include "lib/sys/loop.h"
#include "master/socket_set.h"

struct child;

struct child_spec {
    const struct instance *inst;
    const char *program, *service;
    const char *conf_path;
    const struct socket_set *sockets;
    int run_dirfd; /* where log.sock is */
    int lock_fd;   /* stays open in the child and in all of its children */
    int64_t start_timeout_ms;
    bool keeps_net_admin; /* the right to change the firewall, if master has it */
};

struct child_events {
    void (*ready)(struct child *child, void *arg);
    /* It has ended; the handle is freed after the call. `why` says how. */
    void (*exited)(struct child *child, const char *why, void *arg);
    /* It says that files of the configuration have changed. */
    void (*files_changed)(struct child *child, void *arg);
};

/* NULL with errno if there could be no process. `events` is borrowed. */
struct child *child_start(struct loop *loop, const struct child_spec *spec,
                          const struct child_events *events, void *arg);
/* Another process serves now: SIGHUP, upon which it ends with its last session, without a limit. */
void child_drain(struct child *child);
/* SIGTERM now, SIGKILL after `kill_in_ms`. */
void child_stop(struct child *child, int64_t kill_in_ms);
/* Frees the handle and kills the process: for master's own end. */
void child_kill(struct child **childp);

pid_t child_pid(const struct child *child);
bool child_is_ready(const struct child *child);
bool child_is_stopping(const struct child *child);   /* child_stop was called */
int64_t child_started_ms(const struct child *child); /* monotonic */

#endif
