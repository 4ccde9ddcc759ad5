/*
 * lib/tls/tls_conf.c - finds certificate and key by the configuration.
 */
#include "lib/tls/tls_conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "lib/conf/tls_place.h"

/* Those for clients that ask for a name. */
static int
add_by_host(struct tls_context *ctx, const struct conf *conf, const struct instance *inst,
            struct strbuf *error)
{
    int rc = 0;

    for (size_t i = 0; i < conf_list_count(conf, TLS_BY_HOST) && rc == 0; i++) {
        char *path = tls_place_listed(inst, conf_list_item(conf, TLS_BY_HOST, i), "crt");

        rc = tls_server_add(ctx, path, error);
        free(path);
    }
    return rc;
}

struct tls_context *
tls_conf_server(const struct conf *conf, const struct instance *inst, struct strbuf *error)
{
    char *certificate = tls_place(conf, inst, TLS_CERTIFICATE);
    struct tls_context *ctx = tls_server_context(certificate, NULL, error);

    if (ctx != NULL && add_by_host(ctx, conf, inst, error) < 0)
        tls_context_free(&ctx);
    free(certificate);
    return ctx;
}

int
tls_conf_check(const struct conf *conf, const struct instance *inst, struct strbuf *error)
{
    char *certificate = tls_place(conf, inst, TLS_CERTIFICATE);
    char *key = tls_place(conf, inst, TLS_KEY);
    struct tls_context *ctx = tls_server_context(certificate, key, error);
    int rc = ctx == NULL ? -1 : add_by_host(ctx, conf, inst, error);

    tls_context_free(&ctx);
    free(certificate);
    free(key);
    return rc;
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
