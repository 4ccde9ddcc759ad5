/*
 * syncd/fetch.h - reads a directory, in a child that has nothing else.
 */
#ifndef POSTHORN_SYNCD_FETCH_H
#define POSTHORN_SYNCD_FETCH_H

#include "lib/auth/outside_accounts.h"
#include "lib/remote/dial.h"
#include "lib/tls/tls.h"
#include "syncd/domains.h"

#define FETCH_REPLY_MAX ((size_t)256 << 20)

/* The reply's first byte. */
#define FETCH_ALL '+'    /* objects (lib/sync/entry.h) follow */
#define FETCH_FAILED '-' /* a line follows that says what went wrong */

struct fetch_options {
    struct dial_options dial;
    struct tls_context *authorities;
    const struct outside_accounts *accounts;
    int64_t timeout_ms;
};

/* In a child: reads it and fills the reply. */
struct fetch {
    const struct fetch_options *options;
    const struct domain *domain;
};
void fetch_do(const struct fetch *fetch, struct strbuf *reply);

#endif
