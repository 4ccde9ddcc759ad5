/*
 * lib/remote/passwords.h - the servers of the configuration with what we log in by.
 */
#ifndef POSTHORN_LIB_REMOTE_PASSWORDS_H
#define POSTHORN_LIB_REMOTE_PASSWORDS_H

#include "lib/conf/secret_file.h"
#include "lib/smtp/route_host.h"
#include "lib/smtp/smtp_client.h"

struct host {
    struct route_host route;
    char *password;          /* from the file; NULL: none is wanted */
    struct smtp_login login; /* points at user and password */
};

/* Fills in the passwords of those that have a user, from lines "HOST USER PASSWORD" in the file at
 * `place`, which nobody but its owner may read. 0, or -1 with one line in `error`. Reads nothing if
 * no host has a user. */
int passwords_read(struct host *hosts, size_t count, const struct secret_place *place,
                   struct strbuf *error);

void host_clear(struct host *host); /* frees what it holds and wipes the password */

#endif
