/*
 * posthorn/store_job.c - work on one user's mail directory, done by a confined child.
 */
#include "posthorn/store_job.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/account/store_path.h"
#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/conf/role.h"
#include "lib/log/log.h"
#include "lib/sys/sandbox.h"
#include "posthorn/store_places.h"

#define ROW_MAX (1u << 20) /* bytes of one row in the pipe */
#define ERRORS_MAX 65536
#define MADE_WITHIN_MS 3000

struct conf *
store_job_conf(struct cli *cli)
{
    struct strbuf errors = strbuf_new(ERRORS_MAX);
    struct conf *conf = cli_needs_instance(cli) ? conf_load(cli->inst.conf_path, &errors) : NULL;

    if (errors.len > 0)
        (void)fputs(strbuf_cstr(&errors), stderr);
    strbuf_free(&errors);
    return conf;
}

/* ---- the child ---- */

struct store_job_output {
    int fd;
    bool failed;
};

void
store_job_row(struct store_job_output *out, const struct object_field *fields, uint32_t count)
{
    struct strbuf row = strbuf_new(ROW_MAX);
    uint32_t len;

    object_add(&row, fields, count);
    len = (uint32_t)row.len;
    if (!row.overflow && write_all(out->fd, slice_make(&len, sizeof(len))) == 0)
        (void)write_all(out->fd, strbuf_slice(&row)); /* whoever asked is gone then */
    strbuf_free(&row);
}

int
store_job_fail(struct store_job_output *out, const char *format, ...)
{
    char text[512];
    struct object_field field = {SLICE("failure"), SLICE("")};
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args); /* cut to what fits */
    va_end(args);
    field.value = slice_of(text);
    store_job_row(out, &field, 1);
    out->failed = true;
    return -1;
}

static int
confine(const struct conf *conf, int mail_fd, const struct store_job *job,
        struct store_job_output *out)
{
    struct sandbox box = {.uid = (uid_t)-1, .gid = (gid_t)-1, .chroot_fd = -1, .landlock = true};
    unsigned links = job->whole_store ? (unsigned)SANDBOX_SYMLINKS : 0;
    struct role role;

    if (geteuid() == 0) {
        if (role_find(conf, USERS_MAIL, &role) < 0)
            return store_job_fail(out, "users.mail: there is no user %s",
                                  conf_str(conf, USERS_MAIL));
        box.uid = role.uid;
        box.gid = role.gid;
    }
    box.dirs[box.dir_count++] = (struct sandbox_dir){mail_fd, SANDBOX_READ | SANDBOX_WRITE | links};
    if (job->other_fd >= 0)
        box.dirs[box.dir_count++] = (struct sandbox_dir){
            job->other_fd, SANDBOX_READ | (job->other_writable ? (unsigned)SANDBOX_WRITE : 0)};
    box.calls = SANDBOX_FILES | (job->whole_store ? SANDBOX_SYMLINK | SANDBOX_CHMOD : 0u);
    if (job->other_any_owner)
        box.keep_caps = UINT64_C(1) << CAP_DAC_READ_SEARCH;
    if (sandbox_enter(&box) < 0)
        return store_job_fail(out, "the sandbox could not be entered: %s", strerror(errno));
    return 0;
}

static _Noreturn void
be_child(const struct conf *conf, int mail_fd, const struct store_job *job, int fd)
{
    struct store_job_output out = {.fd = fd};
    int rc;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a store is whole at any moment */
    log_forked();
    rc = confine(conf, mail_fd, job, &out);
    if (rc == 0)
        rc = job->work(job->arg, mail_fd, job->other_fd, &out);
    if (rc < 0 && !out.failed)
        (void)store_job_fail(&out, "%s", strerror(errno));
    _exit(rc == 0 ? CLI_OK : CLI_FAILED);
}

/* ---- the parent ---- */

/* Takes one row. 1, 0 at the end, -1 damaged. *failed: it was the child's failure, reported. */
static int
take_row(struct cli *cli, const struct store_user *user, const struct store_job *job, int fd,
         bool *failed)
{
    struct object_field fields[OBJECT_FIELDS_MAX];
    struct slice data;
    uint32_t len;
    char *buf;
    int count;

    if (read_exact(fd, &len, sizeof(len)) < 0)
        return errno == EPIPE ? 0 : -1;
    if (len > ROW_MAX)
        return -1;
    buf = xmalloc(len + 1);
    data = slice_make(buf, len);
    count = read_exact(fd, buf, len) < 0 ? -1 : object_next(&data, fields);
    if (count == 1 && slice_eq(fields[0].name, SLICE("failure"))) {
        (void)cli_fail(cli, "%s: %.*s", user->address, (int)fields[0].value.len,
                       fields[0].value.ptr);
        *failed = true;
    } else if (count > 0 && job->row != NULL) {
        job->row(job->arg, fields, (uint32_t)count);
    }
    xfree(&buf);
    return count > 0 ? 1 : -1;
}

static int
wait_for(pid_t child)
{
    int status;

    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return WIFEXITED(status) && WEXITSTATUS(status) == CLI_OK ? 0 : -1;
}

static int
run_child(struct cli *cli, const struct conf *conf, const struct store_user *user, int mail_fd,
          const struct store_job *job)
{
    bool failed = false;
    int ends[2], more = 1, rc;
    pid_t child;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return cli_fail(cli, "pipe: %s", strerror(errno));
    (void)fflush(NULL); /* not once more in the child */
    child = fork();
    if (child == 0) {
        (void)close(ends[0]);
        be_child(conf, mail_fd, job, ends[1]);
    }
    (void)close(ends[1]);
    while (child > 0 && more > 0)
        more = take_row(cli, user, job, ends[0], &failed);
    (void)close(ends[0]);
    if (child < 0)
        return cli_fail(cli, "fork: %s", strerror(errno));
    rc = wait_for(child);
    if (rc == 0 && more == 0 && !failed)
        return CLI_OK;
    return failed ? CLI_FAILED
                  : cli_fail(cli, "%s: the work did not come to its end", user->address);
}

/* The directory of a user who has just been added is made in the background: wait for it. */
static int
open_soon(const struct store_dirs *dirs, struct slice path, int64_t limit_ms)
{
    const struct timespec step = {.tv_nsec = 20000000};
    int64_t deadline = clock_mono_ms() + limit_ms;
    int fd;

    while ((fd = store_dirs_open_mail(dirs, path, O_RDONLY)) < 0 && errno == ENOENT &&
           clock_mono_ms() < deadline)
        (void)nanosleep(&step, NULL); /* shorter is fine */
    return fd;
}

/* -1 after the message, -2: there is none. */
static int
open_mail(struct cli *cli, const struct store_user *user, bool missing_is_fine)
{
    struct store_dirs dirs = store_places_open(&cli->inst);
    struct strbuf path = strbuf_new(ACCOUNT_PATH_MAX);
    int fd = -1;

    account_entry_path(user->kind, slice_of(user->address), &path);
    if (dirs.main_fd >= 0)
        fd = open_soon(&dirs, strbuf_slice(&path), missing_is_fine ? 0 : MADE_WITHIN_MS);
    if (fd < 0 && errno == ENOENT && missing_is_fine)
        fd = -2;
    else if (fd < 0)
        (void)cli_fail(cli, "%s: %s/%s: %s", user->address, cli->inst.store, strbuf_cstr(&path),
                       errno == ENODEV ? "its storage directory is missing: 'posthorn store dirs'"
                                       : strerror(errno));
    store_places_close(&dirs);
    strbuf_free(&path);
    return fd;
}

int
store_job_run(struct cli *cli, const struct conf *conf, const struct store_user *user,
              const struct store_job *job)
{
    int mail_fd = open_mail(cli, user, job->missing_is_fine);
    int rc;

    if (mail_fd < 0)
        return mail_fd == -2 ? CLI_OK : CLI_FAILED;
    rc = run_child(cli, conf, user, mail_fd, job);
    (void)close(mail_fd);
    return rc;
}

int
store_job_run_whole(struct cli *cli, const struct conf *conf, const struct store_user *user,
                    struct store_job *job)
{
    struct store_dirs dirs = store_places_open(&cli->inst);
    int rc;

    job->whole_store = job->other_writable = true;
    job->other_fd = dirs.others_fd;
    if (dirs.main_fd < 0)
        rc = cli_fail(cli, "%s: %s", cli->inst.store, strerror(errno));
    else
        rc = run_child(cli, conf, user, dirs.main_fd, job);
    store_places_close(&dirs);
    return rc;
}
