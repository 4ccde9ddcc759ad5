/*
 * stsd/fetch.h - fetches one policy from the Internet, in a child.
 */
#ifndef POSTHORN_STSD_FETCH_H
#define POSTHORN_STSD_FETCH_H

#include "lib/remote/dial.h"
#include "lib/sys/one_shot.h"
#include "lib/tls/tls.h"

struct fetch_options {
    struct one_shot_options child;
    struct dial_options web;
    struct tls_context *authorities; /* one has to have signed the policy host's certificate */
};

/* The reply's first byte. */
#define FETCH_POLICY '+'     /* the policy's text follows */
#define FETCH_FAILED '-'     /* a line follows that says what went wrong */
#define FETCH_DISTRUSTED '!' /* the same, and it was the policy host's certificate */

/* Errand for one_shot_start: `arg` is a struct fetch. */
struct fetch {
    const struct fetch_options *options;
    const char *domain;
};
void fetch_run(void *arg, struct strbuf *reply);

#endif
