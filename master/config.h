/*
 * master/config.h - one state of both configuration files, and its copy for the daemons.
 *
 * Daemons read master's copy of the text that was checked, run/posthorn.conf.N, never the file that
 * an administrator may be editing: what is broken there cannot reach a service that is restarted.
 */
#ifndef POSTHORN_MASTER_CONFIG_H
#define POSTHORN_MASTER_CONFIG_H

#include "lib/conf/conf.h"
#include "lib/conf/instance.h"
#include "lib/conf/services.h"

struct config {
    struct conf *conf;
    struct services *services;
    char *copy_path; /* what daemons read */
    struct strbuf text;
    uint64_t files; /* config_files_stamp: what daemons read beside it */
    unsigned refs;
};

/* Reads and checks both files, and monitoring.rules, and writes the copy. NULL with lines in
 * `errors`. One reference is the caller's. */
struct config *config_load(const struct instance *inst, struct strbuf *errors);
struct config *config_share(struct config *config);
void config_release(struct config **configp); /* the last one removes the copy */

/* The same posthorn.conf, and the same files beside it. */
bool config_same(const struct config *a, const struct config *b);

#endif
