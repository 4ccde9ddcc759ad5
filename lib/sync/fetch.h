/*
 * lib/sync/fetch.h - reads all users and groups of a directory elsewhere, for a process that may
 * block: TLS with a certificate that is the host's, a bind, two searches in pages.
 */
#ifndef POSTHORN_LIB_SYNC_FETCH_H
#define POSTHORN_LIB_SYNC_FETCH_H

#include "lib/sync/source.h"
#include "lib/tls/tls.h"

struct sync_fetch {
    const struct sync_source *source;
    bool users, groups;              /* which of them */
    struct tls_context *authorities; /* one has to have signed the server's certificate */
    const char *host;
    struct slice name, password; /* who we are there; "": nobody */
    int64_t deadline_mono_ms;    /* of all of it */
};

/* Talks over `fd`, a connected blocking socket, which it takes over, and appends objects
 * (lib/sync/entry.h) to `out`. 0: that is all of them. -1 with one line in `why`: what there is in
 * `out` may not be all. */
int sync_fetch(const struct sync_fetch *fetch, int fd, struct strbuf *out, struct strbuf *why);

#endif
