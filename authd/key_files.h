/*
 * authd/key_files.h - key sets of issuers that the administrator has put into etc/oauth/.
 */
#ifndef POSTHORN_AUTHD_KEY_FILES_H
#define POSTHORN_AUTHD_KEY_FILES_H

#include "lib/base/strbuf.h"

#define KEY_FILES_MAX 32
#define KEY_SET_MAX 65536 /* bytes of a set */

struct key_file {
    char *name;
    struct strbuf text;
};
struct key_files {
    struct key_file list[KEY_FILES_MAX];
    size_t count;
};

/* Reads every NAME.json of `etc`/oauth, if there is such a directory. 0, or -1 with one line in
 * `error`. */
int key_files_read(struct key_files *files, const char *etc, struct strbuf *error);
void key_files_free(struct key_files *files);
/* The empty slice: there is none of that name. */
struct slice key_files_find(const struct key_files *files, struct slice name);

#endif
