/*
 * lib/tls/cert_make.h - new keys, requests for certificates, and certificates that sign themselves.
 */
#ifndef POSTHORN_LIB_TLS_CERT_MAKE_H
#define POSTHORN_LIB_TLS_CERT_MAKE_H

#include <stdint.h>

#include "lib/base/strbuf.h"

#define CERT_PEM_MAX 65536 /* bytes of a key, a request or a chain */
#define CERT_HOSTS_MAX 100
#define CERT_KEY_TYPES "rsa2048, rsa3072, rsa4096, p256, p384 or ed25519"

struct cert_wish {
    const char *key_type;     /* one of CERT_KEY_TYPES */
    const char *const *hosts; /* DNS names, the first is the subject's; "*.d.test" */
    size_t host_count;
    bool is_authority; /* may sign other certificates; `hosts[0]` is its name, in words */
    bool is_email;     /* for mail (S/MIME, RFC 8550) in place of servers; `hosts` are addresses */
    int64_t days;      /* self-signed: valid from now on */
    /* of the subject, or NULL (RFC 5280 section 4.1.2.4); country is a code of two letters */
    const char *country, *state, *city, *organisation, *unit;
};

bool cert_make_is_key_type(const char *type);

/* PEM text is appended to `key` (a secret: wipe it) and `out`. 0, or -1 with one line in `error`:
 * something of the wish can't stand in a certificate. */
int cert_make_request(const struct cert_wish *wish, struct strbuf *key, struct strbuf *out,
                      struct strbuf *error);
int cert_make_self_signed(const struct cert_wish *wish, struct strbuf *key, struct strbuf *out,
                          struct strbuf *error);

#endif
