/*
 * posthorn/list_text.c - one list of posthorn.conf as a text of lines.
 *
 * What is written replaces the file as a whole, comments of list files included in what stays.
 */
#include "posthorn/list_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/conf/conf_edit.h"
#include "lib/conf/list_edit.h"
#include "posthorn/config_check.h"

#define ERRORS_MAX 65536
#define LIST_MODE 0644

void
list_close(struct list *list)
{
    list_file_free(&list->file);
    strbuf_free(&list->text);
    free(list->path);
    conf_free(&list->conf);
    close_keep_errno(list->lock_fd);
}

/* 0, or CLI_FAILED after the message. */
static int
list_parse(struct list *list)
{
    struct strbuf errors = strbuf_new(ERRORS_MAX);
    const char *name = list->path != NULL ? list->path : list->cli->inst.conf_path;

    list_file_free(&list->file);
    list->file = list_file_parse(strbuf_slice(&list->text), name, &list->kind, &errors);
    (void)fputs(strbuf_cstr(&errors), stderr);
    strbuf_free(&errors);
    return list->file == NULL ? CLI_FAILED : CLI_OK;
}

static int
list_read(struct list *list)
{
    size_t count = list->path != NULL || lists_find(list->id) != NULL
                       ? 0
                       : conf_list_count(list->conf, list->id);

    if (list->path != NULL && read_file(AT_FDCWD, list->path, &list->text) < 0) {
        (void)cli_fail(list->cli, "%s: %s", list->path, strerror(errno));
        return CLI_FAILED;
    }
    for (size_t i = 0; i < count; i++)
        (void)strbuf_printf(&list->text, "%s\n", conf_list_item(list->conf, list->id, i));
    return list_parse(list);
}

int
list_find_kind(struct cli *cli, const char *name, struct list_kind *kind)
{
    int id = conf_find(slice_of(name));

    if (id >= 0 && lists_kind((enum conf_id)id, kind) == 0)
        return CLI_OK;
    (void)cli_fail(cli, "there is no list '%s'; 'posthorn list names' shows all of them", name);
    return CLI_FAILED;
}

static int
lock_settings(struct list *list)
{
    list->lock_fd = conf_edit_lock(list->cli->inst.conf_path);
    if (list->lock_fd >= 0)
        return CLI_OK;
    if (errno == EWOULDBLOCK)
        (void)cli_fail(list->cli, "another change is being put in force: try again");
    else
        (void)cli_fail(list->cli, "the lock of %s: %s", list->cli->inst.conf_path, strerror(errno));
    return CLI_FAILED;
}

static int
open_list(struct list *list, struct cli *cli, const char *name, bool to_change)
{
    *list = (struct list){.cli = cli, .text = strbuf_new(LIST_FILE_MAX), .lock_fd = -1};
    if (list_find_kind(cli, name, &list->kind) != CLI_OK)
        return CLI_FAILED;
    list->id = (enum conf_id)conf_find(slice_of(name));
    if (to_change && lock_settings(list) != CLI_OK)
        return CLI_FAILED;
    list->conf = config_check_read(cli); /* not before: who had the lock may have changed it */
    if (list->conf == NULL)
        return CLI_FAILED;
    if (lists_find(list->id) != NULL)
        list->path = lists_path(list->conf, &cli->inst, list->id);
    return list_read(list);
}

int
list_open(struct list *list, struct cli *cli, const char *name)
{
    return open_list(list, cli, name, false);
}

int
list_open_to_change(struct list *list, struct cli *cli, const char *name)
{
    return open_list(list, cli, name, true);
}

/* ---- writing ---- */

static int
set_value(struct list *list, const char *value)
{
    struct strbuf errors = strbuf_new(ERRORS_MAX);
    const struct conf_edit change = {list->id, value};
    int rc = conf_edit_file_all(list->cli->inst.conf_path, &change, 1, &errors);

    (void)fputs(strbuf_cstr(&errors), stderr);
    strbuf_free(&errors);
    return rc < 0 ? cli_fail(list->cli, "nothing was changed") : CLI_OK;
}

static int
write_setting(struct list *list)
{
    struct strbuf value = strbuf_new(LIST_FILE_MAX);
    int rc;

    for (size_t i = 0; i < list->file->count; i++) {
        (void)strbuf_str(&value, i > 0 ? " " : "");
        (void)strbuf_append(&value, list->file->entries[i].text);
    }
    if (list->file->count > CONF_LIST_MAX)
        rc = cli_fail(list->cli, "%zu entries: expected at most %d", list->file->count,
                      CONF_LIST_MAX);
    else
        rc = set_value(list, conf_edit_list_value(list->id, strbuf_cstr(&value)));
    strbuf_free(&value);
    return rc;
}

/* A list that has no file yet gets lists/NAME.txt, and the setting names it. */
static int
write_new_file(struct list *list)
{
    char *name = xasprintf("lists/%s.txt", conf_settings[list->id].name);
    char *dir = xasprintf("%s/lists", list->cli->inst.etc);
    int rc;

    list->path = xasprintf("%s/%s", list->cli->inst.etc, name);
    if (mkdir(dir, 0755) < 0 && errno != EEXIST)
        rc = cli_fail(list->cli, "%s: %s", dir, strerror(errno));
    else if (access(list->path, F_OK) == 0)
        rc = cli_fail(list->cli, "%s is there, but no list: name it by 'config set', or remove it",
                      list->path);
    else if (replace_file(AT_FDCWD, list->path, strbuf_slice(&list->text), LIST_MODE) < 0)
        rc = cli_fail(list->cli, "%s: %s", list->path, strerror(errno));
    else
        rc = set_value(list, name);
    free(name);
    free(dir);
    return rc;
}

int
list_write(struct list *list)
{
    struct stat st;

    if (list->text.overflow || list_parse(list) != CLI_OK)
        return cli_fail(list->cli, "nothing was changed");
    if (lists_find(list->id) == NULL)
        return write_setting(list);
    if (list->path == NULL)
        return write_new_file(list);
    if (stat(list->path, &st) < 0 ||
        replace_file(AT_FDCWD, list->path, strbuf_slice(&list->text), st.st_mode & 0777) < 0)
        return cli_fail(list->cli, "%s: %s", list->path, strerror(errno));
    return CLI_OK;
}

/* ---- entries ---- */

bool
list_add_entry(struct list *list, struct slice entry)
{
    return list_edit_add(&list->text, entry);
}

size_t
list_add_file(struct list *list, const struct list_file *from)
{
    struct strbuf lines = strbuf_new(LIST_FILE_MAX + 1); /* its last line may lack the newline */
    size_t count;

    for (size_t i = 0; i < from->count; i++) {
        (void)strbuf_append(&lines, from->entries[i].text);
        (void)strbuf_char(&lines, '\n');
    }
    count = list_edit_add_all(&list->text, strbuf_slice(&lines));
    strbuf_free(&lines);
    return count;
}

bool
list_remove_entry(struct list *list, struct slice entry)
{
    return list_edit_remove(&list->text, entry);
}
