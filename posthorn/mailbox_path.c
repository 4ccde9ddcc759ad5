/*
 * posthorn/mailbox_path.c - the property that fixes in which storage directory a mailbox is.
 *
 * Looks at store/ and stores/ as the caller; who may not search there is told nothing here, and
 * local-deliver judges when it makes the mailbox.
 */
#include "posthorn/mailbox_path.h"

#include <fcntl.h>
#include <string.h>

#include "lib/account/store_path.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "posthorn/accounts.h"
#include "posthorn/store_places.h"

/* Where the mailbox is; "": it has not been made. */
static void
find_mailbox(const struct store_dirs *dirs, struct slice address, char id[STORE_DIR_ID_SIZE])
{
    struct strbuf path = strbuf_new(ACCOUNT_PATH_MAX);

    account_store_path(address, &path);
    if (store_dirs_find(dirs, strbuf_cstr(&path), id) < 0)
        id[0] = '\0';
    strbuf_free(&path);
}

/* A name that accountd does not know is left to the change itself. */
static int
check_mailbox(struct cli *cli, const struct store_dirs *dirs, const char *name, const char *wanted)
{
    const struct accountd_admin request = {
        .verb = SLICE("show"), .kind = SLICE("user"), .name = slice_of(name)};
    struct accounts *accounts = accounts_open(cli);
    struct object_field fields[OBJECT_FIELDS_MAX];
    struct accountd_admin_reply reply = {0};
    char id[STORE_DIR_ID_SIZE] = "";
    uint32_t count;
    int rc = accounts == NULL ? CLI_FAILED : accounts_call(accounts, &request, &reply);

    if (rc == CLI_OK && reply.result == 0) {
        rc = accounts_reply_object(accounts, &reply, fields, &count);
        if (rc == CLI_OK)
            find_mailbox(dirs, object_get(fields, count, "address"), id);
    }
    accounts_close(&accounts);
    if (rc == CLI_OK && id[0] != '\0' && strcmp(id, wanted) != 0)
        return cli_fail(cli,
                        "%s: the mailbox is in %s; 'posthorn store move --user %s --to %s' "
                        "moves it, then set this",
                        name, id, name, wanted);
    return rc;
}

static int
check_in(struct cli *cli, const struct store_dirs *dirs, enum account_kind kind, const char *name,
         const char *wanted)
{
    int root = store_dirs_root(dirs, wanted, O_PATH);

    if (root < 0)
        return cli_fail(cli,
                        "there is no storage directory '%s', or it is missing: 'posthorn store "
                        "dirs' lists them",
                        wanted);
    close_keep_errno(root);
    return kind == ACCOUNT_USER ? check_mailbox(cli, dirs, name, wanted) : CLI_OK;
}

int
mailbox_path_check(struct cli *cli, enum account_kind kind, const char *name,
                   const struct object_field *fields, uint32_t count)
{
    enum account_property property =
        kind == ACCOUNT_DOMAIN ? DOMAIN_MAILBOX_PATH : USER_MAILBOX_PATH;
    struct slice value = object_get(fields, count, account_properties[property].name);
    struct store_dirs dirs;
    char *wanted;
    int rc;

    if (cli->remote != NULL ||
        !store_dir_id_valid(value)) /* none; or accountd says what is wrong with it */
        return CLI_OK;
    if (!cli_needs_instance(cli))
        return CLI_FAILED;
    dirs = store_places_open(&cli->inst);
    wanted = xslicedup(value);
    rc = dirs.main_fd < 0 ? CLI_OK : check_in(cli, &dirs, kind, name, wanted);
    xfree(&wanted);
    store_places_close(&dirs);
    return rc;
}

int
mailbox_path_set(struct cli *cli, const char *address, const char *id)
{
    const struct object_field field = {slice_of(account_properties[USER_MAILBOX_PATH].name),
                                       slice_of(id)};
    const struct accountd_admin request = {.verb = SLICE("set"),
                                           .kind = SLICE("user"),
                                           .name = slice_of(address),
                                           .fields = &field,
                                           .field_count = 1};
    struct accounts *accounts = accounts_open(cli);
    struct accountd_admin_reply reply;
    int rc = accounts == NULL ? CLI_FAILED : accounts_do(accounts, &request, &reply);

    accounts_close(&accounts);
    return rc;
}
