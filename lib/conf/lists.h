/*
 * lib/conf/lists.h - the settings whose value is the name of a list file, and what their entries
 * are. One row for each in lib/conf/lists.def: `posthorn config check` and `posthorn list` know the
 * lists by it.
 */
#ifndef POSTHORN_LIB_CONF_LISTS_H
#define POSTHORN_LIB_CONF_LISTS_H

#include "lib/conf/conf.h"
#include "lib/conf/instance.h"
#include "lib/conf/list_file.h"

struct list_setting {
    enum conf_id id;
    struct list_kind kind;
};

extern const struct list_setting list_settings[];
extern const size_t list_settings_count;

/* The row of a setting, or NULL: it names no list file. */
const struct list_setting *lists_find(enum conf_id id);
/* What an entry is of a setting that names a list file, or that is a list of networks itself. 0, or
 * -1: it is no list. */
int lists_kind(enum conf_id id, struct list_kind *out);
/* Where the setting's file is: relative names start at the configuration's directory. The caller
 * frees it. NULL: the setting is empty. */
char *lists_path(const struct conf *conf, const struct instance *inst, enum conf_id id);
/* The entries of the setting's file: none when the setting is empty. NULL on any error, with lines
 * in `errors`. */
struct list_file *lists_load(const struct conf *conf, const struct instance *inst, enum conf_id id,
                             struct strbuf *errors);
/* The same for a program that starts: exits with EX_CONFIG and the errors on stderr. */
struct list_file *lists_load_or_exit(const char *program, const struct conf *conf,
                                     const struct instance *inst, enum conf_id id);

#endif
