/*
 * posthorn/seal_keys.h - the key files of the services that have sealed passwords
 * (lib/conf/seal.h).
 */
#ifndef POSTHORN_POSTHORN_SEAL_KEYS_H
#define POSTHORN_POSTHORN_SEAL_KEYS_H

#include <sys/types.h>

#include "lib/conf/conf.h"
#include "lib/conf/seal.h"
#include "posthorn/command.h"

/* The settings of [users] whose services have one, each once: accountd's and those of secrets.def.
 */
#define SEAL_OWNERS_MAX 16
size_t seal_owners(enum conf_id out[SEAL_OWNERS_MAX]);

/* Writes a key file, mode 0400, for that user (`is_root`: and gives it to it). CLI_OK, or
 * CLI_FAILED after the message. */
struct seal_owner {
    enum conf_id setting;
    uid_t uid;
    gid_t gid;
    bool is_root;
};
int seal_keys_write(struct cli *cli, const struct seal_owner *owner, const struct seal_keys *keys);
/* Who that is, by the configuration. */
int seal_owner_find(struct cli *cli, const struct conf *conf, enum conf_id setting,
                    struct seal_owner *out);
bool seal_keys_exist(const struct cli *cli, enum conf_id owner);
/* The keys of a service; a file with a new one is made where there is none. */
int seal_keys_need(struct cli *cli, const struct seal_owner *owner, struct seal_keys *keys);

#endif
