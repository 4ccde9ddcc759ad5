/*
 * dnsd/resolver.h - recursion, validation and cache (libunbound behind it).
 */
#ifndef POSTHORN_DNSD_RESOLVER_H
#define POSTHORN_DNSD_RESOLVER_H

#include "lib/conf/conf.h"
#include "lib/sys/loop.h"

struct resolver;

struct resolver_result {
    struct slice packet; /* the response; empty: there is none */
    bool secure, bogus;
    const char *why_bogus; /* "" or one line */
};

/* Reads [dns] and the files that it names; all of that before the sandbox. Exits with a message on
 * error. */
struct resolver *resolver_new(struct loop *loop, const struct conf *conf);
void resolver_free(struct resolver **resolverp); /* runs no done() any more */

/* done() runs once: from the loop, or before this returns if the answer is known. Its argument is
 * borrowed. There is no deadline here but the library's own, minutes in the worst case. */
void resolver_ask(struct resolver *resolver, const char *name, uint16_t rr,
                  void (*done)(void *arg, const struct resolver_result *result), void *arg);

#endif
