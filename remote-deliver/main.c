/*
 * remote-deliver/main.c - start of the SMTP client: agents that bring mail to other servers.
 *
 * The parent starts and replaces the agents; each of them takes jobs from queue-manager, asks dnsd
 * and talks to the Internet. None of them can open any file: a message comes as a descriptor.
 */
#include "remote-deliver/workers.h"

/* Landlock with no directory at all: no path can be opened. */
static struct sandbox
sandbox_for_agents(const struct daemon *d)
{
    struct sandbox box = daemon_sandbox_base(d, USERS_OUT);

    box.calls = SANDBOX_INTERNET | SANDBOX_CONNECT_UNIX;
    return box;
}

int
main(int argc, char **argv)
{
    struct daemon d;
    struct settings settings;
    struct workers *workers;
    struct sandbox agent_box, box;

    daemon_init(&d, "remote-deliver", argc, argv); /* options, log, config; exits on error */
    settings_load(&settings, d.conf, &d.inst);     /* last use of a path */
    agent_box = box = sandbox_for_agents(&d);
    agent_box.uid = (uid_t)-1; /* the parent's user already */
    box.calls |=
        SANDBOX_FORK | SANDBOX_RESTRICT | SANDBOX_CHROOT; /* what entering another box needs */
    daemon_sandbox(&d, &box);                             /* no way back */
    workers = workers_start(&d, &settings, &agent_box);
    daemon_ready(&d);
    daemon_run(&d); /* until SIGTERM, or until master is gone */
    workers_stop(&workers, (int64_t)conf_u64(d.conf, SYSTEM_DRAIN_TIME));
    return daemon_exit_status(&d);
}
