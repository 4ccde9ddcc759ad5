/*
 * authd/talk.h - a conversation of an external worker with the server that knows the password.
 */
#ifndef POSTHORN_AUTHD_TALK_H
#define POSTHORN_AUTHD_TALK_H

#include "lib/auth/external.h"
#include "lib/auth/password.h"
#include "lib/tls/stream.h"

struct talk {
    struct stream *stream;
    struct tls_context *authorities; /* one has to have signed the server's certificate */
    const char *host;
    int64_t deadline_mono_ms; /* of all of it */
    const char *trouble;      /* why there is no verdict: a constant, or of the TLS library */
};

/* TLS from here on, with a certificate that is the host's. 0, or -1 with `trouble`. */
int talk_start_tls(struct talk *t);
/* The same, and PASSWORD_NO_MEMORY: there is no verdict, try later. */
enum password_verdict talk_no_verdict(struct talk *t, const char *trouble);

#endif
