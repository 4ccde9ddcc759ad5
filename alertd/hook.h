/*
 * alertd/hook.h - posts a notice to a URL, in a child.
 */
#ifndef POSTHORN_ALERTD_HOOK_H
#define POSTHORN_ALERTD_HOOK_H

#include "lib/http/web_url.h"
#include "lib/remote/dial.h"
#include "lib/sys/one_shot.h"
#include "lib/tls/tls.h"

struct hook_options {
    struct one_shot_options child;
    struct dial_options web;         /* its port is the URL's */
    struct tls_context *authorities; /* one has to have signed the server's certificate */
    const char *secret;              /* key of the signature; "": none */
};

/* The reply's first byte; behind HOOK_FAILED follows what went wrong. */
#define HOOK_DONE '+'
#define HOOK_FAILED '-'

/* Errand for one_shot_start: `arg` is a struct hook. */
struct hook {
    const struct hook_options *options;
    const char *url; /* that web_url_parse takes */
    const char *type;
    struct slice body;
    struct slice expected; /* that the answer must have in it; empty: nothing */
};
void hook_run(void *arg, struct strbuf *reply);

#endif
