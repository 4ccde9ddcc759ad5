/*
 * posthorn/store_places.h - the storage directories of an instance, for the command line.
 */
#ifndef POSTHORN_POSTHORN_STORE_PLACES_H
#define POSTHORN_POSTHORN_STORE_PLACES_H

#include "lib/conf/conf.h"
#include "lib/conf/instance.h"
#include "lib/store/store_dirs.h"

/* Descriptors (O_PATH) of store/ and stores/; -1 in either: it is not there. */
struct store_dirs store_places_open(const struct instance *inst);
void store_places_close(struct store_dirs *dirs);
/* As store_dirs_list, with store.directory_reserve. */
int store_places_list(const struct instance *inst, const struct conf *conf,
                      struct store_dir_info list[STORE_DIRS_MAX]);
char *store_place_path(const struct instance *inst, const char *id); /* the caller frees it */
const char *store_place_status(const struct store_dir_info *info);   /* normal, full, missing */

#endif
