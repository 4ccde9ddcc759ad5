/*
 * lib/smtp/smtp_ports.c - the table of the ports of our SMTP server.
 */
#include "lib/smtp/smtp_ports.h"

const struct pool_port smtp_ports[SMTP_PORTS] = {
    [SMTP_PORT_SMTP] = {.label = "smtp", .tests_early = true, POOL_PORT_LIMITS(SMTP)},
    [SMTP_PORT_SUBMISSION] = {.label = "submission",
                              .login_only = true,
                              POOL_PORT_LIMITS(SUBMISSION)},
    [SMTP_PORT_SMTPS] = {.label = "smtps",
                         .login_only = true,
                         .speaks_late = true,
                         POOL_PORT_LIMITS(SMTPS)},
    [SMTP_PORT_ODMR] = {.label = "odmr", .login_only = true, POOL_PORT_LIMITS(SUBMISSION)},
    [SMTP_PORT_LMTP] = {.label = "lmtp",
                        .listed_only = true,
                        .clients_max = SMTP_MAX_CLIENTS,
                        .per_address_max = SMTP_MAX_CLIENTS_PER_IP,
                        .per_minute_max = SMTP_MAX_PER_MINUTE_PER_IP,
                        .allow = SMTP_LMTP_HOSTS,
                        .deny = SMTP_DENY,
                        .unlimited = SMTP_LMTP_HOSTS},
};

bool
smtp_port_is_submission(enum smtp_port port)
{
    return port == SMTP_PORT_SUBMISSION || port == SMTP_PORT_SMTPS;
}

int
smtp_port_find(struct slice label)
{
    for (int i = 0; i < SMTP_PORTS; i++)
        if (slice_eq(label, slice_of(smtp_ports[i].label)))
            return i;
    return -1;
}
