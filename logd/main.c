/*
 * logd/main.c - the one writer of all logs.
 *
 * Runs as the log user with the log directory and, if the syslog option is on, the system's log
 * socket; opens no other path. SIGHUP opens the files anew.
 */
#include <fcntl.h>
#include <string.h>

#include "lib/sys/daemon.h"
#include "logd/log_files.h"
#include "logd/receiver.h"
#include "logd/syslog_out.h"

static struct log_policy
read_policy(const struct conf *conf)
{
    return (struct log_policy){
        .rotate_size = conf_u64(conf, LOG_ROTATE_SIZE),
        .rotate_age_ms = conf_u64(conf, LOG_ROTATE_AGE),
        .keep_files = conf_u64(conf, LOG_KEEP_FILES),
        .keep_age_ms = conf_u64(conf, LOG_KEEP_AGE),
        .sync = conf_bool(conf, LOG_SYNC),
        .json = strcmp(conf_str(conf, LOG_FORMAT), "json") == 0,
    };
}

static struct syslog_out *
open_syslog(const struct daemon *d)
{
    const char *format = conf_str(d->conf, LOG_SYSLOG);

    if (strcmp(format, "off") == 0)
        return NULL;
    return syslog_out_new(daemon_open_dir(d, "/dev", true),
                          strcmp(format, "rfc5424") == 0 ? SYSLOG_RFC5424 : SYSLOG_RFC3164,
                          conf_str(d->conf, SYSTEM_HOSTNAME));
}

static void
enter_sandbox(struct daemon *d, int log_dirfd, bool with_syslog)
{
    struct sandbox box = daemon_sandbox_base(d, USERS_LOG);

    box.calls = SANDBOX_FILES | (with_syslog ? SANDBOX_CONNECT_UNIX : 0u);
    box.dirs[box.dir_count++] =
        (struct sandbox_dir){.fd = log_dirfd, .access = SANDBOX_READ | SANDBOX_WRITE};
    daemon_sandbox(d, &box);
}

int
main(int argc, char **argv)
{
    struct daemon d;
    struct log_policy policy;
    struct log_files *files;
    struct syslog_out *syslog;
    struct receiver *receiver;
    int log_dirfd;

    daemon_init(&d, "logd", argc, argv);
    /* Its own lines go through its own socket: waiting there would be waiting for itself. */
    if (d.log_fd >= 0)
        (void)fcntl(d.log_fd, F_SETFL, O_NONBLOCK);
    log_dirfd = daemon_open_dir(&d, d.inst.log, false);
    syslog = open_syslog(&d);
    enter_sandbox(&d, log_dirfd, syslog != NULL);
    policy = read_policy(d.conf);
    files = log_files_new(log_dirfd, &policy, d.stats);
    receiver = receiver_new(&d, files, syslog);
    daemon_ready(&d);
    daemon_run(&d);
    (void)daemon_exit_status(&d); /* its last line is still to be received */
    receiver_drain(receiver);
    receiver_free(&receiver);
    log_files_free(&files);
    syslog_out_free(&syslog);
    return 0;
}
