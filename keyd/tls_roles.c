/*
 * keyd/tls_roles.c - the users of services that have TLS, and by them their ports. No I/O.
 */
#include "keyd/tls_roles.h"

#include <string.h>

#include "lib/base/mem.h"

const enum conf_id tls_roles[TLS_ROLES] = {USERS_SMTP, USERS_MAIL, USERS_ADMIN, USERS_LDAP,
                                           USERS_METRICS};

/* What tls.old_ports may name (lib/conf/settings.def). */
static const struct {
    const char *label;
    enum conf_id role;
} ports[] = {
    {"smtp", USERS_SMTP},       {"submission", USERS_SMTP}, {"smtps", USERS_SMTP},
    {"lmtp", USERS_SMTP},       {"odmr", USERS_SMTP},       {"imap", USERS_MAIL},
    {"imaps", USERS_MAIL},      {"pop3", USERS_MAIL},       {"pop3s", USERS_MAIL},
    {"ldap", USERS_LDAP},       {"ldaps", USERS_LDAP},      {"admin", USERS_ADMIN},
    {"metrics", USERS_METRICS},
};

bool
tls_role_speaks_old(const struct conf *conf, enum conf_id role)
{
    for (size_t i = 0; i < conf_list_count(conf, TLS_OLD_PORTS); i++)
        for (size_t k = 0; k < ARRAY_LEN(ports); k++)
            if (ports[k].role == role &&
                strcmp(conf_list_item(conf, TLS_OLD_PORTS, i), ports[k].label) == 0)
                return true;
    return false;
}
