/*
 * lib/conf/services_edit.h - changes one line of services.conf and keeps the rest, comments
 * included.
 */
#ifndef POSTHORN_LIB_CONF_SERVICES_EDIT_H
#define POSTHORN_LIB_CONF_SERVICES_EDIT_H

#include "lib/conf/services.h"

/* The file's text, or the built-in one where there is no file. 0, or -1 with a line in `errors`. */
int services_edit_read(const char *path, struct strbuf *text, struct strbuf *errors);
/* `key` of the section becomes `value`; an empty value takes its line out. Nothing is checked but
 * that it stays one line: services_parse() tells. 0, or -1 with a line in `errors`: no such
 * section, a control character, or the text would grow past its ceiling. */
int services_edit(struct strbuf *text, const char *section, const char *key, struct slice value,
                  struct strbuf *errors);

#endif
