/*
 * lib/store/folder_name.h - folder names outside (UTF-8, "Work/Old") and on disk (".Work.Old").
 *
 * On disk each level is in modified UTF-7 (RFC 3501 section 5.1.3), as Maildir++ has it, with a '.'
 * inside a level as "&AC4-". INBOX is "" on disk: the mail directory itself.
 */
#ifndef POSTHORN_LIB_STORE_FOLDER_NAME_H
#define POSTHORN_LIB_STORE_FOLDER_NAME_H

#include "lib/store/store.h"

#define FOLDER_DIR_MAX                                                                             \
    ((size_t)STORE_NAME_MAX * 8) /* bytes of an encoded name before it is refused */

/* UTF-8 with every INBOX at the front in capitals into `out`. -1 with EINVAL: not a good name. */
int folder_name_canonical(struct slice name, struct strbuf *out);
/* The directory of a canonical name: "" for INBOX. -1 with EINVAL: too long. */
int folder_name_to_dir(struct slice name, struct strbuf *out);
/* Back. -1: the directory is no folder's (not ".x", not canonical modified UTF-7, a bad name). */
int folder_name_from_dir(struct slice dir, struct strbuf *out);

#endif
