/*
 * lib/tls/tls_conf.c - finds certificate and key by the configuration.
 */
#include "lib/tls/tls_conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "lib/base/mem.h"

static char *
below_etc(const struct instance *inst, const char *name)
{
    return name[0] == '/' ? xstrdup(name) : xasprintf("%s/%s", inst->etc, name);
}

struct tls_context *
tls_conf_server(const struct conf *conf, const struct instance *inst, struct strbuf *error)
{
    char *certificate = below_etc(inst, conf_str(conf, TLS_CERTIFICATE));
    char *key = below_etc(inst, conf_str(conf, TLS_KEY));
    struct tls_context *ctx = tls_server_context(certificate, key, error);

    free(certificate);
    free(key);
    return ctx;
}

struct tls_context *
tls_conf_server_or_exit(const char *program, const struct conf *conf, const struct instance *inst)
{
    struct strbuf error = strbuf_new(1024);
    struct tls_context *ctx = tls_conf_server(conf, inst, &error);

    if (ctx == NULL) {
        (void)fprintf(stderr, "%s: %s\n", program, strbuf_cstr(&error));
        exit(EX_CONFIG);
    }
    strbuf_free(&error);
    return ctx;
}
