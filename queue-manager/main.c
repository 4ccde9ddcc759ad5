/*
 * queue-manager/main.c - the owner of the queue: takes up what smtpd has accepted, gives it to the
 * delivery agents, tries again, gives up, tells the sender.
 *
 * Reads no byte from the network; the agents do. Runs as the queue's user, who owns queue/.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/conf/lists.h"
#include "lib/conf/monitor_rules.h"
#include "lib/conf/odmr_table.h"
#include "lib/log/log.h"
#include "lib/sys/daemon.h"
#include "queue-manager/approval.h"
#include "queue-manager/pressure.h"
#include "queue-manager/queue.h"
#include "queue-manager/sent.h"
#include "queue-manager/server.h"
#include "queue-manager/wording.h"

#define ERRORS_MAX 65536

static void
enter_sandbox(struct daemon *d, const struct spool *spool)
{
    struct sandbox box = daemon_sandbox_base(d, USERS_QUEUE);

    box.calls = SANDBOX_FILES | SANDBOX_ACCEPT | SANDBOX_CONNECT_UNIX | SANDBOX_SEND_FDS |
                SANDBOX_FCHMOD; /* the trigger's mode */
    box.same_rights = true;     /* files move between the directories */
    box.dirs[box.dir_count++] =
        (struct sandbox_dir){.fd = spool->dirfd, .access = SANDBOX_READ | SANDBOX_WRITE};
    daemon_sandbox(d, &box);
}

static _Noreturn void
fail(const char *what)
{
    log_event(LOG_ERROR, "start_failed", KV_STR("what", what), KV_ERRNO());
    log_flush();
    exit(EX_OSERR);
}

/* What lies beside posthorn.conf, and what has to fit together. */
static void
load_copies(const struct daemon *d, struct queue_settings *settings)
{
    struct strbuf errors = strbuf_new(ERRORS_MAX);

    settings->monitor_rules = monitor_rules_load(d->inst.etc, &errors); /* for good */
    if (settings->monitor_rules == NULL ||
        archive_conf_read(d->conf, &settings->archive, &errors) < 0) {
        (void)fputs(strbuf_cstr(&errors), stderr);
        exit(EX_CONFIG);
    }
    strbuf_free(&errors);
}

int
main(int argc, char **argv)
{
    struct daemon d;
    struct spool spool;
    struct queue_settings settings;
    struct server_uids uids;
    struct queue *q;
    struct server *server;

    daemon_init(&d, "queue-manager", argc, argv);
    (void)umask(0002); /* agents have their rights by the directory's group */
    uids = (struct server_uids){.local = daemon_role_uid(&d, USERS_MAIL),
                                .remote = daemon_role_uid(&d, USERS_OUT),
                                .archive = daemon_role_uid(&d, USERS_ARCHIVE),
                                .auth = daemon_role_uid(&d, USERS_AUTH),
                                .alert = daemon_role_uid_or_none(&d, USERS_ALERT),
                                .owner = getuid()};
    if (spool_open(&spool, d.inst.queue, daemon_role_uid(&d, USERS_QUEUE),
                   daemon_role_gid(&d, USERS_QUEUE)) < 0)
        fail(d.inst.queue);
    queue_read_settings(d.conf, &settings);
    approval_load(&settings, d.conf, &d.inst, spool.dirfd);
    load_copies(&d, &settings);
    settings.odmr_table =
        odmr_table_new(lists_load_or_exit("queue-manager", d.conf, &d.inst, QUEUE_ODMR_DOMAINS));
    settings.sent_dirfd = sent_open_dir(spool.dirfd, daemon_role_uid(&d, USERS_QUEUE),
                                        daemon_role_gid(&d, USERS_QUEUE));
    if (settings.sent_dirfd < 0)
        fail("queue/sent");
    pressure_places_open(&settings.places, &d.inst);
    wording_load(
        &settings.wording, d.inst.etc,
        conf_str(d.conf, SYSTEM_TEMPLATE_LANGUAGE)); /* last use of a path from the real root */
    enter_sandbox(&d, &spool);
    q = queue_new(d.loop, &spool, &settings, d.stats);
    server = server_new(q, daemon_listener(&d, "control", 0), &uids);
    if (queue_start(q, d.run_dirfd) < 0) /* finishes or drops what a crash left half done */
        fail("recovery of the queue");
    daemon_ready(&d);
    daemon_run(&d);
    server_free(&server);
    queue_free(&q);
    return daemon_exit_status(&d);
}
