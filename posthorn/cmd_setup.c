/*
 * posthorn/cmd_setup.c - `setup`: makes an instance, from the directories to the first mailbox.
 */
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/account/canonical.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/conf/conf.h"
#include "lib/mail/address.h"
#include "posthorn/by_systemd.h"
#include "posthorn/output.h"
#include "posthorn/password.h"
#include "posthorn/setup.h"
#include "posthorn/setup_answers.h"
#include "posthorn/setup_ask.h"

/* ---- what was given ---- */

static int
check_names(struct setup *setup, struct strbuf *domain, struct strbuf *hostname)
{
    if (setup->domain == NULL)
        return cli_usage(setup->cli, "--domain is missing: the domain whose mail is served");
    if (canonical_domain(slice_of(setup->domain), domain) < 0)
        return cli_usage(setup->cli, "--domain: '%s' is no domain name", setup->domain);
    if (setup->hostname == NULL) /* then the setting of that name counts */
        setup->hostname = setup_setting_value(setup, SYSTEM_HOSTNAME);
    if (setup->hostname == NULL)
        (void)strbuf_printf(hostname, "mail.%s", strbuf_cstr(domain));
    else if (canonical_domain(slice_of(setup->hostname), hostname) < 0)
        return cli_usage(setup->cli, "--hostname: '%s' is no host name", setup->hostname);
    setup->domain = strbuf_cstr(domain);
    setup->hostname = strbuf_cstr(hostname);
    return CLI_OK;
}

static int
check_addresses(struct setup *setup)
{
    struct address_ip ip;

    for (size_t i = 0; i < setup->bind.count; i++)
        if (address_ip_parse(slice_of(setup->bind.items[i]), &ip) < 0)
            return cli_usage(setup->cli, "--bind: '%s' is no IP address", setup->bind.items[i]);
    return CLI_OK;
}

/* Before anything is made. */
static int
check_port_offset(struct setup *setup)
{
    struct strbuf expected = strbuf_new(256);
    const struct conf_setting *s = &conf_settings[SYSTEM_PORT_OFFSET];
    uint64_t offset;
    int rc = CLI_OK;

    conf_expected(SYSTEM_PORT_OFFSET, &expected);
    if (setup->port_offset != NULL && parse_u64(slice_of(setup->port_offset), s->max, &offset) < 0)
        rc = cli_usage(setup->cli, "--port-offset: expected %s, not '%s'", strbuf_cstr(&expected),
                       setup->port_offset);
    strbuf_free(&expected);
    return rc;
}

static bool
is_empty_or_missing(const char *path)
{
    DIR *dir = opendir(path);
    const struct dirent *entry;
    bool empty = true;

    if (dir == NULL)
        return errno == ENOENT || errno == ENOTDIR; /* making it will say what is in the way */
    while (empty && (entry = readdir(dir)) != NULL)
        empty = entry->d_name[0] == '.' || strcmp(entry->d_name, "lock") == 0;
    (void)closedir(dir); /* nothing was written through it */
    return empty;
}

static int
check_place(struct setup *setup)
{
    const struct instance *inst = &setup->cli->inst;

    if (instance_exists(inst))
        return cli_fail(setup->cli, "there is an instance already: %s exists; nothing was changed",
                        inst->conf_path);
    if (!is_empty_or_missing(inst->db))
        return cli_fail(setup->cli,
                        "%s holds an account base without a configuration: move it away first",
                        inst->db);
    return CLI_OK;
}

/* NAME=VALUE of --set. */
static int
take_settings(struct setup *setup, const struct cli_list *given)
{
    for (size_t i = 0; i < given->count; i++) {
        struct slice value = slice_of(given->items[i]), name = slice_split(&value, '=');
        int id = conf_find(name);

        if (id < 0 || name.len == strlen(given->items[i]))
            return cli_usage(setup->cli,
                             "--set: expected NAME=VALUE with the name of a setting, "
                             "such as smtp.max_recipients=500, not '%s'",
                             given->items[i]);
        if (setup_setting_add(setup, (enum conf_id)id, value, SETUP_FROM_OPTION) < 0)
            return cli_usage(setup->cli, "too many settings");
    }
    return CLI_OK;
}

static int
check_profile(struct setup *setup)
{
    if (setup->profile_name == NULL)
        return CLI_OK;
    setup->profile = profile_find(setup->profile_name);
    if (setup->profile != NULL)
        return CLI_OK;
    return cli_usage(setup->cli, "there is no profile '%s': 'posthorn setup --profiles' lists them",
                     setup->profile_name);
}

static int
list_profiles(const struct cli *cli)
{
    static const struct column columns[] = {{"profile", COLUMN_TEXT, false},
                                            {"for", COLUMN_TEXT, false}};
    struct table *table = table_new(columns, ARRAY_LEN(columns));

    for (const struct profile *p = profiles; p->name != NULL; p++) {
        const struct object_field fields[] = {{SLICE("profile"), slice_of(p->name)},
                                              {SLICE("for"), slice_of(p->summary)}};

        table_add(table, fields, (uint32_t)ARRAY_LEN(fields));
    }
    table_print(&table, cli->json);
    return CLI_OK;
}

/* ---- what was made ---- */

/* What is said of a password in the report. */
static struct slice
shown_password(const struct password_given *password)
{
    if (password->secret.len == 0)
        return SLICE("(none)");
    return password->made_up ? strbuf_slice(&password->secret) : SLICE("(as given)");
}

/* `works`: what the test came to; empty: there was none. */
static void
print_report(const struct setup *setup, const struct password_given *admin,
             const struct password_given *postmaster, struct slice works)
{
    static const struct column columns[] = {{"root", COLUMN_TEXT, false},
                                            {"domain", COLUMN_TEXT, false},
                                            {"hostname", COLUMN_TEXT, false},
                                            {"profile", COLUMN_TEXT, false},
                                            {"configuration", COLUMN_TEXT, false},
                                            {"postmaster", COLUMN_TEXT, false},
                                            {"postmaster_password", COLUMN_TEXT, false},
                                            {"admin", COLUMN_TEXT, false},
                                            {"admin_password", COLUMN_TEXT, false},
                                            {"works", COLUMN_BOOL, true}};
    const struct instance *inst = &setup->cli->inst;
    char *address = xasprintf("postmaster@%s", setup->domain);
    const struct object_field fields[] = {
        {SLICE("root"), slice_of(inst->root != NULL ? inst->root : "installed")},
        {SLICE("domain"), slice_of(setup->domain)},
        {SLICE("hostname"), slice_of(setup->hostname)},
        {SLICE("profile"), slice_of(setup->profile != NULL ? setup->profile->name : "(none)")},
        {SLICE("configuration"), slice_of(inst->conf_path)},
        {SLICE("postmaster"), slice_of(address)},
        {SLICE("postmaster_password"), shown_password(postmaster)},
        {SLICE("admin"), SLICE("admin")},
        {SLICE("admin_password"), shown_password(admin)},
        {SLICE("works"), works}};

    output_show(columns, ARRAY_LEN(columns) - (works.len == 0), fields, (uint32_t)ARRAY_LEN(fields),
                setup->cli->json);
    free(address);
}

static int
make_files(struct setup *setup, struct slice text)
{
    int rc = setup_directories(setup);

    if (rc == CLI_OK)
        rc = setup_try_users(setup);
    if (rc == CLI_OK)
        rc = setup_certificate(setup);
    if (rc == CLI_OK)
        rc = setup_seal_keys(setup);
    if (rc == CLI_OK)
        rc = setup_configuration(setup, text);
    return rc;
}

/* What a new administrator does now. */
static void
tell_next(const struct setup *setup)
{
    const char *root = setup->cli->inst.root;
    char *command = root == NULL ? xstrdup("posthorn") : xasprintf("posthorn --root %s", root);

    (void)printf("\nWhat comes next:\n");
    if (!setup->start)
        (void)printf("  %s start\n", command);
    if (by_systemd(setup->cli))
        (void)printf("  systemctl enable posthorn        starts it with the host\n");
    (void)printf("  %s user add NAME@%s\n", command, setup->domain);
    (void)printf("  %s doctor %s\n", command, setup->domain);
    free(command);
}

/* Passwords that were made up are said before anything else can fail; in JSON there is one object.
 */
static int
finish(struct setup *setup, const struct password_given *admin,
       const struct password_given *postmaster)
{
    int rc = CLI_OK;

    if (!setup->cli->json)
        print_report(setup, admin, postmaster, SLICE(""));
    if (setup->start)
        rc = setup_test(setup, strbuf_slice(&admin->secret), strbuf_slice(&postmaster->secret));
    if (setup->cli->json)
        print_report(setup, admin, postmaster,
                     slice_of(!setup->start  ? ""
                              : rc == CLI_OK ? "yes"
                                             : "no"));
    else
        tell_next(setup);
    return rc;
}

/* All that can be wrong is looked at before anything is made. */
static int
make_instance(struct setup *setup)
{
    struct password_given admin = {.secret = strbuf_new(0)}, postmaster = {.secret = strbuf_new(0)};
    struct strbuf text = strbuf_new(CONF_FILE_MAX);
    int rc = setup_text(setup, &text);

    if (rc == CLI_OK)
        rc = setup_password(setup, "admin", &setup->admin, true, &admin);
    if (rc == CLI_OK)
        rc = setup_password(setup, "postmaster", &setup->postmaster, setup->start, &postmaster);
    if (rc == CLI_OK)
        rc = make_files(setup, strbuf_slice(&text));
    if (rc == CLI_OK) {
        rc = setup_accounts(setup, &admin, &postmaster);
        if (rc != CLI_OK)
            setup_undo(setup);
    }
    if (rc == CLI_OK)
        rc = finish(setup, &admin, &postmaster);
    password_given_free(&admin);
    password_given_free(&postmaster);
    strbuf_free(&text);
    return rc;
}

/* From the options, the file of answers or the terminal. */
static int
take_answers(struct setup *setup, const struct cli_list *settings, const char *answers)
{
    int rc = take_settings(setup, settings);

    if (rc == CLI_OK && answers != NULL)
        rc = setup_answers_read(setup, answers);
    else if (rc == CLI_OK && setup->domain == NULL && setup_can_ask())
        rc = setup_ask(setup);
    return rc;
}

static int
run(struct setup *setup)
{
    struct strbuf domain = strbuf_new(CANONICAL_DOMAIN_MAX),
                  hostname = strbuf_new(CANONICAL_DOMAIN_MAX);
    int rc = check_names(setup, &domain, &hostname);

    if (rc == CLI_OK)
        rc = check_addresses(setup);
    if (rc == CLI_OK)
        rc = check_port_offset(setup);
    if (rc == CLI_OK)
        rc = check_profile(setup);
    if (rc == CLI_OK)
        rc = check_place(setup);
    if (rc == CLI_OK)
        rc = setup_find_users(setup);
    if (rc == CLI_OK)
        rc = make_instance(setup);
    strbuf_free(&domain);
    strbuf_free(&hostname);
    return rc;
}

static int
setup_run(struct cli *cli, int argc, char **argv)
{
    static struct setup setup; /* zeroed, large; one command a process */
    static struct cli_list settings;
    const char *answers = NULL;
    bool only_list = false, upgrade = false;
    const struct cli_option options[] = {
        {"--domain", CLI_TEXT, &setup.domain},
        {"--hostname", CLI_TEXT, &setup.hostname},
        {"--port-offset", CLI_TEXT, &setup.port_offset},
        {"--bind", CLI_LIST, &setup.bind},
        {"--profile", CLI_TEXT, &setup.profile_name},
        {"--set", CLI_LIST, &settings},
        {"--admin-password-file", CLI_TEXT, &setup.admin.file},
        {"--postmaster-password-file", CLI_TEXT, &setup.postmaster.file},
        {"--answers", CLI_TEXT, &answers},
        {"--start", CLI_FLAG, &setup.start},
        {"--profiles", CLI_FLAG, &only_list},
        {"--upgrade", CLI_FLAG, &upgrade},
    };
    int rc;

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 0, 0) != 0)
        return CLI_USAGE;
    if (only_list)
        return list_profiles(cli);
    setup.cli = cli;
    setup.is_root = geteuid() == 0;
    if (upgrade)
        return setup_upgrade(&setup);
    rc = take_answers(&setup, &settings, answers);
    if (rc == CLI_OK)
        rc = run(&setup);
    setup_wipe_secrets(&setup);
    return rc;
}

const struct command command_setup = {
    .name = "setup",
    .summary = "makes a new instance",
    .synopsis = "--domain DOMAIN [--hostname NAME] [--port-offset N] [--bind ADDRESS]... "
                "[--profile NAME] [--set SETTING=VALUE]... [--admin-password-file FILE] "
                "[--postmaster-password-file FILE] [--start] [--json] | --answers FILE [--json] | "
                "--profiles [--json] | --upgrade [--json]",
    .help =
        "Makes the directories, a configuration with every setting explained, a key and a\n"
        "self-signed certificate, the primary domain, the mailbox postmaster (without a\n"
        "password unless one is given: 'posthorn user passwd' sets one) and the administrator\n"
        "admin, whose password is made up and printed unless a file has it. An existing instance\n"
        "is never overwritten, and nothing is made while anything of what is given is wrong. Run\n"
        "as root, the daemons use the users posthorn-* or, where those are missing, the numeric\n"
        "ids from 64200 up; run as another user, that one for all.\n"
        "\n"
        "Without --domain it asks, if it has a terminal.\n"
        "--profile  a sample configuration for common circumstances; --profiles lists them\n"
        "--set      a setting of posthorn.conf; counts more than what the profile says\n"
        "--start    starts the services, sends a message to postmaster, reads it back by IMAP and\n"
        "           POP3, asks the administrative API, and says what worked; postmaster gets a\n"
        "           password that is printed\n"
        "--answers  a file in place of options and questions, one answer a line: domain, "
        "hostname,\n"
        "           port_offset, bind (addresses), profile, start (yes, no), admin_password,\n"
        "           admin_password_file, postmaster_password, postmaster_password_file = VALUE; "
        "then,\n"
        "           below their [section], settings. A file with passwords is its owner's alone "
        "(chmod\n"
        "           600). Options count more than the file.\n"
        "--upgrade  for an instance that an older version made: adds users, directories and files\n"
        "           that this version needs, and the services that services.conf lacks, switched\n"
        "           off if they listen on a port; prints what it added and changes nothing else\n",
    .run = setup_run,
};
