/*
 * imapd/progress.h - tells the client that a long command goes on (RFC 9585).
 */
#ifndef POSTHORN_IMAPD_PROGRESS_H
#define POSTHORN_IMAPD_PROGRESS_H

#include "imapd/session.h"

struct progress {
    struct session *s;
    uint32_t total;  /* items, above 0 for anything to be told */
    int64_t next_ms; /* monotonic: when it is told next */
};

/* The command in s->tag is going to look at `total` items. */
struct progress progress_begin(struct session *s, uint32_t total);
/* `done` of them are behind it. Cheap; every ten seconds the client hears of it. s->out must hold
 * nothing that belongs in front. */
void progress_step(struct progress *p, uint32_t done);

#endif
