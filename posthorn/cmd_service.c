/*
 * posthorn/cmd_service.c - `start`, `stop`, `restart`, `reload` and `service`: the suite and its
 * services, through master's control socket.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/oper/master_call.h"
#include "posthorn/admin_passwords.h"
#include "posthorn/by_systemd.h"
#include "posthorn/command.h"
#include "posthorn/config_check.h"
#include "posthorn/master_trouble.h"
#include "posthorn/remote.h"

#define MESSAGES_MAX 65536
#define SETTLE_TIMEOUT_MS 600000 /* master's own deadlines are shorter */
#define STOP_TIMEOUT_MS 600000
#define STOP_STEP_MS 10

/* "a\nb\n" on stderr, each line as a message of its own. */
static void
print_lines(const struct cli *cli, struct slice said)
{
    struct strbuf complete = strbuf_new(MESSAGES_MAX);
    struct slice text;

    master_call_name_holders(said, &complete);
    text = strbuf_slice(&complete);
    while (text.len > 0) {
        struct slice line = slice_trim(slice_split(&text, '\n'));

        if (line.len > 0)
            cli_warn(cli, "%.*s", (int)line.len, line.ptr);
    }
    strbuf_free(&complete);
}

/* Asks and prints what went wrong. CLI_OK if nothing did. */
static int
ask(struct cli *cli, struct master_call *master, const char *verb, const char *name)
{
    struct master_reply reply;

    if (master_call_ask(master, verb, name, SETTLE_TIMEOUT_MS, &reply) < 0)
        return cli_fail(cli, "master did not answer: %s; see 'posthorn log master'",
                        strerror(errno));
    print_lines(cli, reply.text);
    return reply.result == 0 ? CLI_OK : CLI_FAILED;
}

static _Noreturn void
exec_master(const struct cli *cli, bool foreground)
{
    char *path = xasprintf("%s/master", cli->inst.libexec);
    char *argv[5] = {path};
    size_t n = 1;

    if (cli->inst.root != NULL) {
        argv[n++] = (char *)(uintptr_t) "--root";
        argv[n++] = cli->inst.root;
    }
    if (foreground)
        argv[n++] = (char *)(uintptr_t) "--foreground";
    (void)execv(path, argv);
    (void)fprintf(stderr, "%s: %s\n", path, strerror(errno));
    _exit(CLI_FAILED);
}

/* The child of `start`: away from the terminal, messages into the pipe until master is set up. */
static _Noreturn void
become_master(const struct cli *cli, int message_fd)
{
    int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    (void)setsid(); /* we have just been forked: no group leader */
    if (null_fd >= 0)
        (void)dup2(null_fd, STDIN_FILENO);
    (void)dup2(message_fd, STDOUT_FILENO);
    (void)dup2(message_fd, STDERR_FILENO);
    exec_master(cli, false);
}

/* Starts master and reads what it says until it has settled in. 0, or -1 after the messages. */
static int
spawn_master(const struct cli *cli)
{
    struct strbuf messages = strbuf_new(MESSAGES_MAX);
    char path[32];
    int ends[2], status = 0, rc = -1;
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) < 0 || (pid = fork()) < 0)
        return cli_fail(cli, "%s", strerror(errno)), -1;
    if (pid == 0)
        become_master(cli, ends[1]);
    (void)close(ends[1]);
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[0]);
    (void)read_file(AT_FDCWD, path, &messages); /* too long a text is cut */
    (void)close(ends[0]);
    print_lines(cli, strbuf_slice(&messages));
    if (waitpid(pid, &status, WNOHANG) == 0)
        rc = 0;
    strbuf_free(&messages);
    return rc;
}

static int
wait_started(struct cli *cli)
{
    struct master_call *master = master_call_new(&cli->inst);
    int rc = CLI_FAILED;

    if (master == NULL)
        rc = cli_fail(cli, "master ended while starting; see 'posthorn log master'");
    else
        rc = ask(cli, master, "settle", "");
    master_call_free(&master);
    return rc;
}

/* What master would say of the configuration, systemd keeps to its journal. */
static bool
is_startable(const struct cli *cli)
{
    struct conf *conf = config_check_all(cli);
    bool fine = conf != NULL;

    conf_free(&conf);
    return fine;
}

static int
start(struct cli *cli, bool foreground)
{
    struct master_call *master;

    if (!cli_needs_instance(cli))
        return CLI_FAILED;
    master = master_call_new(&cli->inst);
    if (master != NULL) {
        master_call_free(&master);
        cli_warn(cli, "it is running already%s", foreground ? "; 'posthorn stop' ends it" : "");
        return foreground ? CLI_FAILED : wait_started(cli);
    }
    if (errno == EACCES)
        return cli_fail(cli, "%s: permission denied; start it as the user who set it up",
                        cli->inst.run);
    admin_passwords_take(cli);
    (void)fflush(stdout);
    if (foreground)
        exec_master(cli, true);
    if (by_systemd(cli) && !is_startable(cli))
        return cli_fail(cli, "it was not started");
    switch (by_systemd_start(cli)) {
    case BY_SYSTEMD_STARTED:
        return wait_started(cli);
    case BY_SYSTEMD_FAILED:
        return CLI_FAILED;
    case BY_SYSTEMD_NOT:
        break;
    }
    if (spawn_master(cli) < 0)
        return cli_fail(cli, "it was not started");
    return wait_started(cli);
}

static int
run_start(struct cli *cli, int argc, char **argv)
{
    bool foreground = false;
    const struct cli_option options[] = {{"--foreground", CLI_FLAG, &foreground}};

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 0, 0) != 0)
        return CLI_USAGE;
    return start(cli, foreground);
}

/* Until nobody holds the instance's lock in that directory; fine if there is none. */
static int
wait_released(const struct cli *cli, const char *directory, int64_t deadline)
{
    static const struct timespec step = {.tv_nsec = STOP_STEP_MS * 1000000L};
    char *path = xasprintf("%s/%s", directory, INSTANCE_LOCK);
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc = CLI_OK;

    if (fd < 0 && errno != ENOENT)
        rc = cli_fail(cli, "%s: %s; whether all its processes have ended is not known", path,
                      strerror(errno));
    while (fd >= 0 && rc == CLI_OK && flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (clock_mono_ms() > deadline)
            rc = cli_fail(cli, "processes are still running after %d s", STOP_TIMEOUT_MS / 1000);
        (void)nanosleep(&step, NULL); /* shorter is harmless */
    }
    close_keep_errno(fd);
    free(path);
    return rc;
}

/* Until the last process of the suite has gone: they all hold this lock. Those that a version
 * before this one has started hold it in the run directory. */
static int
wait_gone(const struct cli *cli)
{
    int64_t deadline = clock_mono_ms() + STOP_TIMEOUT_MS;
    int rc = wait_released(cli, cli->inst.run, deadline);

    return rc == CLI_OK ? wait_released(cli, cli->inst.queue, deadline) : rc;
}

static int
stop(struct cli *cli)
{
    struct master_call *master;
    int rc;

    if (!cli_needs_instance(cli))
        return CLI_FAILED;
    master = master_call_new(&cli->inst);
    if (master == NULL && errno == EACCES)
        return cli_fail(cli, "%s: permission denied; stop it as the user who started it",
                        cli->inst.run);
    if (master == NULL) {
        cli_warn(cli, "it is not running");
        return wait_gone(cli);
    }
    rc = ask(cli, master, "stop", "");
    master_call_free(&master);
    return rc == CLI_OK ? wait_gone(cli) : rc;
}

static int
run_stop(struct cli *cli, int argc, char **argv)
{
    if (cli_options(cli, &argc, argv, NULL, 0, 0, 0) != 0)
        return CLI_USAGE;
    return stop(cli);
}

/* With a configuration that it could not start with, a running suite is better left alone. */
static int
run_restart(struct cli *cli, int argc, char **argv)
{
    int rc;

    if (cli_options(cli, &argc, argv, NULL, 0, 0, 0) != 0)
        return CLI_USAGE;
    if (!is_startable(cli))
        return cli_fail(cli, "nothing was stopped");
    rc = stop(cli);
    return rc == CLI_OK ? start(cli, false) : rc;
}

/* One question to a running master. */
static int
ask_running(struct cli *cli, const char *verb, const char *name)
{
    struct master_call *master;
    int rc;

    if (cli->remote != NULL)
        return remote_order(cli, OPER_SERVICE, verb, name);

    if (!cli_needs_instance(cli))
        return CLI_FAILED;
    master = master_call_new(&cli->inst);
    if (master == NULL)
        return master_trouble(cli);
    rc = ask(cli, master, verb, name);
    master_call_free(&master);
    return rc;
}

/* master sees errors in the settings alone; a certificate with another's key would leave the suite
 * without TLS. */
static int
run_reload(struct cli *cli, int argc, char **argv)
{
    if (cli_options(cli, &argc, argv, NULL, 0, 0, 0) != 0)
        return CLI_USAGE;
    if (!cli_needs_instance(cli))
        return CLI_FAILED;
    if (cli->remote == NULL && !config_check_certificate(cli))
        return cli_fail(cli, "nothing was reloaded");
    return ask_running(cli, "reload", "");
}

static int
on_service(struct cli *cli, int argc, char **argv)
{
    char verb[32];

    if (cli_options(cli, &argc, argv, NULL, 0, 1, 1) != 0)
        return CLI_USAGE;
    if (cli->remote != NULL)
        return remote_order(cli, OPER_SERVICE, cli->verb->name, argv[0]);
    (void)snprintf(verb, sizeof(verb), "service-%s", cli->verb->name); /* they are short */
    return ask_running(cli, verb, argv[0]);
}

static const struct cli_verb service_verbs[] = {
    {"start", "NAME", "starts one service; returns when it accepts connections", on_service},
    {"stop", "NAME", "stops one service until it is started again", on_service},
    {"restart", "NAME", "stops one service and starts it again", on_service},
    {0},
};

const struct command command_start = {
    .name = "start",
    .summary = "starts the mail server",
    .synopsis = "[--foreground]",
    .help = "Returns when every service accepts connections, or says which one failed and why (a\n"
            "port in use: by whom). The other services then run all the same.\n"
            "Where systemd runs the host, the installed instance is started as the unit posthorn;\n"
            "'systemctl enable posthorn' starts it with the host.\n"
            "--foreground stays in the terminal, or below systemd.",
    .run = run_start,
};

const struct command command_stop = {
    .name = "stop",
    .summary = "stops the mail server",
    .synopsis = "",
    .help = "Sessions may end for system.drain_time; returns when every process has gone.",
    .run = run_stop,
};

const struct command command_restart = {
    .name = "restart",
    .summary = "stops the mail server and starts it again",
    .synopsis = "",
    .help = "Checks the configuration first: with an error in it nothing is stopped.",
    .run = run_restart,
};

const struct command command_reload = {
    .name = "reload",
    .summary = "takes over a changed configuration",
    .synopsis = "",
    .help = "Reads posthorn.conf and services.conf and checks them; with an error in them nothing\n"
            "changes. No session is dropped: sessions end under the configuration they began with.",
    .run = run_reload,
    .remote = "*",
};

const struct command command_service = {
    .name = "service",
    .summary = "starts, stops or restarts one service",
    .help = "The names are those of services.conf; 'posthorn status' lists them.",
    .verbs = service_verbs,
    .remote = "start stop restart",
};
