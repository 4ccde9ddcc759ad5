/*
 * lib/tls/https_get.h - one GET over TLS for a small text, HTTP/1.1 (RFC 9110, RFC 9112).
 */
#ifndef POSTHORN_LIB_TLS_HTTPS_GET_H
#define POSTHORN_LIB_TLS_HTTPS_GET_H

#include "lib/base/strbuf.h"
#include "lib/tls/tls.h"

/* Asks the server at the other end of the connected socket `fd` (taken over) for `path` of `host`,
 * whose name its certificate has to have by `ctx`. Only a 200 with text/plain counts, and no
 * redirect is followed. The body is appended to `body`, whose ceiling is its limit. NULL, or what
 * went wrong: a constant, or valid until the next call of TLS. */
const char *https_get(int fd, struct tls_context *ctx, const char *host, const char *path,
                      int64_t deadline_mono_ms, struct strbuf *body);

#endif
