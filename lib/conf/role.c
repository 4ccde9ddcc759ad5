/*
 * lib/conf/role.c - the user behind a setting of [users]. Reads passwd: before a chroot.
 */
#include "lib/conf/role.h"

#include <pwd.h>
#include <string.h>

#include "lib/base/parse.h"

int
role_parse(const char *text, struct role *out)
{
    struct slice gid_text = slice_of(text), uid_text = slice_split(&gid_text, ':');
    const struct passwd *pw;
    uint64_t uid, gid;

    if (parse_u64(uid_text, UINT32_MAX - 1, &uid) < 0 ||
        parse_u64(gid_text, UINT32_MAX - 1, &gid) < 0) {
        pw = getpwnam(text);
        if (pw == NULL)
            return -1;
        uid = pw->pw_uid;
        gid = pw->pw_gid;
    }
    if (uid == 0)
        return -1;
    *out = (struct role){(uid_t)uid, (gid_t)gid};
    return 0;
}

int
role_find(const struct conf *conf, enum conf_id user, struct role *out)
{
    return role_parse(conf_str(conf, user), out);
}

static bool
is_needed(const struct services *services, int id)
{
    bool needed = services == NULL;

    for (size_t i = 0; !needed && i < services->count; i++)
        needed = services->rows[i].user == id || services->rows[i].socket.group == id ||
                 services->rows[i].datagrams.group == id;
    return needed;
}

bool
role_find_bad(const struct conf *conf, const struct services *services, int *id)
{
    struct role role;

    for (; *id < CONF_ID_COUNT; (*id)++)
        if (strcmp(conf_settings[*id].section, "users") == 0 && is_needed(services, *id) &&
            role_find(conf, (enum conf_id)(*id), &role) < 0)
            return true;
    return false;
}
