/*
 * lib/remote/dial_conf.c - connections as the configuration has them. No I/O.
 */
#include "lib/remote/dial_conf.h"

#include <string.h>

struct dial_options
dial_options_of(const struct conf *conf)
{
    const char *protocols = conf_str(conf, REMOTE_PROTOCOLS);

    return (struct dial_options){.use_ipv4 = strcmp(protocols, "ipv6") != 0,
                                 .use_ipv6 = strcmp(protocols, "ipv4") != 0,
                                 .may_be_address = true};
}
