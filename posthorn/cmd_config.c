/*
 * posthorn/cmd_config.c - `config get|set|check|try|doc`: posthorn.conf by its typed table.
 *
 * Reads and replaces the one file; a running suite sees a change at `posthorn reload`.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/conf/conf.h"
#include "lib/conf/conf_edit.h"
#include "lib/oper/settings.h"
#include "posthorn/command.h"
#include "posthorn/config_check.h"
#include "posthorn/config_doc.h"
#include "posthorn/config_try.h"
#include "posthorn/oper_columns.h"
#include "posthorn/remote.h"

#define ERRORS_MAX 65536

static int
find(const struct cli *cli, const char *name)
{
    int id = conf_find(slice_of(name));

    if (id < 0)
        (void)cli_fail(cli, "there is no setting '%s'; 'posthorn config doc' lists all of them",
                       name);
    return id;
}

/* Without a name: every setting, or every one of a section. */
static int
print_many(const struct cli *cli, const struct conf *conf, const char *section)
{
    struct table *table = oper_table(OPER_SETTING);
    size_t rows;

    for (int id = 0; id < CONF_ID_COUNT; id++)
        if (section == NULL || strcmp(section, conf_settings[id].section) == 0)
            oper_setting_row(conf, (enum conf_id)id, oper_add_row, table);
    rows = table_rows(table);
    table_print(&table, cli->json && rows > 0);
    if (rows == 0)
        return cli_fail(cli, "there is no section '%s'; 'posthorn config doc' lists all of them",
                        section);
    return CLI_OK;
}

/* One setting: its bare value, for a script; with --json the row that a list would have. */
static void
print_one(const struct cli *cli, const struct conf *conf, enum conf_id id)
{
    struct strbuf value = strbuf_new(8192);
    struct table *table;

    if (cli->json) {
        table = oper_table(OPER_SETTING);
        oper_setting_row(conf, id, oper_add_row, table);
        table_print_object(&table);
    } else {
        conf_print_value(conf, id, &value);
        (void)puts(strbuf_cstr(&value)); /* main() tests stdout at the end */
    }
    strbuf_free(&value);
}

/* At a server elsewhere; NULL: all. Settings are those of its version. */
static int
get_remote(struct cli *cli, const char *name)
{
    const struct object_field within = {SLICE("within"), slice_of(name)};
    const struct accountd_admin request = {
        .verb = SLICE("show"), .kind = SLICE("setting"), .name = slice_of(name)};
    struct object_field fields[OBJECT_FIELDS_MAX];
    struct table *table = oper_table(OPER_SETTING);
    struct accountd_admin_reply reply;
    bool is_one = name != NULL && strchr(name, '.') != NULL;
    int count = 0, rc;

    rc = is_one ? remote_do(cli, &request, &reply)
                : remote_each(cli, OPER_SETTING, &within, 1, oper_add_row, table);
    if (rc == CLI_OK && is_one && (count = object_next(&reply.data, fields)) > 0)
        table_add(table, fields, (uint32_t)count);
    if (rc != CLI_OK)
        table_free(&table);
    else if (!is_one)
        table_print(&table, cli->json);
    else if (cli->json && count > 0)
        table_print_object(&table);
    else {
        table_free(&table);
        (void)printf("%.*s\n",
                     (int)object_get(fields, (uint32_t)(count > 0 ? count : 0), "value").len,
                     object_get(fields, (uint32_t)(count > 0 ? count : 0), "value").ptr);
    }
    return rc;
}

static int
set_remote(struct cli *cli, const char *name, const char *value)
{
    const struct object_field field = {value == NULL ? SLICE("unset") : slice_of(name),
                                       slice_of(value == NULL ? name : value)};
    const struct accountd_admin request = {
        .verb = SLICE("set"), .kind = SLICE("setting"), .fields = &field, .field_count = 1};
    struct accountd_admin_reply reply;

    return remote_do(cli, &request, &reply);
}

static int
config_get(struct cli *cli, int argc, char **argv)
{
    struct conf *conf;
    int id, rc = CLI_FAILED;

    if (cli_options(cli, &argc, argv, NULL, 0, 0, 1) != 0)
        return CLI_USAGE;
    if (cli->remote != NULL)
        return get_remote(cli, argc == 0 ? NULL : argv[0]);
    conf = config_check_read(cli);
    if (conf == NULL)
        return CLI_FAILED;
    if (argc == 0 || strchr(argv[0], '.') == NULL) {
        rc = print_many(cli, conf, argc == 0 ? NULL : argv[0]);
    } else {
        id = find(cli, argv[0]);
        if (id >= 0) {
            print_one(cli, conf, (enum conf_id)id);
            rc = CLI_OK;
        }
    }
    conf_free(&conf);
    return rc;
}

/* "section.name value" or "section.name=value"; --unset: back to the default. */
static int
config_set(struct cli *cli, int argc, char **argv)
{
    struct strbuf errors = strbuf_new(ERRORS_MAX);
    bool unset = false;
    const struct cli_option options[] = {{"--unset", CLI_FLAG, &unset}};
    const char *value;
    char *equals;
    int id;

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 1, 2) != 0)
        return CLI_USAGE;
    equals = argc == 1 ? strchr(argv[0], '=') : NULL;
    if (equals != NULL)
        *equals = '\0';
    value = equals != NULL ? equals + 1 : argc == 2 ? argv[1] : NULL;
    if ((value == NULL) != unset)
        return cli_usage(cli, "expected a value, or --unset without one");
    if (cli->remote != NULL)
        return set_remote(cli, argv[0], value);
    id = find(cli, argv[0]);
    if (id < 0 || !cli_needs_instance(cli))
        return CLI_FAILED;
    if (conf_edit_file(cli->inst.conf_path, (enum conf_id)id, value, &errors) < 0) {
        (void)fputs(strbuf_cstr(&errors), stderr);
        strbuf_free(&errors);
        return cli_fail(cli, "nothing was changed");
    }
    return CLI_OK;
}

static int
config_check(struct cli *cli, int argc, char **argv)
{
    struct conf *conf;

    if (cli_options(cli, &argc, argv, NULL, 0, 0, 0) != 0)
        return CLI_USAGE;
    conf = config_check_all(cli);
    if (conf == NULL)
        return CLI_FAILED;
    if (conf_u64(conf, SYSTEM_PORT_OFFSET) != 0)
        cli_warn(cli, "warning: with system.port_offset, SMTP does not listen on port 25: other "
                      "servers will not find it");
    conf_free(&conf);
    return CLI_OK;
}

static int
config_doc(struct cli *cli, int argc, char **argv)
{
    bool man = false, sample = false;
    const struct cli_option options[] = {{"--man", CLI_FLAG, &man},
                                         {"--sample", CLI_FLAG, &sample}};

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 0, 1) != 0)
        return CLI_USAGE;
    if (man)
        config_doc_man();
    else if (sample)
        config_doc_sample();
    else if (config_doc_text(argc == 1 ? argv[0] : NULL) == 0)
        return cli_fail(cli, "there is no setting or section '%s'; 'posthorn config doc' lists all",
                        argv[0]);
    return CLI_OK;
}

static const struct cli_verb verbs[] = {
    {"get", "[SECTION | SECTION.NAME] [--json]", "the value in force, or all of them", config_get},
    {"set", "SECTION.NAME VALUE | SECTION.NAME --unset", "changes one line of the file",
     config_set},
    {"check", "", "reads posthorn.conf and services.conf and reports every error", config_check},
    {"try", "FILE | DIRECTORY [--since T] [--json]",
     "what another configuration would have decided otherwise", config_try},
    {"doc", "[--man | --sample] [SECTION[.NAME]]", "the reference of the settings", config_doc},
    {0},
};

const struct command command_config = {
    .name = "config",
    .summary = "reads, changes and checks posthorn.conf",
    .help =
        "'set' rewrites one line of DIR/etc/posthorn.conf and keeps everything else, comments\n"
        "included; a value that the setting does not take changes nothing. A running suite\n"
        "takes changes over at 'posthorn reload' (elsewhere, with --server, at once). 'try'\n"
        "replays the envelopes that the logs of the last day (or since T, as for trace) tell\n"
        "of, nothing is sent, and prints each decision that FILE would change, with both lines;\n"
        "it exits with 3 if there is any.\n",
    .verbs = verbs,
    .remote = "get set",
};
