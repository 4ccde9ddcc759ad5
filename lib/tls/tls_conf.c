/*
 * lib/tls/tls_conf.c - finds certificate and key by the configuration.
 */
#include "lib/tls/tls_conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/conf/tls_place.h"
#include "lib/tls/cert_chain.h"
#include "lib/tls/cert_make.h"

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

/* NAME.key has to be that of NAME.crt: keyd would not sign for it. */
static int
check_listed_key(const struct instance *inst, const char *name, struct strbuf *error)
{
    char *certificate = tls_place_listed(inst, name, "crt"),
         *path = tls_place_listed(inst, name, "key");
    struct strbuf key = strbuf_new(CERT_PEM_MAX);
    struct cert_chain *chain = cert_chain_read(certificate, error);
    int rc = -1;

    if (chain != NULL && read_file(AT_FDCWD, path, &key) < 0)
        (void)strbuf_printf(error, "%s: %s", path, strerror(errno));
    else if (chain != NULL)
        rc = cert_chain_check_key(chain, strbuf_slice(&key), path, error);
    if (key.ptr != NULL)
        mem_wipe(key.ptr, key.cap);
    strbuf_free(&key);
    cert_chain_free(&chain);
    free(certificate);
    free(path);
    return rc;
}

int
tls_conf_check(const struct conf *conf, const struct instance *inst, struct strbuf *error)
{
    char *certificate = tls_place(conf, inst, TLS_CERTIFICATE);
    char *key = tls_place(conf, inst, TLS_KEY);
    struct tls_context *ctx = tls_server_context(certificate, key, error);
    int rc = ctx == NULL ? -1 : add_by_host(ctx, conf, inst, error);

    for (size_t i = 0; i < conf_list_count(conf, TLS_BY_HOST) && rc == 0; i++)
        rc = check_listed_key(inst, conf_list_item(conf, TLS_BY_HOST, i), error);
    tls_context_free(&ctx);
    free(certificate);
    free(key);
    return rc;
}

enum tls_oldest
tls_conf_oldest(const struct conf *conf, const char *label)
{
    for (size_t i = 0; i < conf_list_count(conf, TLS_OLD_PORTS); i++)
        if (strcmp(conf_list_item(conf, TLS_OLD_PORTS, i), label) == 0)
            return TLS_SINCE_1_0;
    return TLS_SINCE_1_2;
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
