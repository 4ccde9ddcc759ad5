/*
 * lib/conf/secret_file.h - files with passwords, which are for their owner's eyes.
 */
#ifndef POSTHORN_LIB_CONF_SECRET_FILE_H
#define POSTHORN_LIB_CONF_SECRET_FILE_H

#include "lib/base/strbuf.h"

#define SECRET_FILE_MAX 65536 /* bytes */

/* All of the file into `text` (of SECRET_FILE_MAX). 0, or -1 with one line in `error`, also where
 * others than its owner may read it. Whatever happens the caller ends with secret_wipe. */
int secret_file_read(const char *path, struct strbuf *text, struct strbuf *error);
void secret_wipe(struct strbuf *text); /* wipes and frees */

#endif
