/*
 * acmed/ask.h - one request to the authority, made by a process of its own.
 */
#ifndef POSTHORN_ACMED_ASK_H
#define POSTHORN_ACMED_ASK_H

#include "lib/acme/answer.h"
#include "lib/acme/jws.h"
#include "lib/remote/dial.h"
#include "lib/sys/one_shot.h"
#include "lib/tls/tls.h"

struct ask_options {
    struct one_shot_options child;
    struct dial_options web;         /* its port is the URL's */
    struct tls_context *authorities; /* one has to have signed the server's certificate */
    struct strbuf *binding_key;      /* a secret that the child has no use for, and wipes */
};

struct ask {
    const struct ask_options *options;
    const char *method; /* HEAD, GET or POST */
    struct slice url;
    struct slice body; /* of POST: a signed request */
    enum acme_kind kind;
    const char *challenge;   /* type that is wanted of an authorization */
    struct slice csr;        /* of ACME_CHAIN: what it was requested with, PEM */
    struct jws_key *keys[2]; /* or NULL: all that the caller has. The child frees them first */
};

/* Blocks, in a process without a running loop. The answer borrows from `record`. 0: there is an
 * answer, whatever its status; -1 with its ACME_TROUBLE, a line. */
int ask_server(const struct ask *ask, struct strbuf *record, struct acme_answer *answer);

#endif
