/*
 * lib/conf/conf_new.h - the posthorn.conf of a new instance: every setting with its explanation.
 */
#ifndef POSTHORN_LIB_CONF_CONF_NEW_H
#define POSTHORN_LIB_CONF_CONF_NEW_H

#include "lib/conf/conf.h"

#define CONF_LINE_WIDTH 100

extern const char conf_new_head[]; /* conf/posthorn.conf.in, built in */

/* The head, then every section with its settings: explanation and default, as comments. */
void conf_new_text(struct strbuf *out);

#endif
