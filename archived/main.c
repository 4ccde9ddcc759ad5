/*
 * archived/main.c - start-up of archived: writes the archive, dated files and a chain of hashes.
 *
 * Gets each message from queue-manager as a descriptor to read. Reads nothing from the network and
 * reaches no path but the archive's directory, which nobody else writes.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "archived/agent.h"
#include "lib/auth/digest.h"
#include "lib/log/log.h"

static void
enter_sandbox(struct daemon *d, int rootfd)
{
    struct sandbox box = daemon_sandbox_base(d, USERS_ARCHIVE);

    box.calls = SANDBOX_FILES | SANDBOX_CONNECT_UNIX;
    box.dirs[box.dir_count++] = (struct sandbox_dir){rootfd, SANDBOX_READ | SANDBOX_WRITE};
    box.same_rights = true; /* files move from tmp/ into their day */
    daemon_sandbox(d, &box);
}

static struct writer *
open_archive(int rootfd)
{
    struct writer *writer = writer_open(rootfd); /* finishes or drops what a crash left half done */

    if (writer == NULL) {
        log_event(LOG_ERROR, "start_failed", KV_STR("what", "the archive"), KV_ERRNO());
        log_flush();
        exit(EX_IOERR);
    }
    return writer;
}

int
main(int argc, char **argv)
{
    struct daemon d;
    struct writer *writer;
    struct agent *agent;
    int rootfd;

    daemon_init(&d, "archived", argc, argv); /* options, log, config; exits on error */
    (void)umask(0077);
    digest_init();
    rootfd = daemon_open_dir(&d, d.inst.archive, false); /* last use of a path */
    enter_sandbox(&d, rootfd);                           /* user, Landlock, seccomp: no way back */
    writer = open_archive(rootfd);
    agent = agent_start(&d, writer);
    daemon_ready(&d); /* master counts us as started from here on */
    daemon_run(&d);   /* until SIGTERM, or until master is gone */
    agent_stop(&agent);
    writer_free(&writer);
    return daemon_exit_status(&d);
}
