/*
 * lib/conf/instance.c - where one installation of Posthorn lies. Looks at no file but its own
 * program's name in /proc.
 */
#include "lib/conf/instance.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/mem.h"

#ifndef POSTHORN_PREFIX
#define POSTHORN_PREFIX "/usr/local"
#endif

/* `path` from the file system's root, without a slash at its end. */
static char *
absolute(const char *path)
{
    size_t len = strlen(path);
    char cwd[PATH_MAX];

    while (len > 1 && path[len - 1] == '/')
        len--;
    if (path[0] == '/' || getcwd(cwd, sizeof(cwd)) == NULL)
        return xasprintf("%.*s", (int)len, path);
    return xasprintf("%s/%.*s", cwd, (int)len, path);
}

/* The daemons' directory seen from the running program, which is in DIR/bin or is a daemon itself:
 * so a build tree and an installation elsewhere find their own. */
static char *
find_libexec(void)
{
    static const char daemons[] = "/libexec/posthorn";
    char exe[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    char *slash;

    exe[len < 0 ? 0 : len] = '\0';
    slash = strrchr(exe, '/');
    if (slash == NULL)
        return xstrdup(POSTHORN_PREFIX "/libexec/posthorn");
    *slash = '\0';
    if (slice_ends(slice_of(exe), SLICE(daemons)))
        return xstrdup(exe);
    slash = strrchr(exe, '/');
    if (slash != NULL && (strcmp(slash, "/bin") == 0 || strcmp(slash, "/sbin") == 0))
        return xasprintf("%.*s%s", (int)(slash - exe), exe, daemons);
    return xstrdup(POSTHORN_PREFIX "/libexec/posthorn");
}

void
instance_init(struct instance *inst, const char *root)
{
    *inst = (struct instance){0};
    if (root != NULL) {
        const char *r = inst->root = absolute(root);

        inst->etc = xasprintf("%s/etc", r);
        inst->queue = xasprintf("%s/queue", r);
        inst->store = xasprintf("%s/store", r);
        inst->stores = xasprintf("%s/stores", r);
        inst->db = xasprintf("%s/db", r);
        inst->archive = xasprintf("%s/archive", r);
        inst->log = xasprintf("%s/log", r);
        inst->run = xasprintf("%s/run", r);
    } else {
        inst->etc = xstrdup("/etc/posthorn");
        inst->queue = xstrdup("/var/spool/posthorn");
        inst->store = xstrdup("/var/lib/posthorn/store");
        inst->stores = xstrdup("/var/lib/posthorn/stores");
        inst->db = xstrdup("/var/lib/posthorn/db");
        inst->archive = xstrdup("/var/lib/posthorn/archive");
        inst->log = xstrdup("/var/log/posthorn");
        inst->run = xstrdup("/run/posthorn");
    }
    inst->conf_path = xasprintf("%s/posthorn.conf", inst->etc);
    inst->services_path = xasprintf("%s/services.conf", inst->etc);
    inst->libexec = find_libexec();
}

void
instance_free(struct instance *inst)
{
    char **all[] = {&inst->root,   &inst->etc,       &inst->queue,         &inst->store,
                    &inst->stores, &inst->db,        &inst->archive,       &inst->log,
                    &inst->run,    &inst->conf_path, &inst->services_path, &inst->libexec};

    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        xfree(all[i]);
}

char *
instance_etc_path(const struct instance *inst, const char *name)
{
    return name[0] == '/' ? xstrdup(name) : xasprintf("%s/%s", inst->etc, name);
}

bool
instance_exists(const struct instance *inst)
{
    return access(inst->conf_path, F_OK) == 0;
}
