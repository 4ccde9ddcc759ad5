/*
 * posthorn/cmd_location.c - `location`: where addresses are, for guess.allowed_locations and the
 * log: own records, and the data behind them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/conf/conf_edit.h"
#include "lib/conf/location_edit.h"
#include "lib/conf/location_table.h"
#include "lib/oper/locations.h"
#include "posthorn/config_check.h"
#include "posthorn/list_text.h"
#include "posthorn/oper_columns.h"
#include "posthorn/remote.h"

#define SETTING_NAME "guess.locations"
#define DATA_NAME "lists/location_data.csv"
enum { ERRORS_MAX = 65536, FILE_MODE = 0644 };

static int
location_list(struct cli *cli, int argc, char **argv)
{
    struct table *table;
    struct list list;
    int rc;

    if (cli_options(cli, &argc, argv, NULL, 0, 0, 0) != 0)
        return CLI_USAGE;
    if (cli->remote != NULL) {
        table = oper_table(OPER_LOCATION);
        rc = remote_each(cli, OPER_LOCATION, NULL, 0, oper_add_row, table);
        if (rc == CLI_OK)
            table_print(&table, cli->json);
        else
            table_free(&table);
        return rc;
    }
    rc = list_open(&list, cli, SETTING_NAME);
    if (rc == CLI_OK) {
        table = oper_table(OPER_LOCATION);
        locations_each(list.file, oper_add_row, table);
        table_print(&table, cli->json);
    }
    list_close(&list);
    return rc;
}

static int
find_elsewhere(struct cli *cli, const char *address)
{
    struct object_field fields[OBJECT_FIELDS_MAX];
    const struct accountd_admin request = {
        .verb = SLICE("find"), .kind = SLICE("location"), .name = slice_of(address)};
    struct accountd_admin_reply reply;
    struct slice where;
    int count, rc = remote_do(cli, &request, &reply);

    if (rc != CLI_OK)
        return rc;
    count = object_next(&reply.data, fields);
    where = object_get(fields, count < 0 ? 0 : (uint32_t)count, "location");
    (void)printf("%.*s\n", (int)where.len, where.ptr); /* main() tests stdout */
    return CLI_OK;
}

static int
location_find(struct cli *cli, int argc, char **argv)
{
    struct strbuf errors = strbuf_new(ERRORS_MAX);
    struct location_table *table;
    struct conf *conf;
    struct cidr net;
    const char *name;

    if (cli_options(cli, &argc, argv, NULL, 0, 1, 1) != 0)
        return CLI_USAGE;
    if (cidr_parse(slice_of(argv[0]), &net) < 0 || net.bits != 128)
        return cli_fail(cli, "expected an address, not '%s'", argv[0]);
    if (cli->remote != NULL)
        return find_elsewhere(cli, argv[0]);
    conf = config_check_read(cli);
    if (conf == NULL)
        return CLI_FAILED;
    table = location_table_load(conf, &cli->inst, &errors);
    (void)fputs(strbuf_cstr(&errors), stderr);
    if (table != NULL) {
        name = location_table_find(table, &net.net);
        (void)printf("%s\n", name[0] == '\0' ? "unknown" : name);
    }
    strbuf_free(&errors);
    conf_free(&conf);
    if (table == NULL)
        return CLI_FAILED;
    location_table_free(&table);
    return CLI_OK;
}

static struct slice
find_entry(const struct list *list, struct slice first, struct slice last)
{
    return location_edit_find(strbuf_slice(&list->text), first, last);
}

static int
make_entry(struct cli *cli, char **argv, const char *order, struct slice old, struct strbuf *out)
{
    const struct location_wish wish = {.first = slice_of(argv[0]),
                                       .last = slice_of(argv[1]),
                                       .location = slice_of(argv[2]),
                                       .order = slice_of(order)};

    if (location_edit_make(&wish, old, clock_real_ms(), out) == 0)
        return CLI_OK;
    return cli_fail(cli,
                    "expected two addresses of one kind, the first not above the last, a "
                    "location without spaces and commas, and an order up to %d",
                    LOCATION_ORDER_MAX);
}

/* At a server elsewhere: `words` are first, last and, if there is one, the location. */
static int
change_elsewhere(struct cli *cli, const char *verb, char **words, int count, const char *order)
{
    static const char *const names[] = {"first", "last", "location"};
    struct object_field fields[ARRAY_LEN(names) + 1];
    struct accountd_admin request = {
        .verb = slice_of(verb), .kind = SLICE("location"), .fields = fields};
    struct accountd_admin_reply reply;

    for (int i = 0; i < count && i < (int)ARRAY_LEN(names); i++)
        fields[request.field_count++] =
            (struct object_field){slice_of(names[i]), slice_of(words[i])};
    if (order != NULL)
        fields[request.field_count++] = (struct object_field){SLICE("order"), slice_of(order)};
    return remote_do(cli, &request, &reply);
}

static int
change(struct cli *cli, int argc, char **argv, bool is_new)
{
    struct strbuf entry = strbuf_new(LIST_ENTRY_MAX);
    const char *order = NULL;
    const struct cli_option options[] = {{"--order", CLI_TEXT, &order}};
    struct list list;
    struct slice old;
    int rc;

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 3, 3) != 0)
        return CLI_USAGE;
    if (cli->remote != NULL)
        return change_elsewhere(cli, is_new ? "add" : "set", argv, argc, order);
    rc = list_open_to_change(&list, cli, SETTING_NAME);
    if (rc == CLI_OK) {
        old = find_entry(&list, slice_of(argv[0]), slice_of(argv[1]));
        if (is_new && old.len > 0)
            rc = cli_fail(cli, "there is a record of that range: 'location set' changes it");
        else if (!is_new && old.len == 0)
            rc = cli_fail(cli, "there is no record of that range: 'location add' makes one");
        else
            rc = make_entry(cli, argv, order, old, &entry);
        if (rc == CLI_OK && !is_new)
            (void)list_remove_entry(&list, old); /* it is there */
        if (rc == CLI_OK) {
            (void)list_add_entry(&list, strbuf_slice(&entry));
            rc = list_write(&list);
        }
    }
    list_close(&list);
    strbuf_free(&entry);
    return rc;
}

static int
location_add(struct cli *cli, int argc, char **argv)
{
    return change(cli, argc, argv, true);
}

static int
location_set(struct cli *cli, int argc, char **argv)
{
    return change(cli, argc, argv, false);
}

static int
location_remove(struct cli *cli, int argc, char **argv)
{
    struct list list;
    struct slice old;
    int rc;

    if (cli_options(cli, &argc, argv, NULL, 0, 2, 2) != 0)
        return CLI_USAGE;
    if (cli->remote != NULL)
        return change_elsewhere(cli, "remove", argv, argc, NULL);
    rc = list_open_to_change(&list, cli, SETTING_NAME);
    if (rc == CLI_OK) {
        old = find_entry(&list, slice_of(argv[0]), slice_of(argv[1]));
        if (old.len == 0 || !list_remove_entry(&list, old))
            rc = cli_fail(cli, "there is no record of that range; nothing was changed");
        else
            rc = list_write(&list);
    }
    list_close(&list);
    return rc;
}

/* ---- data ---- */

static int
write_data(struct cli *cli, struct slice data)
{
    struct strbuf errors = strbuf_new(ERRORS_MAX);
    char *dir = xasprintf("%s/lists", cli->inst.etc);
    char *path = xasprintf("%s/%s", cli->inst.etc, DATA_NAME);
    int rc = CLI_OK;

    if ((mkdir(dir, 0755) < 0 && errno != EEXIST) ||
        replace_file(AT_FDCWD, path, data, FILE_MODE) < 0)
        rc = cli_fail(cli, "%s: %s", path, strerror(errno));
    else if (conf_edit_file(cli->inst.conf_path, GUESS_LOCATION_DATA, DATA_NAME, &errors) < 0)
        rc = cli_fail(cli, "%s", strbuf_cstr(&errors));
    strbuf_free(&errors);
    free(dir);
    free(path);
    return rc;
}

static int
location_import(struct cli *cli, int argc, char **argv)
{
    struct location_table *table = location_table_new();
    struct strbuf data = strbuf_new(LOCATION_DATA_MAX), errors = strbuf_new(ERRORS_MAX);
    int rc = CLI_USAGE;

    if (cli_options(cli, &argc, argv, NULL, 0, 1, 1) != 0)
        goto out;
    rc = CLI_FAILED;
    if (!cli_needs_instance(cli))
        goto out;
    if (read_file(AT_FDCWD, strcmp(argv[0], "-") == 0 ? "/dev/stdin" : argv[0], &data) < 0)
        (void)cli_fail(cli, "%s: %s", argv[0], strerror(errno));
    else if (location_table_read(table, strbuf_slice(&data), argv[0], &errors) < 0)
        (void)cli_fail(cli, "%sposthorn: nothing was changed", strbuf_cstr(&errors));
    else
        rc = write_data(cli, strbuf_slice(&data));
out:
    location_table_free(&table);
    strbuf_free(&data);
    strbuf_free(&errors);
    return rc;
}

static const struct cli_verb verbs[] = {
    {"find", "ADDRESS", "where an address is", location_find},
    {"list", "[--json]", "own records, in the order in which they are looked at", location_list},
    {"add", "FIRST LAST LOCATION [--order N]", "makes a record", location_add},
    {"set", "FIRST LAST LOCATION [--order N]", "changes the record of that range", location_set},
    {"remove", "FIRST LAST", "removes it", location_remove},
    {"import", "FILE", "replaces the data: lines FIRST,LAST,LOCATION", location_import},
    {0},
};

const struct command command_location = {
    .name = "location",
    .summary = "where in the world addresses are",
    .help =
        "Logins are logged with the location of the client, and may be allowed from some\n"
        "(guess.allowed_locations). Own records go before the data, those with the lower order\n"
        "(100 if none is given) before others. Without data of yours only private networks "
        "have a\n"
        "location; lists of countries by address are had from registries and others, as CSV.\n"
        "A running suite takes changes over at 'posthorn reload'.\n",
    .verbs = verbs,
    .remote = "find list add set remove",
};
