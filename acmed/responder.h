/*
 * acmed/responder.h - answers the authority's challenges: http-01 (RFC 8555 section 8.3) on
 * listeners "acme-http", tls-alpn-01 (RFC 8737) on "acme-tls". Serves nothing else.
 *
 * A process of its own: it reads from the network, can open no path, and has no key but one that it
 * makes for itself.
 */
#ifndef POSTHORN_ACMED_RESPONDER_H
#define POSTHORN_ACMED_RESPONDER_H

#include "lib/acme/answer.h"
#include "lib/sys/daemon.h"

/* Forks it if there are listeners, before this process reads anything secret. The socket for
 * responder_tell, or -1: there are none. Exits on failure. The responder ends with the socket. */
int responder_start(struct daemon *d);

enum responder_op { RESPONDER_SHOW = 1, RESPONDER_CLEAR };
struct responder_word {
    enum responder_op op;
    struct slice host, token, authorization; /* of what is shown */
};
/* 0, or -1: there is no responder. What was told before counts for every connection that comes
 * afterwards. */
int responder_tell(int fd, const struct responder_word *word);

#endif
