/*
 * lib/mail/template_file.h - a template of the administrator's, or the one built in.
 */
#ifndef POSTHORN_LIB_MAIL_TEMPLATE_FILE_H
#define POSTHORN_LIB_MAIL_TEMPLATE_FILE_H

#include "lib/mail/template.h"

/* Reads ETC/templates/NAME. When that is missing or breaks a rule of template_parse, it is logged
 * and `built_in` stands in; `etc` NULL: built in. The text lives as long as the process. */
void template_file_load(const char *etc, const char *name, const char *built_in,
                        const char *const *names, struct template_text *text);

#endif
