/*
 * posthorn/store_places.c - the storage directories of an instance, for the command line.
 */
#include "posthorn/store_places.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"

struct store_dirs
store_places_open(const struct instance *inst)
{
    return (struct store_dirs){.main_fd = open(inst->store, O_PATH | O_DIRECTORY | O_CLOEXEC),
                               .others_fd = open(inst->stores, O_PATH | O_DIRECTORY | O_CLOEXEC)};
}

void
store_places_close(struct store_dirs *dirs)
{
    close_keep_errno(dirs->main_fd);
    close_keep_errno(dirs->others_fd);
}

int
store_places_list(const struct instance *inst, const struct conf *conf,
                  struct store_dir_info list[STORE_DIRS_MAX])
{
    struct store_dirs dirs = store_places_open(inst);
    int count = store_dirs_list(&dirs, (unsigned)conf_u64(conf, STORE_DIRECTORY_RESERVE), list);

    store_places_close(&dirs);
    return count;
}

char *
store_place_path(const struct instance *inst, const char *id)
{
    if (strcmp(id, STORE_DIR_MAIN) == 0)
        return xstrdup(inst->store);
    return xasprintf("%s/%s", inst->stores, id);
}

const char *
store_place_status(const struct store_dir_info *info)
{
    return info->missing ? "missing" : info->full ? "full" : "normal";
}
