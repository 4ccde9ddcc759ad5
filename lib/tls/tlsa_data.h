/*
 * lib/tls/tlsa_data.h - what a TLSA record says about a certificate of ours.
 */
#ifndef POSTHORN_LIB_TLS_TLSA_DATA_H
#define POSTHORN_LIB_TLS_TLSA_DATA_H

#include "lib/base/strbuf.h"

enum { TLSA_USAGE_EE = 3, TLSA_SELECTOR_CERT = 0, TLSA_SELECTOR_SPKI = 1 };
enum { TLSA_MATCH_ALL = 0, TLSA_MATCH_SHA256 = 1, TLSA_MATCH_SHA512 = 2 };

/* The association data (RFC 6698 section 2.1.4) of the first certificate in the PEM file, appended
 * to `out`. 0, or -1 with one line in `error`: unreadable, or values that RFC 6698 does not have.
 */
int tlsa_data(const char *cert_path, unsigned selector, unsigned matching, struct strbuf *out,
              struct strbuf *error);

#endif
