/*
 * posthorn/sts_service.c - does services.conf start what MTA-STS needs?
 */
#include "posthorn/sts_service.h"

#include <string.h>

const char *
sts_service_trouble(const struct conf *conf, const struct services *services)
{
    if (!conf_bool(conf, REMOTE_USE_STARTTLS) || !conf_bool(conf, REMOTE_MTA_STS))
        return NULL;
    for (size_t i = 0; i < services->count; i++)
        if (strcmp(services->rows[i].program, "stsd") == 0 && services->rows[i].automatic)
            return NULL;
    return "services.conf starts no stsd, so mail to domains with an MTA-STS policy is deferred: "
           "add the section [sts] (program = stsd, user = out, socket = sts.sock 0666), or set "
           "remote.mta_sts = no";
}
