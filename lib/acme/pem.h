/*
 * lib/acme/pem.h - PEM text as it goes into a request (RFC 8555 sections 7.4 and 7.6).
 */
#ifndef POSTHORN_LIB_ACME_PEM_H
#define POSTHORN_LIB_ACME_PEM_H

#include "lib/base/strbuf.h"

/* What the first block holds (DER) as base64url, appended; nothing of it is parsed. 0, or -1. */
int acme_pem_base64url(struct slice pem, struct strbuf *out);

#endif
