/*
 * lib/tls/tls_conf.h - what the settings of [tls] make of a server: certificates, versions.
 */
#ifndef POSTHORN_LIB_TLS_TLS_CONF_H
#define POSTHORN_LIB_TLS_TLS_CONF_H

#include "lib/conf/conf.h"
#include "lib/conf/instance.h"
#include "lib/tls/tls.h"

/* Reads the certificate: before the sandbox. The key stays with keyd (tls_server_context). NULL
 * with one line in `error`. */
struct tls_context *tls_conf_server(const struct conf *conf, const struct instance *inst,
                                    struct strbuf *error);
/* The same for a daemon's start: exits with EX_CONFIG after one line on stderr. */
struct tls_context *tls_conf_server_or_exit(const char *program, const struct conf *conf,
                                            const struct instance *inst);
/* What tls.old_ports says of the port with this label. */
enum tls_oldest tls_conf_oldest(const struct conf *conf, const char *label);
/* For the command line: reads the keys too, those of tls.by_host included, and sees whether each
 * belongs to its certificate. 0, or -1 with one line in `error`. */
int tls_conf_check(const struct conf *conf, const struct instance *inst, struct strbuf *error);

#endif
