/*
 * posthorn/seal_keys.c - makes and changes the key files of sealed passwords: etc/keys/OWNER.key.
 *
 * Runs with the caller's rights; a service reads its file before it gives up root's. Keys are
 * wiped.
 */
#include "posthorn/seal_keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/conf/role.h"
#include "lib/conf/secret_file.h"

enum { KEY_MODE = 0400, DIR_MODE = 0711, TEXT_MAX = 4096 };

size_t
seal_owners(enum conf_id out[SEAL_OWNERS_MAX])
{
    size_t count = 0;

    out[count++] = USERS_ACCOUNT; /* keys of authenticators, in the account base */
    for (size_t i = 0; i < secret_kinds_count; i++) {
        bool again = false;

        for (size_t k = 0; k < count; k++)
            again = again || out[k] == secret_kinds[i].owner;
        if (!again && count < SEAL_OWNERS_MAX)
            out[count++] = secret_kinds[i].owner;
    }
    return count;
}

int
seal_owner_find(struct cli *cli, const struct conf *conf, enum conf_id setting,
                struct seal_owner *out)
{
    struct role role = {geteuid(), getegid()};

    *out = (struct seal_owner){.setting = setting, .is_root = geteuid() == 0};
    if (out->is_root && role_find(conf, setting, &role) < 0)
        return cli_fail(cli, "users.%s: '%s' is no user for a service", conf_settings[setting].name,
                        conf_str(conf, setting));
    out->uid = role.uid;
    out->gid = role.gid;
    return CLI_OK;
}

int
seal_keys_write(struct cli *cli, const struct seal_owner *owner, const struct seal_keys *keys)
{
    char *dir = xasprintf("%s/" SEAL_KEY_DIR, cli->inst.etc);
    char *path = seal_key_path(&cli->inst, owner->setting);
    struct strbuf text = strbuf_new(TEXT_MAX);
    int rc = CLI_OK;

    (void)strbuf_room(&text, TEXT_MAX); /* does not move and leave a copy */
    seal_keys_print(keys, &text);
    if (mkdir(dir, DIR_MODE) < 0 && errno != EEXIST)
        rc = cli_fail(cli, "%s: %s", dir, strerror(errno));
    else if (replace_file(AT_FDCWD, path, strbuf_slice(&text), KEY_MODE) < 0 ||
             (owner->is_root && chown(path, owner->uid, owner->gid) < 0))
        rc = cli_fail(cli, "%s: %s", path, strerror(errno));
    mem_wipe(text.ptr, text.cap);
    strbuf_free(&text);
    free(dir);
    free(path);
    return rc;
}

bool
seal_keys_exist(const struct cli *cli, enum conf_id owner)
{
    char *path = seal_key_path(&cli->inst, owner);
    bool exist = access(path, F_OK) == 0;

    free(path);
    return exist;
}

int
seal_keys_need(struct cli *cli, const struct seal_owner *owner, struct seal_keys *keys)
{
    char *path = seal_key_path(&cli->inst, owner->setting);
    struct strbuf error = strbuf_new(4096);
    int rc = CLI_OK;

    if (seal_keys_read(path, keys, &error) < 0) {
        if (errno == ENOENT) {
            seal_keys_add(keys);
            rc = seal_keys_write(cli, owner, keys);
        } else {
            rc = cli_fail(cli, "%s", strbuf_cstr(&error));
        }
    }
    strbuf_free(&error);
    free(path);
    return rc;
}
