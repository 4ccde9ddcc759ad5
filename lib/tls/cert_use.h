/*
 * lib/tls/cert_use.h - the certificates in use, and how long they are good for.
 */
#ifndef POSTHORN_LIB_TLS_CERT_USE_H
#define POSTHORN_LIB_TLS_CERT_USE_H

#include <stdint.h>

#include "lib/conf/conf.h"
#include "lib/conf/instance.h"

#define CERT_USE_MAX 257 /* tls.certificate, and tls.by_host */

struct cert_use {
    char *path;
    int64_t not_after_ms; /* real time, the earliest of its chain; 0: it can't be read */
};

struct cert_uses {
    struct cert_use items[CERT_USE_MAX];
    size_t count;
};

/* Reads them. Free it with cert_uses_free. */
void cert_uses_read(struct cert_uses *uses, const struct conf *conf, const struct instance *inst);
void cert_uses_free(struct cert_uses *uses);

/* "PATH: expires in 3 days" in `out` if it does so within tls.expiry_warning; false: all is well.
 */
bool cert_use_warning(const struct cert_use *use, const struct conf *conf, int64_t now_ms,
                      struct strbuf *out);

#endif
