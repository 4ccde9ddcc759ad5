/*
 * figured/main.c - start-up of figured: keeps what the services' counters did, by minute, hour,
 * day.
 *
 * Reads run/stats, writes db/figures, and shows the figures of now to metricsd.
 */
#include <errno.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "figured/clerk.h"
#include "figured/window.h"
#include "lib/figures/figure_ring.h"
#include "lib/log/log.h"
#include "lib/sys/stats_dir.h"

static _Noreturn void
give_up(const char *what)
{
    log_event(LOG_ERROR, "start_failed", KV_STR("what", what), KV_ERRNO());
    log_flush();
    exit(EX_IOERR);
}

static void
enter_sandbox(struct daemon *d, int figures_fd, int stats_fd)
{
    struct sandbox box = daemon_sandbox_base(d, USERS_FIGURES);

    box.calls = SANDBOX_FILES | SANDBOX_ACCEPT;
    box.dirs[box.dir_count++] = (struct sandbox_dir){figures_fd, SANDBOX_READ | SANDBOX_WRITE};
    box.dirs[box.dir_count++] = (struct sandbox_dir){stats_fd, SANDBOX_READ};
    daemon_sandbox(d, &box);
}

int
main(int argc, char **argv)
{
    struct daemon d;
    struct places *places;
    struct window *window;
    struct clerk *clerk;
    int figures_fd, stats_fd;
    uid_t asking_uid;

    daemon_init(&d, "figured", argc, argv); /* options, log, config; exits on error */
    figures_fd = daemon_own_dir(&d, FIGURES_DIR, USERS_FIGURES);
    places = places_open(&d);
    asking_uid = daemon_role_uid_or_none(&d, USERS_METRICS);
    stats_fd = stats_dir_open(d.inst.run); /* last use of a path */
    if (stats_fd < 0)
        give_up("run/stats");
    enter_sandbox(&d, figures_fd, stats_fd); /* user, Landlock, seccomp: no way back */
    clerk = clerk_new(&d, places, figures_fd, stats_fd);
    if (clerk == NULL)
        give_up("the figures");
    window = window_open(&d, stats_fd, asking_uid);
    daemon_ready(&d);    /* master counts us as started from here on */
    daemon_run(&d);      /* until SIGTERM, or until master is gone */
    clerk_close(&clerk); /* reads once more: nothing is lost between two minutes */
    window_close(&window);
    places_close(&places);
    return daemon_exit_status(&d);
}
