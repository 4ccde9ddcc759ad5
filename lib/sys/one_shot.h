/*
 * lib/sys/one_shot.h - one process for one errand on the Internet.
 */
#ifndef POSTHORN_LIB_SYS_ONE_SHOT_H
#define POSTHORN_LIB_SYS_ONE_SHOT_H

#include "lib/base/strbuf.h"
#include "lib/sys/daemon.h"

#define ONE_SHOT_REPLY_MAX (65536u + 256u)

struct one_shot;

struct one_shot_options {
    struct daemon *daemon;
    const struct sandbox *box; /* of the child */
    size_t reply_max;          /* bytes; 0: ONE_SHOT_REPLY_MAX */
};

/* Forks a process that enters its sandbox, keeps none of our descriptors but its pipe and the log,
 * and runs `errand`, which fills `reply`; then it ends. `arg` is both the errand's and done()'s.
 * done() comes once, from the loop, with what it said, which is empty if it died: `reply` is
 * borrowed, and as untrusted as who it talked to. The child is freed behind done(). NULL with
 * errno. */
struct one_shot *one_shot_start(const struct one_shot_options *options,
                                void (*errand)(void *arg, struct strbuf *reply),
                                void (*done)(void *arg, struct slice reply), void *arg);
/* Ends it without done(). */
void one_shot_stop(struct one_shot **childp);
/* Has the loop take notice of ended children: once. */
void one_shot_reap_all(struct loop *loop);

#endif
