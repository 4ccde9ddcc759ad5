/*
 * acmed/order.h - one certificate, from the order to the file (RFC 8555 section 7.4).
 */
#ifndef POSTHORN_ACMED_ORDER_H
#define POSTHORN_ACMED_ORDER_H

#include "acmed/ca.h"
#include "acmed/managed.h"

struct order_options {
    const char *directory; /* URL of the authority */
    const char *challenge; /* "http-01" or "tls-alpn-01" */
    int responder_fd;      /* takes what acmed/responder.h says */
    int dirfd;             /* db/acme */
};

/* Goes on with the order that the state names, or begins one, until NAME.crt is written; the state
 * says then how long it is good, and when it is renewed. Whatever ends this process, NAME.crt is
 * the old certificate or the new one, and another call goes on from there. 0, or -1 with a line in
 * ca->error. */
int order_run(struct ca *ca, const struct order_options *options, struct managed *m);

#endif
