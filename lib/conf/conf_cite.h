/*
 * lib/conf/conf_cite.h - the line of the configuration that stands behind a decision.
 *
 * Decisions name a setting ("smtp.close_relay") and, where that names a list file, perhaps a line
 * of it; monitoring.rules stands for itself. What is cited is the configuration as it is on the
 * disk now: a decision in an old log may have been made by another one.
 */
#ifndef POSTHORN_LIB_CONF_CONF_CITE_H
#define POSTHORN_LIB_CONF_CONF_CITE_H

#include "lib/conf/conf.h"
#include "lib/conf/instance.h"

struct conf_cite {
    char *file;    /* NULL: the default holds */
    unsigned line; /* of the file; 0 with `file`: it has no such line any more */
    char *text;    /* of the line; "smtp.close_relay = yes" for a default */
};

struct conf_citer;

/* Borrows both. */
struct conf_citer *conf_citer_new(const struct conf *conf, const struct instance *inst);
void conf_citer_free(struct conf_citer **citerp);

/* `line` 0: the setting's own line in posthorn.conf. The result is the citer's; NULL: there is no
 * such setting. Each file is read once. */
const struct conf_cite *conf_cite(struct conf_citer *citer, struct slice setting, unsigned line);
/* Appends "FILE:LINE: TEXT", or "TEXT (default)". */
void conf_cite_print(const struct conf_cite *cite, struct strbuf *out);
/* The same as an object: file and line (null for a default), text. */
void conf_cite_json(const struct conf_cite *cite, struct strbuf *out);

#endif
