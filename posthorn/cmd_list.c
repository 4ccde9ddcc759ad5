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
#include <string.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/conf/lists.h"
#include "posthorn/list_text.h"
#include "posthorn/oper_columns.h"
#include "posthorn/remote.h"

#define ERRORS_MAX 65536
#define LIST_MODE 0644

/* ---- at a server elsewhere ---- */

static int
change_elsewhere(struct cli *cli, const char *verb, int argc, char **argv)
{
    struct strbuf entries = strbuf_new(OBJECT_VALUE_MAX);
    struct object_field field;
    struct accountd_admin request;
    struct accountd_admin_reply reply;
    int rc;

    for (int i = 1; i < argc; i++)
        (void)strbuf_printf(&entries, "%s\n", argv[i]);
    field = (struct object_field){SLICE("entries"), strbuf_slice(&entries)};
    request = (struct accountd_admin){.verb = slice_of(verb),
                                      .kind = SLICE("list"),
                                      .name = slice_of(argv[0]),
                                      .fields = &field,
                                      .field_count = 1};
    rc = entries.overflow ? cli_fail(cli, "too many entries at once")
                          : remote_do(cli, &request, &reply);
    strbuf_free(&entries);
    return rc;
}

static void
print_row(void *arg, const struct object_field *fields, uint32_t count)
{
    struct slice value = object_get(fields, count, arg);

    (void)printf("%.*s\n", (int)value.len, value.ptr);
}

static int
show_elsewhere(struct cli *cli, const char *name)
{
    const struct object_field within = {SLICE("within"), slice_of(name)};
    char entry[] = "entry";
    struct table *table;
    int rc;

    if (!cli->json)
        return remote_each(cli, OPER_LIST_ENTRY, &within, 1, print_row, entry);
    table = oper_table(OPER_LIST_ENTRY);
    rc = remote_each(cli, OPER_LIST_ENTRY, &within, 1, oper_add_row, table);
    if (rc == CLI_OK)
        table_print(&table, true);
    else
        table_free(&table);
    return rc;
}

/* ---- verbs ---- */

static int
list_add(struct cli *cli, int argc, char **argv)
{
    struct list list;
    int rc;

    if (cli_options(cli, &argc, argv, NULL, 0, 2, CLI_LIST_MAX) != 0)
        return CLI_USAGE;
    if (cli->remote != NULL)
        return change_elsewhere(cli, "add", argc, argv);
    rc = list_open_to_change(&list, cli, argv[0]);
    for (int i = 1; rc == CLI_OK && i < argc; i++) {
        const char *expected = list.kind.expected(slice_of(argv[i]));

        if (expected != NULL)
            rc = cli_fail(cli, "expected %s, not '%s'", expected, argv[i]);
        else if (!list_add_entry(&list, slice_of(argv[i])))
            cli_warn(cli, "'%s' is there already", argv[i]);
    }
    if (rc == CLI_OK)
        rc = list_write(&list);
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
    if (cli->remote != NULL)
        return change_elsewhere(cli, "remove", argc, argv);
    rc = list_open_to_change(&list, cli, argv[0]);
    for (int i = 1; rc == CLI_OK && i < argc; i++)
        if (!list_remove_entry(&list, slice_of(argv[i])))
            rc = cli_fail(cli, "'%s' is not in the list; nothing was changed", argv[i]);
    if (rc == CLI_OK)
        rc = list_write(&list);
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
    if (cli->remote != NULL)
        return show_elsewhere(cli, argv[0]);
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

/* All or nothing. What is imported is read first: it may come slowly, and others wait. */
static int
list_import(struct cli *cli, int argc, char **argv)
{
    struct list_file *from = NULL;
    struct list_kind kind;
    struct list list;
    size_t added = 0;
    int rc;

    if (cli_options(cli, &argc, argv, NULL, 0, 2, 2) != 0)
        return CLI_USAGE;
    if (list_find_kind(cli, argv[0], &kind) != CLI_OK ||
        read_import(cli, argv[1], &kind, &from) != CLI_OK)
        return CLI_FAILED;
    rc = list_open_to_change(&list, cli, argv[0]);
    if (rc == CLI_OK) {
        added = list_add_file(&list, from);
        rc = list_write(&list);
    }
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
    char list[] = "list";

    if (cli_options(cli, &argc, argv, NULL, 0, 0, 0) != 0)
        return CLI_USAGE;
    if (cli->remote != NULL)
        return remote_each(cli, OPER_LISTS, NULL, 0, print_row, list);
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
    .remote = "names show add remove",
};
