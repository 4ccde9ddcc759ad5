/*
 * posthorn/acme_service.c - looks for acmed and its port in services.conf.
 */
#include "posthorn/acme_service.h"

#include <string.h>

static const struct service_row *
find_acmed(const struct services *services)
{
    for (size_t i = 0; i < services->count; i++)
        if (strcmp(services->rows[i].program, "acmed") == 0)
            return &services->rows[i];
    return NULL;
}

static bool
wants_tls(const struct conf *conf)
{
    return strcmp(conf_str(conf, ACME_CHALLENGE_TYPE), "tls-alpn-01") == 0;
}

uint16_t
acme_service_port(const struct conf *conf, const struct services *services)
{
    const struct service_row *row = find_acmed(services);
    const char *label = wants_tls(conf) ? "acme-tls" : "acme-http";

    for (size_t i = 0; row != NULL && i < row->listen_count; i++)
        if (strcmp(row->listens[i].label, label) == 0)
            return (uint16_t)(row->listens[i].port + conf_u64(conf, SYSTEM_PORT_OFFSET));
    return 0;
}

const char *
acme_service_trouble(const struct conf *conf, const struct services *services)
{
    const struct service_row *row = find_acmed(services);

    if (conf_str(conf, ACME_DIRECTORY_URL)[0] == '\0')
        return NULL;
    if (row == NULL || !row->automatic)
        return "services.conf starts no acmed, so no certificate is requested or renewed: add the "
               "section [acme] (program = acmed, user = acme, socket = acme.sock 0666), or unset "
               "acme.directory";
    if (acme_service_port(conf, services) != 0)
        return NULL;
    return wants_tls(conf)
               ? "services.conf gives acmed no port for tls-alpn-01: add to the section [acme]: "
                 "listen = acme-tls:443"
               : "services.conf gives acmed no port for http-01: add to the section [acme]: "
                 "listen = acme-http:80";
}
