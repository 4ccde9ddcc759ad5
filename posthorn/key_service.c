/*
 * posthorn/key_service.c - looks for keyd's sockets in services.conf.
 */
#include "posthorn/key_service.h"

#include <string.h>

#include "lib/ipc/tls_key.h"

const char *
key_service_trouble(const struct services *services)
{
    for (size_t i = 0; i < services->count; i++)
        if (strcmp(services->rows[i].program, "keyd") == 0 &&
            strcmp(services->rows[i].datagrams.name, TLS_KEY_SOCKET) != 0)
            return "the section of keyd in services.conf lacks the line 'datagrams "
                   "= " TLS_KEY_SOCKET
                   " 0666': keyd does not start, and no service has TLS; add it";
    return NULL;
}
