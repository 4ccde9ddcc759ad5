/*
 * directoryd/service.h - run/directory.sock: ldapd's sessions, who they are, and their answers.
 */
#ifndef POSTHORN_DIRECTORYD_SERVICE_H
#define POSTHORN_DIRECTORYD_SERVICE_H

#include "lib/ldap/dn.h"
#include "lib/sys/daemon.h"

struct service;

struct service_options {
    const struct ldap_dn *base;       /* ldap.base */
    struct slice rdn_type, rdn_value; /* its first part */
    const char *base_text;            /* all of it */
    bool anonymous_read;
    struct slice write_password; /* "": nobody may write */
};

/* Borrows the options. Exits with a message if there is no socket. */
struct service *service_start(struct daemon *d, const struct service_options *options);
/* A newer directoryd takes the new sessions: ends with the last of ours. */
void service_drain(struct service *service);
void service_stop(struct service **servicep);

#endif
