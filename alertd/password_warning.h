/*
 * alertd/password_warning.h - warns users whose password has to be changed before long (DIR-48).
 */
#ifndef POSTHORN_ALERTD_PASSWORD_WARNING_H
#define POSTHORN_ALERTD_PASSWORD_WARNING_H

#include "alertd/mailer.h"
#include "lib/sys/daemon.h"

struct password_warning;

/* Asks accountd from now on. Its state is a file in `state_dirfd` (borrowed), the sockets are named
 * from the current directory. */
struct password_warning *password_warning_new(struct daemon *d, const struct mailer *mailer,
                                              int state_dirfd);
void password_warning_free(struct password_warning **warningp);

#endif
