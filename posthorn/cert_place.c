/*
 * posthorn/cert_place.c - finds certificates on disk, and tells the suite which to use.
 */
#include "posthorn/cert_place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/conf/conf_edit.h"
#include "lib/conf/tls_place.h"
#include "lib/oper/in_force.h"
#include "lib/oper/master_call.h"
#include "posthorn/config_check.h"
#include "posthorn/store_job.h"

enum { RELOAD_MS = 120000 };

/* A file that nobody else can open: others shall not be able to hold us up. */
static int
lock(struct cert_place *place)
{
    place->lock_fd = openat(place->dirfd, ".lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (place->lock_fd < 0 && (errno == EACCES || errno == EROFS))
        return CLI_OK; /* to read the list no lock is needed, and to change it more than that */
    if (place->lock_fd < 0 || flock(place->lock_fd, LOCK_EX) < 0)
        return cli_fail(place->cli, TLS_PLACE_DIR "/.lock: %s", strerror(errno));
    return CLI_OK;
}

int
cert_place_open(struct cert_place *place, struct cli *cli)
{
    char *dir = xasprintf("%s/" TLS_PLACE_DIR, cli->inst.etc);
    int rc = CLI_OK;

    *place = (struct cert_place){.cli = cli, .dirfd = -1, .lock_fd = -1};
    if (!cli_needs_instance(cli)) {
        rc = CLI_FAILED;
    } else {
        place->dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (place->dirfd < 0)
            rc = cli_fail(cli, "%s: %s", dir, strerror(errno));
        else
            rc = lock(place);
    }
    if (rc == CLI_OK) { /* not before: who had the lock may have changed the lists in it */
        place->conf = store_job_conf(cli);
        rc = place->conf == NULL ? CLI_FAILED : CLI_OK;
    }
    free(dir);
    return rc;
}

void
cert_place_close(struct cert_place *place)
{
    close_keep_errno(place->lock_fd);
    close_keep_errno(place->dirfd);
    conf_free(&place->conf);
}

/* ---- entries ---- */

static bool
is_in_list(const struct cert_place *place, enum conf_id list, const char *name)
{
    for (size_t i = 0; i < conf_list_count(place->conf, list); i++)
        if (strcmp(conf_list_item(place->conf, list, i), name) == 0)
            return true;
    return false;
}

int
cert_place_find_remains(struct cert_place *place, const char *name, struct cert_entry *entry)
{
    cert_entry_find(&place->cli->inst, place->conf, name, entry);
    if (entry->csr != NULL && entry->has_key)
        return CLI_OK;
    cert_entry_free(entry);
    return cert_place_find(place, name, entry);
}

int
cert_place_find(struct cert_place *place, const char *name, struct cert_entry *entry)
{
    cert_entry_find(&place->cli->inst, place->conf, name, entry);
    if (!entry->has_crt && !entry->has_csr)
        return cli_fail(place->cli,
                        "there is no certificate and no request '%s'; the list: posthorn cert list",
                        name);
    return CLI_OK;
}

/* ---- the list ---- */

static void
count_entry(void *arg, struct cert_entry *entry)
{
    size_t *count = arg;

    *count += !cert_entry_is_other(entry->name);
}

/* keyd would leave out the keys of more. */
static int
check_room(struct cert_place *place)
{
    size_t count = 0;
    int rc = cert_place_list(place, count_entry, &count);

    if (rc == CLI_OK && count >= TLS_PLACE_MAX)
        rc = cli_fail(place->cli,
                      "the list has %zu entries, and no room for more: posthorn cert "
                      "remove NAME",
                      count);
    return rc;
}

int
cert_place_new(struct cert_place *place, const char *name, struct cert_entry *entry)
{
    *entry = (struct cert_entry){0};
    if (!tls_place_is_name(name) || cert_entry_is_other(name))
        return cli_fail(place->cli,
                        "'%s': expected a name of a-z, 0-9, '-', '_' and '.', at most %d long",
                        name, TLS_PLACE_NAME_MAX);
    cert_entry_find(&place->cli->inst, place->conf, name, entry);
    if (entry->has_crt || entry->has_csr || entry->has_key)
        return cli_fail(place->cli,
                        "'%s' is in the list already; choose another name, or remove it: posthorn "
                        "cert remove %s",
                        name, name);
    return check_room(place);
}

int
cert_place_list(struct cert_place *place, void (*run)(void *arg, struct cert_entry *entry),
                void *arg)
{
    if (cert_list_each(&place->cli->inst, place->conf, run, arg) == 0)
        return CLI_OK;
    return cli_fail(place->cli, TLS_PLACE_DIR ": %s", strerror(errno));
}

/* ---- files ---- */

int
cert_place_read(const struct cert_place *place, const char *path, struct strbuf *out)
{
    if (read_file(AT_FDCWD, path, out) == 0)
        return CLI_OK;
    return cli_fail(place->cli, "%s: %s", path,
                    errno == EFBIG ? "is too large to be that" : strerror(errno));
}

int
cert_place_write(const struct cert_place *place, const char *path, struct slice text, mode_t mode)
{
    if (replace_file(AT_FDCWD, path, text, mode) == 0)
        return CLI_OK;
    return cli_fail(place->cli, "%s: %s", path, strerror(errno));
}

/* ---- use ---- */

int
cert_place_reload(const struct cert_place *place)
{
    struct master_call *master = master_call_new(&place->cli->inst);
    struct master_reply reply;
    int rc = CLI_OK;

    if (master == NULL)
        return CLI_OK; /* it counts when the suite is started */
    if (master_call_ask(master, "reload", "", RELOAD_MS, &reply) < 0)
        rc = cli_fail(place->cli, "master did not answer: %s", strerror(errno));
    else if (reply.result != 0)
        rc = cli_fail(place->cli, "%.*s", (int)reply.text.len, reply.text.ptr);
    master_call_free(&master);
    return rc;
}

/* A suite that does not run finds it when it is started. */
static bool
is_running(const struct cert_place *place)
{
    struct master_call *master = master_call_new(&place->cli->inst);
    bool running = master != NULL;

    master_call_free(&master);
    return running;
}

int
cert_place_put_in_force(const struct cert_place *place, const char *path, struct slice before,
                        struct slice after)
{
    struct strbuf why = strbuf_new(4096);
    struct stat st;
    int rc = CLI_OK, done;

    if (!is_running(place)) {
        rc = stat(path, &st) == 0 ? cert_place_write(place, path, after, st.st_mode & 0777)
                                  : cli_fail(place->cli, "%s: %s", path, strerror(errno));
    } else {
        done = in_force_replace(&place->cli->inst, path, before, after, &why);
        if (done < 0)
            rc = cli_fail(place->cli, "%s%s", strbuf_cstr(&why),
                          done == -1 ? "; nothing was changed" : "");
    }
    strbuf_free(&why);
    return rc;
}

/* A descriptor to close; -1 after the message. */
static int
lock_settings(const struct cert_place *place)
{
    int lock = conf_edit_lock(place->cli->inst.conf_path);

    if (lock < 0)
        (void)cli_fail(place->cli, "%s: %s", place->cli->inst.conf_path,
                       errno == EWOULDBLOCK ? "another change is being put in force"
                                            : strerror(errno));
    return lock;
}

/* Settings, then reload. Under the lock. */
static int
change(struct cert_place *place, const struct conf_edit *edits, size_t count)
{
    const char *path = place->cli->inst.conf_path;
    struct strbuf before = strbuf_new(CONF_FILE_MAX), after = strbuf_new(CONF_FILE_MAX),
                  errors = strbuf_new(4096);
    int rc = cert_place_read(place, path, &before);

    if (rc == CLI_OK && conf_edit_prepare(path, edits, count, &after, &errors) < 0)
        rc = cli_fail(place->cli, "%s", strbuf_cstr(&errors));
    if (rc == CLI_OK)
        rc = cert_place_put_in_force(place, path, strbuf_slice(&before), strbuf_slice(&after));
    strbuf_free(&before);
    strbuf_free(&after);
    strbuf_free(&errors);
    return rc;
}

/* As it stands in the settings: below etc. */
static const char *
below_etc(const struct cert_place *place, const char *path)
{
    size_t len = strlen(place->cli->inst.etc);

    return strncmp(path, place->cli->inst.etc, len) == 0 && path[len] == '/' ? path + len + 1
                                                                             : path;
}

int
cert_place_use(struct cert_place *place, const struct cert_entry *entry)
{
    const struct conf_edit edits[] = {{TLS_CERTIFICATE, below_etc(place, entry->crt)},
                                      {TLS_KEY, below_etc(place, entry->key)}};
    int lock = lock_settings(place);
    int rc = lock < 0 ? CLI_FAILED : change(place, edits, ARRAY_LEN(edits));

    close_keep_errno(lock);
    return rc;
}

static void
list_names(const struct conf *conf, enum conf_id list, const char *name, bool add,
           struct strbuf *value)
{
    for (size_t i = 0; i < conf_list_count(conf, list); i++)
        if (strcmp(conf_list_item(conf, list, i), name) != 0)
            (void)strbuf_printf(value, "%s%s", value->len > 0 ? " " : "",
                                conf_list_item(conf, list, i));
    if (add)
        (void)strbuf_printf(value, "%s%s", value->len > 0 ? " " : "", name);
}

/* Puts the name into a list of the settings, or takes it out: of those that are set now, which
 * others may have changed since `place` was opened. */
static int
change_list(struct cert_place *place, enum conf_id list, const char *name, bool add)
{
    struct strbuf value = strbuf_new((size_t)CONF_LIST_MAX * (TLS_PLACE_NAME_MAX + 1));
    int lock = lock_settings(place), rc = CLI_FAILED;
    struct conf *now = lock < 0 ? NULL : config_check_read(place->cli);

    if (now != NULL) {
        list_names(now, list, name, add, &value);
        rc = change(place, &(const struct conf_edit){list, strbuf_cstr(&value)}, 1);
    }
    conf_free(&now);
    close_keep_errno(lock);
    strbuf_free(&value);
    return rc;
}

int
cert_place_use_by_host(struct cert_place *place, const struct cert_entry *entry, bool use)
{
    return change_list(place, TLS_BY_HOST, entry->name, use);
}

/* ---- acmed's ---- */

bool
cert_place_is_managed(const struct cert_place *place, const struct cert_entry *entry)
{
    return is_in_list(place, ACME_CERTIFICATES, entry->name);
}

static char *
acme_file(const struct cert_place *place, const char *name, const char *ending)
{
    return xasprintf("%s/acme/%s.%s", place->cli->inst.db, name, ending);
}

/* acmed can't write to etc/certs: what it writes is seen there by a link. */
static int
make_link(const struct cert_place *place, const struct cert_entry *entry)
{
    char *target = acme_file(place, entry->name, "crt");
    int rc = CLI_OK;

    unlink_keep_errno(AT_FDCWD, entry->crt); /* of one that was removed half */
    if (symlink(target, entry->crt) < 0)
        rc = cli_fail(place->cli, "%s: %s", entry->crt, strerror(errno));
    free(target);
    return rc;
}

/* Whatever stays is found again by nobody: a new request begins with other files. */
static void
remove_acme_files(const struct cert_place *place, const struct cert_entry *entry)
{
    static const char *const endings[] = {"crt", "state"};

    unlink_keep_errno(AT_FDCWD, entry->crt);
    for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
        char *path = acme_file(place, entry->name, endings[i]);

        unlink_keep_errno(AT_FDCWD, path);
        free(path);
    }
}

int
cert_place_manage(struct cert_place *place, const struct cert_entry *entry, bool manage)
{
    int rc = CLI_OK;

    if (manage) {
        remove_acme_files(place, entry);
        rc = make_link(place, entry);
    }
    if (rc == CLI_OK)
        rc = change_list(place, ACME_CERTIFICATES, entry->name, manage);
    if ((rc == CLI_OK) != manage)
        remove_acme_files(place, entry);
    return rc;
}
