/*
 * authd/key_files.c - key sets of issuers that the administrator has put into etc/oauth/; read
 * before the sandbox.
 */
#include "authd/key_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"

static int
take_file(struct key_files *files, int dir_fd, struct slice name, struct strbuf *error)
{
    struct key_file *file = &files->list[files->count];
    char *path = xasprintf("%.*s.json", (int)name.len, name.ptr);
    int rc = -1;

    file->text = strbuf_new(KEY_SET_MAX);
    if (files->count == KEY_FILES_MAX - 1)
        (void)strbuf_printf(error, "etc/oauth has too many files");
    else if (read_file(dir_fd, path, &file->text) < 0)
        (void)strbuf_printf(error, "etc/oauth/%s: %s", path, strerror(errno));
    else
        rc = 0;
    free(path);
    if (rc < 0) {
        strbuf_free(&file->text);
        return -1;
    }
    file->name = xslicedup(name);
    files->count++;
    return 0;
}

int
key_files_read(struct key_files *files, const char *etc, struct strbuf *error)
{
    char *path = xasprintf("%s/oauth", etc);
    DIR *dir = opendir(path);
    const struct dirent *entry;
    int rc = 0;

    free(path);
    while (dir != NULL && rc == 0 && (entry = readdir(dir)) != NULL) {
        struct slice name = slice_of(entry->d_name);

        if (name.ptr[0] != '.' && slice_ends(name, SLICE(".json")))
            rc = take_file(files, dirfd(dir), slice_sub(name, 0, name.len - 5), error);
    }
    if (dir != NULL)
        (void)closedir(dir);
    return rc;
}

void
key_files_free(struct key_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        free(files->list[i].name);
        strbuf_free(&files->list[i].text);
    }
    files->count = 0;
}

struct slice
key_files_find(const struct key_files *files, struct slice name)
{
    for (size_t i = 0; i < files->count; i++)
        if (slice_eq(name, slice_of(files->list[i].name)))
            return strbuf_slice(&files->list[i].text);
    return slice_make(NULL, 0);
}
