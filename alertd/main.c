/*
 * alertd/main.c - start-up of alertd: looks after what can go wrong, and tells of it by mail and by
 * URLs.
 *
 * This process has the directory of its state, can create files in the queue, and reads nothing
 * from the network; its children post to URLs and can open no path.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "alertd/control.h"
#include "alertd/password_warning.h"
#include "alertd/push.h"
#include "alertd/report.h"
#include "alertd/teller.h"
#include "alertd/watch.h"
#include "lib/auth/digest.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/conf/secret_file.h"
#include "lib/log/log.h"
#include "lib/remote/dial_conf.h"

#define STATE_DIR "alerts" /* below db/ */
#define STATE_FILE "state"

enum { QUEUE_UMASK = 0002, STATE_MODE = 0600 };

struct program {
    struct alerts *alerts;
    struct watch *watch;
    struct mailer mailer;
    struct teller *teller;
    struct control *control;
    struct password_warning *passwords;
    struct broadcasts *broadcasts;
    struct report *report;
    struct push *push;
    int state_dirfd;
    bool unsaved; /* and the log has been told */
};

static _Noreturn void
give_up(const char *what, int status)
{
    (void)fprintf(stderr, "alertd: %s: %s\n", what, strerror(errno));
    exit(status);
}

/* ---- before the sandbox ---- */

static struct tls_context *
load_authorities(const struct daemon *d)
{
    char *path = instance_etc_path(&d->inst, conf_str(d->conf, REMOTE_VERIFY_CA));
    struct strbuf error = strbuf_new(1024);
    struct tls_context *ctx = tls_client_context(path, &error);

    if (ctx == NULL) {
        (void)fprintf(stderr, "remote.verify_ca: %s\n", strbuf_cstr(&error));
        exit(EX_CONFIG);
    }
    strbuf_free(&error);
    free(path);
    return ctx;
}

/* The first line of the file; "" without one. Lives as long as the process. */
static const char *
load_secret(const struct daemon *d)
{
    struct secret_place place = secret_place_new(d->conf, &d->inst, ALERT_WEBHOOK_SECRET);
    struct strbuf text = strbuf_new(SECRET_FILE_MAX), error = strbuf_new(4096);
    struct slice rest;
    char *secret;

    if (place.path != NULL && secret_file_open(&place, &text, &error) < 0) {
        (void)fprintf(stderr, "alert.webhook_secret: %s\n", strbuf_cstr(&error));
        exit(EX_CONFIG);
    }
    rest = strbuf_slice(&text);
    secret = xslicedup(slice_trim(slice_split(&rest, '\n')));
    secret_wipe(&text);
    strbuf_free(&error);
    secret_place_free(&place);
    return secret;
}

/* The sockets of the others are named from the current directory, which is run/, where we also are
 * if there is no right to chroot. */
static void
enter_sandbox(struct daemon *d, struct sandbox *child_box, const struct program *p)
{
    struct sandbox box = daemon_sandbox_base(d, USERS_ALERT);
    const struct outbox *outbox = &p->mailer.outbox;

    *child_box = box;
    child_box->calls = SANDBOX_INTERNET | SANDBOX_CONNECT_UNIX;
    child_box->uid = (uid_t)-1; /* the parent's user already */
    if (fchdir(d->run_dirfd) < 0)
        give_up(d->inst.run, EX_OSERR);
    box.chroot_fd = d->is_root ? d->run_dirfd : -1;
    box.dirs[box.dir_count++] = (struct sandbox_dir){p->state_dirfd, SANDBOX_READ | SANDBOX_WRITE};
    box.dirs[box.dir_count++] = (struct sandbox_dir){outbox->tmp_dirfd, SANDBOX_WRITE};
    box.dirs[box.dir_count++] = (struct sandbox_dir){outbox->new_dirfd, SANDBOX_WRITE};
    box.calls = SANDBOX_FILES | SANDBOX_ACCEPT | SANDBOX_INTERNET | SANDBOX_CONNECT_UNIX |
                SANDBOX_FORK | SANDBOX_RESTRICT; /* what the children need, and to confine them */
    daemon_sandbox(d, &box);
}

/* ---- the state ---- */

static void
load_state(const struct program *p)
{
    struct strbuf text = strbuf_new(ALERTS_FILE_MAX);
    size_t damaged = 0;

    if (read_file(p->state_dirfd, STATE_FILE, &text) == 0)
        damaged = alerts_read(p->alerts, strbuf_slice(&text));
    else if (errno != ENOENT)
        log_event(LOG_ERROR, "alert_state_unreadable", KV_ERRNO());
    if (damaged > 0)
        log_event(LOG_WARN, "alert_state_damaged", KV_U64("lines", damaged));
    strbuf_free(&text);
}

/* On a full disk what is known stays in memory, and is written when there is room. */
static void
save_state(struct program *p)
{
    struct strbuf text = strbuf_new(ALERTS_FILE_MAX);
    int rc;

    alerts_print(p->alerts, &text);
    rc = replace_file(p->state_dirfd, STATE_FILE, strbuf_slice(&text), STATE_MODE);
    if (rc < 0 && !p->unsaved)
        log_event(LOG_ERROR, "alert_state_not_written", KV_ERRNO());
    p->unsaved = rc < 0;
    strbuf_free(&text);
}

/* At the end of a turn of the loop: all that has changed in it is on disk. */
static void
keep_state(void *arg)
{
    struct program *p = arg;

    if (alerts_changed(p->alerts))
        save_state(p);
}

static void
changed(void *arg)
{
    struct program *p = arg;

    if (p->unsaved)
        save_state(p);
    teller_look(p->teller);
}

int
main(int argc, char **argv)
{
    struct program p = {.state_dirfd = -1};
    const char *ways[ALERT_WAYS_MAX];
    struct teller_options options;
    struct sandbox child_box;
    struct daemon d;
    size_t way_count;

    daemon_init(&d, "alertd", argc, argv); /* options, log, config; exits on error */
    (void)umask(QUEUE_UMASK);              /* queue-manager has its rights by the group */
    digest_init();
    way_count = teller_ways(d.conf, ways);
    p.alerts = alerts_new(ways, way_count);
    p.watch = watch_new(&d, p.alerts);
    mailer_open(&p.mailer, &d);
    p.push = push_new(&d);
    options = (struct teller_options){.hook = {.child = {&d, &child_box},
                                               .web = dial_options_of(d.conf),
                                               .authorities = load_authorities(&d),
                                               .secret = load_secret(&d)},
                                      .mailer = &p.mailer,
                                      .conf = d.conf};
    p.state_dirfd = daemon_own_dir(&d, STATE_DIR, USERS_ALERT); /* last use of a path */
    enter_sandbox(&d, &child_box, &p); /* user, Landlock, seccomp: no way back */
    load_state(&p);
    p.teller = teller_new(&options, p.alerts, d.stats);
    push_start(p.push, &options.hook);
    p.broadcasts = broadcasts_new(&d, &p.mailer, p.state_dirfd);
    p.report = report_new(&d, &(const struct report_parts){.mailer = &p.mailer,
                                                           .alerts = p.alerts,
                                                           .watch = p.watch,
                                                           .state_dirfd = p.state_dirfd});
    p.control = control_start(
        &d, &(const struct control_parts){p.alerts, p.teller, p.broadcasts, p.report}, changed, &p);
    one_shot_reap_all(d.loop);
    loop_on_turn(d.loop, keep_state, &p);
    watch_start(p.watch, changed, &p);
    p.passwords = password_warning_new(&d, &p.mailer, p.state_dirfd);
    daemon_ready(&d); /* master counts us as started from here on */
    daemon_run(&d);   /* until SIGTERM, or until master is gone */
    password_warning_free(&p.passwords);
    control_stop(&p.control);
    broadcasts_free(&p.broadcasts);
    report_free(&p.report);
    push_free(&p.push);
    teller_free(&p.teller);
    watch_free(&p.watch);
    keep_state(&p);
    alerts_free(&p.alerts);
    return daemon_exit_status(&d);
}
