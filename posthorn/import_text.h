/*
 * posthorn/import_text.h - reads a text file that another server left beside a Maildir.
 */
#ifndef POSTHORN_POSTHORN_IMPORT_TEXT_H
#define POSTHORN_POSTHORN_IMPORT_TEXT_H

#include "lib/base/strbuf.h"

/* The regular file `name` in `dir` below `root`, of 256 MiB at most; empty if there is none. The
 * caller frees it. */
struct strbuf import_text_read(int root, const char *dir, const char *name);

#endif
