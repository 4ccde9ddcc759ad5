/*
 * stsd/post.h - finds out where a domain wants its report, and posts it to web servers, in a child.
 */
#ifndef POSTHORN_STSD_POST_H
#define POSTHORN_STSD_POST_H

#include "lib/remote/dial.h"
#include "lib/sys/one_shot.h"
#include "lib/tls/tls.h"

struct post_options {
    struct one_shot_options child;
    struct dial_options web;
    struct tls_context *any; /* no certificate is verified: RFC 8460 sections 3 and 7 */
};

/* The reply has one line for each place, which begins with one of these, a space, the place; of a
 * failure a space and the reason follow. POST_NONE and POST_LATER stand alone. */
#define POST_NONE 'N'   /* the domain wants no reports */
#define POST_LATER 'L'  /* DNS gives no answer */
#define POST_DONE 'P'   /* a web server has taken it */
#define POST_FAILED 'F' /* it could not be handed over */
#define POST_MAIL 'M'   /* an address to mail it to */

/* Errand for one_shot_start: `arg` is a struct post. */
struct post {
    const struct post_options *options;
    const char *domain;
    struct slice report; /* gzipped */
};
void post_run(void *arg, struct strbuf *reply);

#endif
