/*
 * lib/smtp/proxy.h - the SOCKS server of the configuration ([proxy]).
 */
#ifndef POSTHORN_LIB_SMTP_PROXY_H
#define POSTHORN_LIB_SMTP_PROXY_H

#include "lib/conf/conf.h"
#include "lib/conf/instance.h"
#include "lib/smtp/socks.h"

struct ipc_client;

struct proxy {
    bool used;
    const char *host; /* name or address; borrowed from the configuration, like the user */
    uint16_t port;
    char *password;
    struct socks_proxy socks; /* without an address until proxy_find */
};

/* Takes over [proxy] and the file of the password. 0, or -1 with one line in `error`. */
int proxy_load(struct proxy *proxy, const struct conf *conf, const struct instance *inst,
               struct strbuf *error);
void proxy_free(struct proxy *proxy); /* wipes the password */
/* Fills in the proxy's address, asking dnsd for a name. 0, or -1: the name leads nowhere now. */
int proxy_find(struct proxy *proxy, struct ipc_client *dns, int timeout_ms);

#endif
