/*
 * lib/base/http_probe.h - tells an HTTP request from a command of a mail protocol.
 *
 * A browser can be made to send a POST to a mail port (cross-protocol attack): servers disconnect
 * such a client at its first line.
 */
#ifndef POSTHORN_LIB_BASE_HTTP_PROBE_H
#define POSTHORN_LIB_BASE_HTTP_PROBE_H

#include "lib/base/slice.h"

/* True for "GET / HTTP/1.1" and the like: a method, a target, perhaps a version (RFC 9112 section
 * 3). A word that is a method alone is none. */
bool http_probe(struct slice line);

#endif
