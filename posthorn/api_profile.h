/*
 * posthorn/api_profile.h - connection profiles of `api call`: servers, and how to log in there.
 *
 * $XDG_CONFIG_HOME/posthorn/profiles.conf (or ~/.config), lines as in posthorn.conf:
 *     [office]
 *     server = mail.example.org:6000
 *     admin = ann
 *     certificates = /home/ann/mail.pem
 *     password = secret            # only in a file that nobody else can read
 */
#ifndef POSTHORN_POSTHORN_API_PROFILE_H
#define POSTHORN_POSTHORN_API_PROFILE_H

#include "posthorn/command.h"

struct api_profile {
    struct strbuf server, admin, certificates, password; /* empty: not given */
    const char *code; /* of the authenticator, from the command line; NULL: not given */
};
struct api_profile api_profile_new(void);
void api_profile_free(struct api_profile *profile); /* wipes */
/* CLI_OK, or CLI_FAILED after the message. */
int api_profile_load(const struct cli *cli, const char *name, struct api_profile *profile);

#endif
