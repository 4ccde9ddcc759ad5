/*
 * lib/conf/tls_place.h - where certificates and their keys are.
 */
#ifndef POSTHORN_LIB_CONF_TLS_PLACE_H
#define POSTHORN_LIB_CONF_TLS_PLACE_H

#include "lib/conf/conf.h"
#include "lib/conf/instance.h"

#define TLS_PLACE_MAX 490     /* certificates in the list: keyd opens all of their keys */
#define TLS_PLACE_DIR "certs" /* below etc: the list of certificates */

/* The absolute path that TLS_CERTIFICATE or TLS_KEY stands for. The caller frees it. */
char *tls_place(const struct conf *conf, const struct instance *inst, enum conf_id id);
/* The same of the certificate NAME of the list; `ending` is "crt", "csr" or "key". */
char *tls_place_listed(const struct instance *inst, const char *name, const char *ending);
/* May a certificate of the list have this name? a-z, 0-9, '-', '_' and '.', not in front. */
bool tls_place_is_name(const char *name);
#define TLS_PLACE_NAME_MAX 200

#endif
