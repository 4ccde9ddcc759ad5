/*
 * posthorn/setup.h - the parts of `setup`: users, directories, configuration, certificate,
 * accounts.
 *
 * Each returns CLI_OK, or an exit code after the message.
 */
#ifndef POSTHORN_POSTHORN_SETUP_H
#define POSTHORN_POSTHORN_SETUP_H

#include <sys/types.h>

#include "lib/conf/conf.h"
#include "posthorn/command.h"

/* The service users, one per setting of [users]. */
struct setup_user {
    enum conf_id setting;
    uid_t uid;
    gid_t gid;
    bool numeric; /* no such name on this system: the numbers go into the configuration */
};
#define SETUP_USERS_MAX 16
#define SETUP_FIRST_UID 64200

struct setup {
    struct cli *cli;
    const char *domain, *hostname, *port_offset;
    struct cli_list bind;
    const char *admin_password_file;
    bool is_root; /* users are switched, owners given */
    struct setup_user users[SETUP_USERS_MAX];
    size_t user_count;
};

void setup_find_users(struct setup *setup);
const struct setup_user *setup_user(const struct setup *setup, enum conf_id setting);

int setup_directories(struct setup *setup);
/* In a child for each service user, with directories handed over as the daemons get them. */
int setup_try_users(struct setup *setup);

int setup_configuration(struct setup *setup);
int setup_certificate(struct setup *setup);
int setup_seal_keys(struct setup *setup); /* of sealed passwords */

struct strbuf;
/* Primary domain, postmaster, administrator; a made-up password goes to `generated`. */
int setup_accounts(struct setup *setup, struct strbuf *generated);

/* What has to go when a later part failed, so that setup can be run again. */
void setup_undo(struct setup *setup);

#endif
