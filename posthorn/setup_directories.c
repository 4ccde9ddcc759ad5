/*
 * posthorn/setup_directories.c - service users, and the directories of an instance with their
 * owners.
 *
 * Runs with the caller's rights. Makes directories below the instance's root, nothing else.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/conf/role.h"
#include "lib/dkim/key_dir.h"
#include "lib/mail/template_set.h"
#include "lib/queue/spool.h"
#include "lib/store/store_dirs.h"
#include "posthorn/setup.h"

#define PROBE_NAME ".posthorn-setup"

/* ---- users ---- */

/* A user that was given has to be there; run by another user than root, setup gives nothing away.
 */
static int
take_given_user(const struct setup *setup, const char *given, struct setup_user *user)
{
    struct role role;

    user->name = given;
    user->numeric = false;
    if (role_parse(given, &role) == 0) {
        user->uid = role.uid;
        user->gid = role.gid;
    } else if (setup->is_root) {
        return cli_usage(setup->cli,
                         "users.%s: expected a user of this system other than root, or "
                         "UID:GID, not '%s'",
                         conf_settings[user->setting].name, given);
    }
    return CLI_OK;
}

int
setup_find_users(struct setup *setup)
{
    int rc = CLI_OK;

    for (int id = 0; id < CONF_ID_COUNT && setup->user_count < SETUP_USERS_MAX; id++) {
        const char *given = setup_setting_value(setup, (enum conf_id)id);
        const struct passwd *pw;
        struct setup_user *user;

        if (strcmp(conf_settings[id].section, "users") != 0)
            continue;
        user = &setup->users[setup->user_count];
        pw = getpwnam(conf_settings[id].dflt);
        user->setting = (enum conf_id)id;
        user->name = conf_settings[id].dflt;
        user->numeric = pw == NULL;
        user->uid = pw != NULL ? pw->pw_uid : SETUP_FIRST_UID + (uid_t)setup->user_count;
        user->gid = pw != NULL ? pw->pw_gid : SETUP_FIRST_UID + (gid_t)setup->user_count;
        if (given != NULL && rc == CLI_OK)
            rc = take_given_user(setup, given, user);
        setup->user_count++;
    }
    return rc;
}

const struct setup_user *
setup_user(const struct setup *setup, enum conf_id setting)
{
    for (size_t i = 0; i < setup->user_count; i++)
        if (setup->users[i].setting == setting)
            return &setup->users[i];
    return &setup->users[0]; /* every setting of [users] is there */
}

/* ---- directories ---- */

/* `path` and what is missing above it. */
static int
make_parents(const char *path)
{
    char *copy = xstrdup(path);
    int rc = 0;

    for (char *at = copy + 1; rc == 0 && (at = strchr(at, '/')) != NULL; at++) {
        *at = '\0';
        rc = mkdir(copy, 0755) < 0 && errno != EEXIST ? -1 : 0;
        *at = '/';
    }
    if (rc == 0 && mkdir(copy, 0755) < 0 && errno != EEXIST)
        rc = -1;
    free(copy);
    return rc;
}

static int
make_directory(const struct setup *setup, const char *path, mode_t mode, uid_t uid, gid_t gid)
{
    if (setup->keep && access(path, F_OK) == 0)
        return CLI_OK;
    if (make_parents(path) < 0)
        return cli_fail(setup->cli, "%s: %s", path, strerror(errno));
    if (setup->is_root && chown(path, uid, gid) < 0)
        return cli_fail(setup->cli, "%s: owner %u: %s", path, (unsigned)uid, strerror(errno));
    if (chmod(path, mode) < 0) /* umask does not count */
        return cli_fail(setup->cli, "%s: mode %o: %s", path, (unsigned)mode, strerror(errno));
    setup_tell_made(setup, "directory", path, "");
    return CLI_OK;
}

/* So that nobody takes an empty mount point for the store. */
static int
mark_store(const struct setup *setup)
{
    const char *path = setup->cli->inst.store;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = CLI_OK;

    if (fd < 0 || store_dirs_mark(fd, STORE_DIR_MAIN) < 0)
        rc = cli_fail(setup->cli, "%s/" STORE_DIR_MARK ": %s", path, strerror(errno));
    close_keep_errno(fd);
    return rc;
}

static int
make_spool(const struct setup *setup)
{
    const struct setup_user *user = setup_user(setup, USERS_QUEUE);
    const char *queue = setup->cli->inst.queue;
    bool was_there[SPOOL_STATES] = {false};
    struct spool spool;

    if (spool_open_readonly(&spool, queue) == 0) {
        for (int i = 0; i < SPOOL_STATES; i++)
            was_there[i] = spool.fds[i] >= 0;
        spool_close(&spool);
    }
    if (spool_open(&spool, queue, user->uid, user->gid) < 0)
        return cli_fail(setup->cli, "%s: %s", queue, strerror(errno));
    spool_close(&spool);
    for (int i = 0; i < SPOOL_STATES; i++) {
        char *path = xasprintf("%s/%s", queue, spool_name((enum spool_state)i));

        if (!was_there[i])
            setup_tell_made(setup, "directory", path, "");
        free(path);
    }
    return CLI_OK;
}

static int
make_templates(struct setup *setup)
{
    char *path = xasprintf("%s/templates", setup->cli->inst.etc);
    int rc = make_directory(setup, path, 0755, 0, 0);

    for (int i = 0; template_languages[i] != NULL && rc == CLI_OK; i++) {
        char *language = xasprintf("%s/%s", path, template_languages[i]);

        rc = make_directory(setup, language, 0755, 0, 0);
        free(language);
    }
    free(path);
    return rc;
}

int
setup_directories(struct setup *setup)
{
    const struct instance *inst = &setup->cli->inst;
    const struct setup_user *mail = setup_user(setup, USERS_MAIL),
                            *account = setup_user(setup, USERS_ACCOUNT),
                            *queue = setup_user(setup, USERS_QUEUE),
                            *log = setup_user(setup, USERS_LOG),
                            *key = setup_user(setup, USERS_KEY),
                            *archive = setup_user(setup, USERS_ARCHIVE);
    char *certs = xasprintf("%s/certs", inst->etc);
    char *dkim = xasprintf("%s/" DKIM_DIR, inst->etc);
    int rc = CLI_OK;

    if (inst->root != NULL && make_parents(inst->root) < 0)
        rc = cli_fail(setup->cli, "%s: %s", inst->root, strerror(errno));
    if (rc == CLI_OK && inst->root == NULL && !setup->is_root)
        rc = cli_fail(setup->cli,
                      "the installed places (%s and others) are root's: run it as root, "
                      "or name a directory of your own with --root DIR",
                      inst->etc);
    if (rc == CLI_OK)
        rc = make_directory(setup, inst->etc, 0755, 0, 0);
    if (rc == CLI_OK)
        rc = make_directory(setup, certs, 0755, 0, 0);
    if (rc == CLI_OK) /* root writes the keys, keyd reads them by the directory's group */
        rc = make_directory(setup, dkim, setup->is_root ? 02750 : 0700, 0, key->gid);
    if (rc == CLI_OK)
        rc = make_templates(setup);
    if (rc == CLI_OK)
        rc = make_directory(setup, inst->queue, 0710, 0, queue->gid);
    if (rc == CLI_OK)
        rc = make_spool(setup);
    if (rc == CLI_OK)
        rc = make_directory(setup, inst->store, 0711, mail->uid, mail->gid);
    if (rc == CLI_OK && !setup->keep) /* else accountd does it, which knows what has to be there */
        rc = mark_store(setup);
    if (rc == CLI_OK)
        rc = make_directory(setup, inst->stores, 0711, mail->uid, mail->gid);
    if (rc == CLI_OK)
        rc = make_directory(setup, inst->db, 0700, account->uid, account->gid);
    if (rc == CLI_OK)
        rc = make_directory(setup, inst->archive, 0700, archive->uid, archive->gid);
    if (rc == CLI_OK)
        rc = make_directory(setup, inst->log, 0750, log->uid, log->gid);
    if (rc == CLI_OK)
        rc = make_directory(setup, inst->run, 0711, 0, 0);
    free(certs);
    free(dkim);
    return rc;
}

/* ---- can the users work there? ---- */

/* What a daemon does: the directory was opened while root, names below it are used afterwards. */
static int
try_as(int dirfd, const struct setup_user *user)
{
    int fd;

    if (setgroups(0, NULL) < 0 || setresgid(user->gid, user->gid, user->gid) < 0 ||
        setresuid(user->uid, user->uid, user->uid) < 0)
        return errno;
    if (fchdir(dirfd) < 0)
        return errno;
    fd = open(PROBE_NAME, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || write_all(fd, SLICE("probe\n")) < 0 || fsync(fd) < 0)
        return errno;
    (void)close(fd);
    return unlink(PROBE_NAME) < 0 ? errno : 0;
}

/* The first directory on the way down that `user` cannot search; `path` itself if there is none. */
static char *
find_obstacle(const char *path, const struct setup_user *user)
{
    char *part = xstrdup(path);
    struct stat st;

    for (char *at = part; (at = strchr(at + 1, '/')) != NULL;) {
        *at = '\0';
        if (stat(part, &st) < 0 || (st.st_mode & (st.st_uid == user->uid   ? S_IXUSR
                                                  : st.st_gid == user->gid ? S_IXGRP
                                                                           : S_IXOTH)) == 0)
            return part;
        *at = '/';
    }
    return part;
}

static int
report(const struct setup *setup, const char *path, const struct setup_user *user, int error)
{
    char *obstacle = find_obstacle(path, user);

    (void)cli_fail(
        setup->cli,
        "user %s (%u) cannot work in %s: %s; in the way is %s: let that user through, or "
        "choose another directory",
        user->name, (unsigned)user->uid, path, strerror(error), obstacle);
    free(obstacle);
    return CLI_FAILED;
}

static int
try_user(const struct setup *setup, const char *path, enum conf_id setting)
{
    const struct setup_user *user = setup_user(setup, setting);
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC), status = 0;
    pid_t child;

    if (fd < 0)
        return cli_fail(setup->cli, "%s: %s", path, strerror(errno));
    child = fork();
    if (child == 0)
        _exit(try_as(fd, user));
    close_keep_errno(fd);
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    if (child < 0)
        return cli_fail(setup->cli, "fork: %s", strerror(errno));
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return CLI_OK;
    return report(setup, path, user, WIFEXITED(status) ? WEXITSTATUS(status) : EIO);
}

int
setup_try_users(struct setup *setup)
{
    const struct instance *inst = &setup->cli->inst;
    char *queue_new = xasprintf("%s/new", inst->queue);
    int rc = CLI_OK;

    if (setup->is_root) {
        rc = try_user(setup, inst->db, USERS_ACCOUNT);
        if (rc == CLI_OK)
            rc = try_user(setup, inst->store, USERS_MAIL);
        if (rc == CLI_OK)
            rc = try_user(setup, inst->archive, USERS_ARCHIVE);
        if (rc == CLI_OK)
            rc = try_user(setup, inst->log, USERS_LOG);
        if (rc == CLI_OK)
            rc = try_user(setup, queue_new, USERS_SMTP);
    }
    free(queue_new);
    return rc;
}
