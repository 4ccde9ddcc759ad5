/*
 * filterd/main.c - start-up of filterd: the client of milters and policy services.
 *
 * It asks them about what smtpd's sessions tell it; one event loop, so that a filter that hangs
 * holds up the sessions that wait for it and no other.
 */
#include "filterd/service.h"
#include "lib/log/log.h"

enum { FILES_PER_SESSION = 6, FILES_SPARE = 256 };

/* Milters listen where the administrator says, so there is no empty root to lock oneself into: no
 * path can be opened, but sockets can be connected to. */
static void
enter_sandbox(struct daemon *d, const struct filters *filters)
{
    struct sandbox box = daemon_sandbox_base(d, USERS_FILTER);
    uint64_t sessions = conf_u64(d->conf, FILTER_SESSIONS_MAX);

    box.calls =
        SANDBOX_CONNECT_UNIX | SANDBOX_INTERNET | SANDBOX_ACCEPT | SANDBOX_SEND_FDS | SANDBOX_FILES;
    box.files_max = sessions * (FILES_PER_SESSION + filters->milter_count + filters->policy_count) +
                    FILES_SPARE;
    daemon_sandbox(d, &box);
}

int
main(int argc, char **argv)
{
    struct daemon d;
    struct filters filters;
    struct service *service;

    daemon_init(&d, "filterd", argc, argv); /* options, log, config; exits on error */
    filters_open(&filters, &d);             /* looks up the names of their hosts */
    service = service_listen(&d, &filters);
    enter_sandbox(&d, &filters); /* user, Landlock, seccomp: no way back */
    daemon_ready(&d);            /* master counts us as started from here on */
    daemon_run(&d);              /* until SIGTERM, or until master is gone */
    service_close(&service);
    ipc_async_free(&filters.dns);
    return daemon_exit_status(&d);
}
