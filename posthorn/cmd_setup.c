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
#include "lib/account/password_rules.h"
#include "lib/auth/password.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/conf/conf.h"
#include "lib/mail/address.h"
#include "posthorn/accounts.h"
#include "posthorn/password.h"
#include "posthorn/setup.h"

/* ---- accounts ---- */

static int
add(struct accounts *accounts, const char *kind, const char *name,
    const struct object_field *fields, uint32_t count)
{
    const struct accountd_admin request = {.verb = SLICE("add"),
                                           .kind = slice_of(kind),
                                           .name = slice_of(name),
                                           .fields = fields,
                                           .field_count = count};
    struct accountd_admin_reply reply;

    return accounts_do(accounts, &request, &reply);
}

static int
mark_fresh(struct accounts *accounts)
{
    const struct accountd_admin request = {.verb = SLICE("fresh")};
    struct accountd_admin_reply reply;

    return accounts_do(accounts, &request, &reply);
}

static int
add_accounts(struct setup *setup, struct object_field admin_password)
{
    const struct object_field admin[] = {admin_password,
                                         {SLICE("description"), SLICE("First administrator")}};
    const struct object_field postmaster[] = {{SLICE("full_name"), SLICE("Postmaster")}};
    char *address = xasprintf("postmaster@%s", setup->domain);
    struct accounts *accounts = accounts_open(setup->cli);
    int rc = accounts == NULL ? CLI_FAILED : CLI_OK;

    if (rc == CLI_OK)
        rc = add(accounts, "domain", setup->domain, NULL, 0);
    if (rc == CLI_OK)
        rc = add(accounts, "user", address, postmaster, (uint32_t)ARRAY_LEN(postmaster));
    if (rc == CLI_OK)
        rc = add(accounts, "admin", "admin", admin, (uint32_t)ARRAY_LEN(admin));
    if (rc == CLI_OK)
        rc = mark_fresh(accounts);
    accounts_close(&accounts);
    free(address);
    return rc;
}

/* accountd would refuse it too, but then there would be an account base. */
static int
check_password(const struct setup *setup, const struct password_given *password)
{
    const struct password_rules rules = password_rules_of_admins();
    struct strbuf why = strbuf_new(500);
    int rc = CLI_OK;

    if (policy_check(&rules.policy, SLICE("admin"), strbuf_slice(&password->secret), &why) < 0)
        rc = cli_fail(setup->cli, "%s", strbuf_cstr(&why));
    strbuf_free(&why);
    return rc;
}

int
setup_accounts(struct setup *setup, struct strbuf *generated)
{
    const struct password_source source = {.file = setup->admin_password_file};
    struct password_given password;
    int rc = password_take(setup->cli, &source, &password);

    if (rc == CLI_OK)
        rc = check_password(setup, &password);
    if (rc == CLI_OK)
        rc = add_accounts(setup, password_field(&password));
    if (rc == CLI_OK)
        (void)strbuf_str(generated, password_made_up(&password));
    password_given_free(&password);
    return rc;
}

/* ---- what was given ---- */

static int
check_names(struct setup *setup, struct strbuf *domain, struct strbuf *hostname)
{
    if (setup->domain == NULL)
        return cli_usage(setup->cli, "--domain is missing: the domain whose mail is served");
    if (canonical_domain(slice_of(setup->domain), domain) < 0)
        return cli_usage(setup->cli, "--domain: '%s' is no domain name", setup->domain);
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

/* ---- what was made ---- */

static void
print_report(const struct setup *setup, const struct strbuf *password)
{
    static const struct column columns[] = {
        {"root", COLUMN_TEXT, false},          {"domain", COLUMN_TEXT, false},
        {"hostname", COLUMN_TEXT, false},      {"configuration", COLUMN_TEXT, false},
        {"postmaster", COLUMN_TEXT, false},    {"admin", COLUMN_TEXT, false},
        {"admin_password", COLUMN_TEXT, false}};
    const struct instance *inst = &setup->cli->inst;
    char *postmaster = xasprintf("postmaster@%s", setup->domain);
    const struct object_field fields[] = {
        {SLICE("root"), slice_of(inst->root != NULL ? inst->root : "installed")},
        {SLICE("domain"), slice_of(setup->domain)},
        {SLICE("hostname"), slice_of(setup->hostname)},
        {SLICE("configuration"), slice_of(inst->conf_path)},
        {SLICE("postmaster"), slice_of(postmaster)},
        {SLICE("admin"), SLICE("admin")},
        {SLICE("admin_password"),
         password->len > 0 ? strbuf_slice(password) : SLICE("(as given)")}};

    output_show(columns, ARRAY_LEN(columns), fields, (uint32_t)ARRAY_LEN(fields), setup->cli->json);
    free(postmaster);
}

static int
make_instance(struct setup *setup)
{
    struct strbuf password = strbuf_new(64);
    int rc = setup_directories(setup);

    if (rc == CLI_OK)
        rc = setup_try_users(setup);
    if (rc == CLI_OK)
        rc = setup_certificate(setup);
    if (rc == CLI_OK)
        rc = setup_seal_keys(setup);
    if (rc == CLI_OK)
        rc = setup_configuration(setup);
    if (rc == CLI_OK) {
        rc = setup_accounts(setup, &password);
        if (rc != CLI_OK)
            setup_undo(setup);
    }
    if (rc == CLI_OK)
        print_report(setup, &password);
    if (password.ptr != NULL)
        mem_wipe(password.ptr, password.cap);
    strbuf_free(&password);
    return rc;
}

static int
setup_run(struct cli *cli, int argc, char **argv)
{
    static struct setup setup; /* zeroed, large; one command a process */
    struct strbuf domain = strbuf_new(CANONICAL_DOMAIN_MAX),
                  hostname = strbuf_new(CANONICAL_DOMAIN_MAX);
    const struct cli_option options[] = {
        {"--domain", CLI_TEXT, &setup.domain},
        {"--hostname", CLI_TEXT, &setup.hostname},
        {"--port-offset", CLI_TEXT, &setup.port_offset},
        {"--bind", CLI_LIST, &setup.bind},
        {"--admin-password-file", CLI_TEXT, &setup.admin_password_file},
    };
    int rc;

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 0, 0) != 0)
        return CLI_USAGE;
    setup.cli = cli;
    setup.is_root = geteuid() == 0;
    rc = check_names(&setup, &domain, &hostname);
    if (rc == CLI_OK)
        rc = check_addresses(&setup);
    if (rc == CLI_OK)
        rc = check_port_offset(&setup);
    if (rc == CLI_OK)
        rc = check_place(&setup);
    if (rc == CLI_OK) {
        setup_find_users(&setup);
        rc = make_instance(&setup);
    }
    strbuf_free(&domain);
    strbuf_free(&hostname);
    return rc;
}

const struct command command_setup = {
    .name = "setup",
    .summary = "makes a new instance",
    .synopsis = "--domain DOMAIN [--hostname NAME] [--port-offset N] [--bind ADDRESS]... "
                "[--admin-password-file FILE] [--json]",
    .help = "Makes the directories, a configuration with every setting explained, a key and a\n"
            "self-signed certificate, the primary domain, the mailbox postmaster (without a\n"
            "password: 'posthorn user passwd' sets one) and the administrator admin, whose\n"
            "password is made up and printed unless a file has it. An existing instance is never\n"
            "overwritten. Run as root, the daemons use the users posthorn-* or, where those are\n"
            "missing, the numeric ids from 64200 up; run as another user, that one for all.\n",
    .run = setup_run,
};
