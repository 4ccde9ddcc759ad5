/*
 * posthorn/cmd_acl.c - `acl list|set|del`: who may do what with folders of others.
 */
#include "lib/account/public_list.h"
#include "lib/store/mailbox.h"
#include "posthorn/accounts.h"
#include "posthorn/store_job.h"
#include "posthorn/store_users.h"

static const struct column columns[] = {{"owner", COLUMN_TEXT, false},
                                        {"folder", COLUMN_TEXT, false},
                                        {"who", COLUMN_TEXT, false},
                                        {"rights", COLUMN_TEXT, false}};

struct listing {
    struct table *table;
    const char *folder; /* NULL: all */
};

static void
add_row(const struct listing *l, struct slice owner, struct slice folder, struct slice who,
        struct slice rights)
{
    const struct object_field row[] = {{SLICE("owner"), owner},
                                       {SLICE("folder"), folder},
                                       {SLICE("who"), who},
                                       {SLICE("rights"), rights}};

    if (l->folder == NULL || slice_eq(folder, slice_of(l->folder)))
        table_add(l->table, row, ARRAY_LEN(row));
}

static void
add_share(void *arg, const struct object_field *fields, uint32_t count)
{
    add_row(arg, object_get(fields, count, "owner"), object_get(fields, count, "folder"),
            object_get(fields, count, "grantee"), object_get(fields, count, "rights"));
}

/* A public folder has three lists in the place of rights. */
static void
add_public(void *arg, const struct object_field *fields, uint32_t count)
{
    struct strbuf rights = strbuf_new(32), name = strbuf_new(ACCOUNTD_FOLDER_NAME_MAX);

    (void)strbuf_char(&name, '@'); /* both fit */
    (void)strbuf_append(&name, object_get(fields, count, "folder"));
    for (size_t i = 0; i < PUBLIC_LISTS; i++) {
        const char *list = account_properties[public_lists[i].property].name;
        struct slice rest = object_get(fields, count, list), word;

        strbuf_clear(&rights);
        imap_rights_write(public_lists[i].rights, &rights);
        while ((word = property_next_word(&rest)).len > 0)
            add_row(arg, object_get(fields, count, "address"), strbuf_slice(&name), word,
                    strbuf_slice(&rights));
    }
    strbuf_free(&rights);
    strbuf_free(&name);
}

static int
acl_list(struct cli *cli, int argc, char **argv)
{
    struct listing l = {.folder = NULL};
    const struct cli_option options[] = {{"--folder", CLI_TEXT, &l.folder}};
    struct accounts *accounts;
    int rc;

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 0, 1) != 0)
        return CLI_USAGE;
    accounts = accounts_open(cli);
    if (accounts == NULL)
        return CLI_FAILED;
    l.table = table_new(columns, ARRAY_LEN(columns));
    rc = accounts_list(accounts, ACCOUNT_SHARE, argc == 0 ? NULL : argv[0], add_share, &l);
    if (rc == CLI_OK && argc == 0)
        rc = accounts_list(accounts, ACCOUNT_PUBLIC, NULL, add_public, &l);
    if (rc == CLI_OK)
        table_print(&l.table, cli->json);
    else
        table_free(&l.table);
    accounts_close(&accounts);
    return rc;
}

static int
change(struct cli *cli, char **words, const char *rights)
{
    const struct object_field fields[] = {{SLICE("folder"), slice_of(words[1])},
                                          {SLICE("member"), slice_of(words[2])},
                                          {SLICE("rights"), slice_of(rights)}};
    const struct accountd_admin request = {.verb = SLICE("grant"),
                                           .kind = SLICE("share"),
                                           .name = slice_of(words[0]),
                                           .fields = fields,
                                           .field_count = ARRAY_LEN(fields)};
    struct accounts *accounts = accounts_open(cli);
    struct accountd_admin_reply reply;
    int rc;

    if (accounts == NULL)
        return CLI_FAILED;
    rc = accounts_do(accounts, &request, &reply);
    accounts_close(&accounts);
    return rc;
}

/* In the child: is the folder there? */
static int
look(void *arg, int mail_fd, int other_fd, struct store_job_output *out)
{
    const struct store_options options = {.read_only = true};
    struct store *store = store_open(mail_fd, &options);
    struct mailbox_info info;
    int rc;

    (void)other_fd;
    if (store == NULL)
        return -1;
    rc = mailbox_status(store, slice_of(arg), &info);
    store_close(&store);
    return rc < 0 ? store_job_fail(out, "no such folder: %s", (const char *)arg) : 0;
}

/* Rights on a folder that is not there would end when it is made, and nobody would be told. */
static int
check_folder_here(struct cli *cli, const char *address, char *folder)
{
    const struct store_job job = {
        .work = look, .arg = folder, .other_fd = -1, .missing_is_fine = true};
    struct store_users users;
    struct conf *conf = store_job_conf(cli);
    int rc = conf == NULL ? CLI_FAILED : store_users_get(cli, address, &users);

    if (rc == CLI_OK) {
        rc = store_job_run(cli, conf, &users.list[0], &job);
        store_users_free(&users);
    }
    conf_free(&conf);
    return rc;
}

/* The folders of a server elsewhere are not seen from here. */
static int
check_folder(struct cli *cli, const char *address, char *folder)
{
    return cli->remote != NULL ? CLI_OK : check_folder_here(cli, address, folder);
}

static int
acl_set(struct cli *cli, int argc, char **argv)
{
    const char *last = argc == 0 ? "" : argv[argc - 1];
    int taken = last[0] == '-' && last[1] != '-'; /* "-r" is no option here */
    int rc;

    argc -= taken;
    rc = cli_options(cli, &argc, argv, NULL, 0, 4 - taken, 4 - taken);
    if (rc != 0)
        return CLI_USAGE;
    rc = check_folder(cli, argv[0], argv[1]);
    return rc != CLI_OK ? rc : change(cli, argv, taken ? last : argv[3]);
}

static int
acl_del(struct cli *cli, int argc, char **argv)
{
    if (cli_options(cli, &argc, argv, NULL, 0, 3, 3) != 0)
        return CLI_USAGE;
    return change(cli, argv, "");
}

static const struct cli_verb verbs[] = {
    {"list", "[ADDRESS] [--folder FOLDER] [--json]", "rights on a user's folders, or on all",
     acl_list},
    {"set", "ADDRESS FOLDER WHO [+|-]RIGHTS", "gives rights on the user's folder", acl_set},
    {"del", "ADDRESS FOLDER WHO", "takes all of them away", acl_del},
    {0},
};

const struct command command_acl = {
    .name = "acl",
    .summary = "rights on users' folders: list, set, del",
    .help =
        "WHO is a mailbox, @DOMAIN for all mailboxes of a domain, or anyone: all users; with a -\n"
        "in front the rights are denied ('acl set -- bob@d.test Work -carol@d.test w'). What a\n"
        "user may do is what all that fit give together, without what any denies. RIGHTS are\n"
        "letters of RFC 4314: l list, r read, s set \\Seen, w set other flags, i add messages,\n"
        "p post, k make folders below, x remove and rename, t set \\Deleted, e expunge,\n"
        "a administer; + adds to what is there, - takes away from it. The owner has all\n"
        "rights for good. Users see the folder F of ADDRESS in IMAP as ~ADDRESS/F, and may\n"
        "change the rights on their own folders themselves. Sessions that lose a right end.\n"
        "'list' without ADDRESS also shows what the lists of public folders give; those are\n"
        "changed by 'public grant'.\n",
    .verbs = verbs,
    .remote = "list set del",
};
