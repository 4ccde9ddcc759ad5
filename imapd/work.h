/*
 * imapd/work.h - what a session has had to do: the line that it leaves in the log in the end, from
 * which `posthorn doctor --slow` tells what made it slow.
 */
#ifndef POSTHORN_IMAPD_WORK_H
#define POSTHORN_IMAPD_WORK_H

#include "lib/store/work.h"
#include "lib/tls/stream.h"

enum { WORK_KINDS = 32 /* kinds of commands that are told apart; others count as the last */ };

struct work {
    struct {
        const char *name; /* of the command; NULL: not used yet */
        uint64_t count, us;
    } kinds[WORK_KINDS];
    uint64_t commands, us, slowest_us;
    const char *slowest; /* NULL: there was none */
};

/* A command has run, for so long; `name` lasts as long as the process. */
void work_add(struct work *w, const char *name, uint64_t us);
/* Writes event=logout. */
void work_log(const struct work *w, const char *user, const struct stream *stream);

#endif
