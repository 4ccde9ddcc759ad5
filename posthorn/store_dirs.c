/*
 * posthorn/store_dirs.c - `store dirs`: the storage directories, and a new one among them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/conf/role.h"
#include "posthorn/store_commands.h"
#include "posthorn/store_job.h"
#include "posthorn/store_places.h"

enum { ROOT_MODE = 0711 };

static const struct column columns[] = {
    {"id", COLUMN_TEXT, false},           {"path", COLUMN_TEXT, false},
    {"status", COLUMN_TEXT, false},       {"total_bytes", COLUMN_NUMBER, false},
    {"free_bytes", COLUMN_NUMBER, false}, {"free_percent", COLUMN_NUMBER, false}};

static void
add_row(struct table *table, const struct cli *cli, const struct store_dir_info *info)
{
    struct strbuf total = strbuf_new(24), left = strbuf_new(24), percent = strbuf_new(24);
    char *path = store_place_path(&cli->inst, info->id);

    if (!info->missing) {
        (void)strbuf_u64(&total, info->total_bytes);
        (void)strbuf_u64(&left, info->free_bytes);
        (void)strbuf_u64(&percent, info->free_bytes / (info->total_bytes / 100 + 1));
    }
    table_add(table,
              (struct object_field[]){{SLICE("id"), slice_of(info->id)},
                                      {SLICE("path"), slice_of(path)},
                                      {SLICE("status"), slice_of(store_place_status(info))},
                                      {SLICE("total_bytes"), strbuf_slice(&total)},
                                      {SLICE("free_bytes"), strbuf_slice(&left)},
                                      {SLICE("free_percent"), strbuf_slice(&percent)}},
              ARRAY_LEN(columns));
    strbuf_free(&total);
    strbuf_free(&left);
    strbuf_free(&percent);
    free(path);
}

static int
print_all(struct cli *cli, const struct conf *conf)
{
    struct store_dir_info *list = xcalloc(STORE_DIRS_MAX, sizeof(*list));
    struct table *table = table_new(columns, ARRAY_LEN(columns));
    int count = store_places_list(&cli->inst, conf, list);

    for (int i = 0; i < count; i++)
        add_row(table, cli, &list[i]);
    table_print(&table, cli->json);
    xfree(&list);
    return count < 0 ? cli_fail(cli, "%s: %s", cli->inst.stores, strerror(errno)) : CLI_OK;
}

/* Owner, mode, mark: the mark last, it says that the rest is done. */
static int
prepare(struct cli *cli, const struct conf *conf, int fd, const char *path, const char *id)
{
    struct role role = {(uid_t)-1, (gid_t)-1}; /* an ordinary user owns it anyway */

    if (geteuid() == 0 && role_find(conf, USERS_MAIL, &role) < 0)
        return cli_fail(cli, "users.mail: there is no user %s", conf_str(conf, USERS_MAIL));
    if (fchown(fd, role.uid, role.gid) < 0 || fchmod(fd, ROOT_MODE) < 0)
        return cli_fail(cli, "%s: %s", path, strerror(errno));
    if (store_dirs_mark(fd, id) == 0)
        return CLI_OK;
    return errno == EEXIST ? cli_fail(cli, "%s belongs to another storage directory", path)
                           : cli_fail(cli, "%s: %s", path, strerror(errno));
}

static int
add(struct cli *cli, const struct conf *conf, const char *id)
{
    char *path;
    int fd = -1, rc;

    if (!store_dir_id_valid(slice_of(id)))
        return cli_usage(cli, "an ID has letters a-z, digits, '-' and '_', and at most %d of them",
                         STORE_DIR_ID_SIZE - 1);
    path = store_place_path(&cli->inst, id);
    if (mkdir(path, ROOT_MODE) == 0 || errno == EEXIST)
        fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    rc = fd < 0 ? cli_fail(cli, "%s: %s", path, strerror(errno)) : prepare(cli, conf, fd, path, id);
    close_keep_errno(fd);
    free(path);
    return rc;
}

int
store_cmd_dirs(struct cli *cli, int argc, char **argv)
{
    const char *new_id = NULL;
    const struct cli_option options[] = {{"--add", CLI_TEXT, &new_id}};
    struct conf *conf;
    int rc = CLI_OK;

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 0, 0) != 0)
        return CLI_USAGE;
    conf = store_job_conf(cli);
    if (conf == NULL)
        return CLI_FAILED;
    if (new_id != NULL)
        rc = add(cli, conf, new_id);
    if (rc == CLI_OK)
        rc = print_all(cli, conf);
    conf_free(&conf);
    return rc;
}
