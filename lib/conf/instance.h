/*
 * lib/conf/instance.h - where one installation of Posthorn lies.
 *
 * With a root directory everything is below it (etc, queue, store, db, archive, log, run); without
 * one the installed paths apply, which the build sets (PREFIX).
 */
#ifndef POSTHORN_LIB_CONF_INSTANCE_H
#define POSTHORN_LIB_CONF_INSTANCE_H

#include <stdbool.h>

struct instance {
    char *root; /* NULL: installed */
    char *etc, *queue, *store, *db, *archive, *log, *run;
    char *stores; /* further storage directories (lib/store/store_dirs.h); may be missing */
    char *conf_path, *services_path;
    char *libexec; /* directory of the daemons' programs */
};

/* `root` may be relative or NULL. Fills in absolute paths; touches no file. */
void instance_init(struct instance *inst, const char *root);
void instance_free(struct instance *inst);
/* Of a file that a setting names: as it is, or below etc/. The caller frees it. */
char *instance_etc_path(const struct instance *inst, const char *name);
bool instance_exists(const struct instance *inst); /* posthorn.conf is there */

#endif
