/*
 * local-deliver/main.c - start of local delivery: puts queued messages into mailboxes.
 *
 * The parent keeps the store (makes, measures, renames and removes users' directories for accountd
 * and authd); its workers deliver for queue-manager, each with a connection of its own. All of them
 * reach queue/ (to link message files), store/ and stores/, and no other path. No byte of a message
 * is looked at but by two kinds of children: one reads an authorized URL (local-deliver/url.c) and
 * can reach the one mailbox and only read it, one replaces addresses (local-deliver/shown.c) and
 * can reach nothing.
 */
#include "lib/sys/daemon.h"
#include "local-deliver/crew.h"
#include "local-deliver/keeper.h"
#include "local-deliver/scrub.h"
#include "local-deliver/url.h"
#include "local-deliver/worker.h"

static struct sandbox
local_sandbox(const struct daemon *d, const struct worker *w, const gid_t *queue_group)
{
    struct sandbox box = daemon_sandbox_base(d, USERS_MAIL);

    if (d->is_root) { /* link() wants the right to write what it links */
        box.groups = queue_group;
        box.group_count = 1;
    }
    /* The links that say in which storage directory a user is. */
    box.dirs[0] =
        (struct sandbox_dir){w->dirs.main_fd, SANDBOX_READ | SANDBOX_WRITE | SANDBOX_SYMLINKS};
    box.dirs[1] = (struct sandbox_dir){w->queue_dirfd, SANDBOX_READ | SANDBOX_WRITE};
    box.dir_count = 2;
    if (w->dirs.others_fd >= 0) /* what is mounted below it later, too */
        box.dirs[box.dir_count++] =
            (struct sandbox_dir){w->dirs.others_fd, SANDBOX_READ | SANDBOX_WRITE};
    box.files_max = 8192;   /* a batch keeps the journals of its mailboxes open */
    box.same_rights = true; /* links lead from the queue into the store */
    box.calls = SANDBOX_FILES | SANDBOX_CHMOD | SANDBOX_SYMLINK | SANDBOX_CONNECT_UNIX |
                SANDBOX_ACCEPT | SANDBOX_FORK | SANDBOX_KILL | SANDBOX_SEND_FDS |
                SANDBOX_RESTRICT; /* for the sandbox of a URL's child */
    return box;
}

int
main(int argc, char **argv)
{
    struct daemon d;
    struct worker worker;
    struct sandbox box;
    gid_t queue_group;
    struct keeper_peers peers;
    struct keeper *keeper;
    struct crew *crew;
    struct scrub *scrub;

    daemon_init(&d, "local-deliver", argc, argv); /* options, log, config; exits on error */
    worker_init(&worker, &d);
    queue_group = daemon_role_gid(&d, USERS_QUEUE);
    url_init(&d);
    peers = keeper_find_peers(&d); /* last use of a path from the real root */
    box = local_sandbox(&d, &worker, &queue_group);
    daemon_sandbox(&d, &box);                      /* user, Landlock, seccomp: no way back */
    crew = crew_start(&d, &worker);                /* the workers; replaces one that dies */
    keeper = keeper_new(&d, &worker.dirs, &peers); /* run/store.sock */
    scrub = scrub_start(&d, &worker.dirs); /* once in store.scrub_days all that lies there */
    daemon_ready(&d);                      /* master counts us as started from here on */
    daemon_run(&d);                        /* until SIGTERM, or until master is gone */
    scrub_stop(&scrub);
    crew_stop(&crew); /* each finishes its batch */
    keeper_free(&keeper);
    return daemon_exit_status(&d);
}
