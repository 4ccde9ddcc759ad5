/*
 * posthorn/cmd_list.c - `list`: the lists of posthorn.conf, in the file itself or in a list file.
 *
 * A list is a setting of addresses and networks (smtp.deny), or one that names a list file
 * (smtp.open_relay_domains). Both are one text here, an entry a line; what is written replaces the
 * file as a whole, comments of list files included in what stays.
 */
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
#include "lib/conf/lists.h"
#include "posthorn/command.h"
#include "posthorn/config_check.h"
#include "posthorn/output.h"

#define ERRORS_MAX 65536
#define LIST_MODE 0644

struct list {
    struct cli *cli;
    struct conf *conf;
    enum conf_id id;
    struct list_kind kind;
    char *path;         /* of its list file; NULL: it has none */
    struct strbuf text; /* an entry a line */
    struct list_file *file;
};

static void
list_close(struct list *list)
{
    list_file_free(&list->file);
    strbuf_free(&list->text);
    free(list->path);
    conf_free(&list->conf);
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

/* Opens the list that `name` names. 0, or CLI_FAILED after the message; list_close in any case. */
static int
list_open(struct list *list, struct cli *cli, const char *name)
{
    int id = conf_find(slice_of(name));

    *list = (struct list){.cli = cli, .text = strbuf_new(LIST_FILE_MAX)};
    if (id < 0 || lists_kind((enum conf_id)id, &list->kind) < 0) {
        (void)cli_fail(cli, "there is no list '%s'; 'posthorn list names' shows all of them", name);
        return CLI_FAILED;
    }
    list->id = (enum conf_id)id;
    list->conf = config_check_read(cli);
    if (list->conf == NULL)
        return CLI_FAILED;
    if (lists_find(list->id) != NULL)
        list->path = lists_path(list->conf, &cli->inst, list->id);
    return list_read(list);
}

/* ---- writing ---- */

static int
set_value(struct list *list, const char *value)
{
    struct strbuf errors = strbuf_new(ERRORS_MAX);
    int rc = conf_edit_file(list->cli->inst.conf_path, list->id, value, &errors);

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
        rc = set_value(list, value.len == 0 ? NULL : strbuf_cstr(&value));
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

static int
write_list(struct list *list)
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

static bool
has_entry(struct slice text, struct slice entry)
{
    while (text.len > 0)
        if (slice_eq_nocase(list_file_entry(slice_split(&text, '\n')), entry))
            return true;
    return false;
}

/* True if it was not there. */
static bool
add_entry(struct list *list, struct slice entry)
{
    if (has_entry(strbuf_slice(&list->text), entry))
        return false;
    if (list->text.len > 0 && !strbuf_ends_with(&list->text, "\n"))
        (void)strbuf_char(&list->text, '\n'); /* overflow is remembered */
    (void)strbuf_append(&list->text, entry);
    (void)strbuf_char(&list->text, '\n');
    return true;
}

static bool
remove_entry(struct list *list, struct slice entry)
{
    struct strbuf kept = strbuf_new(LIST_FILE_MAX);
    struct slice rest = strbuf_slice(&list->text);
    bool found = false;

    while (rest.len > 0) {
        struct slice line = slice_cut_after(&rest, '\n');

        if (slice_eq_nocase(list_file_entry(line), entry))
            found = true;
        else
            (void)strbuf_append(&kept, line); /* no longer than what there was */
    }
    strbuf_free(&list->text);
    list->text = kept;
    return found;
}

/* ---- verbs ---- */

static int
list_add(struct cli *cli, int argc, char **argv)
{
    struct list list;
    int rc;

    if (cli_options(cli, &argc, argv, NULL, 0, 2, CLI_LIST_MAX) != 0)
        return CLI_USAGE;
    rc = list_open(&list, cli, argv[0]);
    for (int i = 1; rc == CLI_OK && i < argc; i++) {
        const char *expected = list.kind.expected(slice_of(argv[i]));

        if (expected != NULL)
            rc = cli_fail(cli, "expected %s, not '%s'", expected, argv[i]);
        else if (!add_entry(&list, slice_of(argv[i])))
            cli_warn(cli, "'%s' is there already", argv[i]);
    }
    if (rc == CLI_OK)
        rc = write_list(&list);
    list_close(&list);
    return rc;
}

static int
list_remove(struct cli *cli, int argc, char **argv)
{
    struct list list;
    int rc;

    if (cli_options(cli, &argc, argv, NULL, 0, 2, CLI_LIST_MAX) != 0)
        return CLI_USAGE;
    rc = list_open(&list, cli, argv[0]);
    for (int i = 1; rc == CLI_OK && i < argc; i++)
        if (!remove_entry(&list, slice_of(argv[i])))
            rc = cli_fail(cli, "'%s' is not in the list; nothing was changed", argv[i]);
    if (rc == CLI_OK)
        rc = write_list(&list);
    list_close(&list);
    return rc;
}

static int
list_show(struct cli *cli, int argc, char **argv)
{
    static const struct column columns[] = {{"entry", COLUMN_TEXT, false}};
    struct table *table;
    struct list list;
    int rc;

    if (cli_options(cli, &argc, argv, NULL, 0, 1, 1) != 0)
        return CLI_USAGE;
    rc = list_open(&list, cli, argv[0]);
    if (rc == CLI_OK && cli->json) {
        table = table_new(columns, ARRAY_LEN(columns));
        for (size_t i = 0; i < list.file->count; i++)
            table_add(table, &(struct object_field){SLICE("entry"), list.file->entries[i].text}, 1);
        table_print(&table, true);
    }
    for (size_t i = 0; rc == CLI_OK && !cli->json && i < list.file->count; i++)
        (void)printf("%.*s\n", (int)list.file->entries[i].text.len, list.file->entries[i].text.ptr);
    list_close(&list);
    return rc;
}

static int
read_import(struct cli *cli, const char *path, const struct list_kind *kind, struct list_file **out)
{
    struct strbuf errors = strbuf_new(ERRORS_MAX);
    const char *from = strcmp(path, "-") == 0 ? "/dev/stdin" : path;

    *out = list_file_load(from, kind, &errors);
    (void)fputs(strbuf_cstr(&errors), stderr);
    strbuf_free(&errors);
    if (*out != NULL)
        return CLI_OK;
    (void)cli_fail(cli, "nothing was changed");
    return CLI_FAILED;
}

/* All or nothing. */
static int
list_import(struct cli *cli, int argc, char **argv)
{
    struct list_file *from = NULL;
    struct list list;
    size_t added = 0;
    int rc;

    if (cli_options(cli, &argc, argv, NULL, 0, 2, 2) != 0)
        return CLI_USAGE;
    rc = list_open(&list, cli, argv[0]);
    if (rc == CLI_OK)
        rc = read_import(cli, argv[1], &list.kind, &from);
    for (size_t i = 0; rc == CLI_OK && i < from->count; i++)
        added += add_entry(&list, from->entries[i].text);
    if (rc == CLI_OK)
        rc = write_list(&list);
    if (rc == CLI_OK)
        (void)printf("%zu added, %zu there already\n", added, from->count - added);
    list_file_free(&from);
    list_close(&list);
    return rc;
}

static int
list_export(struct cli *cli, int argc, char **argv)
{
    struct strbuf out = strbuf_new(LIST_FILE_MAX);
    struct list list;
    int rc;

    if (cli_options(cli, &argc, argv, NULL, 0, 2, 2) != 0)
        return CLI_USAGE;
    rc = list_open(&list, cli, argv[0]);
    for (size_t i = 0; rc == CLI_OK && i < list.file->count; i++) {
        (void)strbuf_append(&out, list.file->entries[i].text); /* no longer than what was read */
        (void)strbuf_char(&out, '\n');
    }
    if (rc == CLI_OK && replace_file(AT_FDCWD, argv[1], strbuf_slice(&out), LIST_MODE) < 0)
        rc = cli_fail(cli, "%s: %s", argv[1], strerror(errno));
    list_close(&list);
    strbuf_free(&out);
    return rc;
}

static int
list_names(struct cli *cli, int argc, char **argv)
{
    struct list_kind kind;

    if (cli_options(cli, &argc, argv, NULL, 0, 0, 0) != 0)
        return CLI_USAGE;
    for (int id = 0; id < CONF_ID_COUNT; id++)
        if (lists_kind((enum conf_id)id, &kind) == 0)
            (void)printf("%s.%s\n", conf_settings[id].section, conf_settings[id].name);
    return CLI_OK;
}

static const struct cli_verb verbs[] = {
    {"names", "", "the lists that there are", list_names},
    {"show", "NAME [--json]", "the entries of one", list_show},
    {"add", "NAME ENTRY...", "adds entries", list_add},
    {"remove", "NAME ENTRY...", "takes entries out", list_remove},
    {"import", "NAME FILE", "adds what is in a file, an entry a line", list_import},
    {"export", "NAME FILE", "writes the entries to a file", list_export},
    {0},
};

const struct command command_list = {
    .name = "list",
    .summary = "lists of addresses, networks and domains",
    .help =
        "NAME is a setting: one of addresses and networks, such as smtp.deny, whose value is\n"
        "changed in posthorn.conf, or one that names a list file, such as\n"
        "smtp.open_relay_domains; without a file yet it gets DIR/etc/lists/NAME.txt.\n"
        "'import' reads FILE ('-': standard input), skips what is there already, and changes\n"
        "nothing when a line is wrong. A running suite takes changes over at 'posthorn reload'.\n",
    .verbs = verbs,
};
