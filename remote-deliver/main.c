/*
 * remote-deliver/main.c - start of the SMTP client: agents that bring mail to other servers.
 *
 * The parent starts and replaces the agents; each of them takes jobs from queue-manager, asks dnsd
 * and talks to the Internet. None of them can open any file: a message comes as a descriptor, and
 * one that has to be changed on its way out goes to a file without a name. Their root is the
 * directory of our own sockets, so that no other program's can be reached.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/sys/heap.h"
#include "remote-deliver/workers.h"

/* Landlock with no directory at all: no path can be opened. */
static struct sandbox
sandbox_for_agents(const struct daemon *d)
{
    struct sandbox box = daemon_sandbox_base(d, USERS_OUT);

    box.calls = SANDBOX_INTERNET | SANDBOX_CONNECT_UNIX | SANDBOX_SCRATCH;
    return box;
}

/* From here on sockets are named from the current directory, where we also are if there is no right
 * to chroot. */
static void
enter_sandbox(struct daemon *d, struct sandbox *box)
{
    if (fchdir(d->run_dirfd) < 0) {
        (void)fprintf(stderr, "remote-deliver: %s: %s\n", d->inst.run, strerror(errno));
        exit(EX_OSERR);
    }
    box->chroot_fd = d->is_root ? d->run_dirfd : -1;
    daemon_sandbox(d, box);
    d->run_dirfd = AT_FDCWD;
}

int
main(int argc, char **argv)
{
    struct daemon d;
    struct remote_settings settings;
    struct scratch *scratch;
    struct workers *workers;
    struct sandbox agent_box, box;

    daemon_init(&d, "remote-deliver", argc, argv); /* options, log, config; exits on error */
    remote_settings_load(&settings, "remote-deliver", d.conf, &d.inst);
    scratch = scratch_open(d.inst.queue, settings.workers); /* last use of a path */
    agent_box = box = sandbox_for_agents(&d);
    agent_box.uid = (uid_t)-1;                    /* the parent's user already */
    box.calls |= SANDBOX_FORK | SANDBOX_RESTRICT; /* what entering another box needs */
    enter_sandbox(&d, &box);                      /* no way back */
    if (sandbox_prepare(&agent_box) < 0)
        exit(EX_OSERR);
    heap_seal(); /* agents take memory of their own, instead of copying pages of ours */
    workers = workers_start(&d, &settings, scratch, &agent_box);
    daemon_ready(&d);
    daemon_run(&d); /* until SIGTERM, or until master is gone */
    workers_stop(&workers, (int64_t)conf_u64(d.conf, SYSTEM_DRAIN_TIME));
    return daemon_exit_status(&d);
}
