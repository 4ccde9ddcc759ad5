/*
 * lib/tls/certificate.h - what a certificate file says, for checks by the administrator.
 */
#ifndef POSTHORN_LIB_TLS_CERTIFICATE_H
#define POSTHORN_LIB_TLS_CERTIFICATE_H

#include <stdint.h>

#include "lib/base/strbuf.h"

struct certificate {
    int64_t not_before_ms, not_after_ms; /* real time */
    bool self_signed;
    bool names_host; /* a subject alternative name (or the common name) is `host` */
    bool key_matches;
};

/* Reads the first certificate of `cert_path` and the key, both PEM. 0, or -1 with one line in
 * `error`. */
int certificate_read(const char *cert_path, const char *key_path, const char *host,
                     struct certificate *out, struct strbuf *error);

#endif
