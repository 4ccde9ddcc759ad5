/*
 * accountd/main.c - sole owner of the account base: domains, users, aliases, groups.
 *
 * Started by master with a listening socket, or by the command line while the suite is stopped,
 * with one connection (POSTHORN_STANDALONE_FD). Reads nothing from the network.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "accountd/new_password.h"
#include "accountd/recorder.h"
#include "accountd/server.h"
#include "accountd/totp.h"
#include "lib/auth/digest.h"
#include "lib/base/parse.h"
#include "lib/log/log.h"

/* The database is opened by names in its directory: that works below directories that our user
 * cannot search. */
static int
enter_database(const struct daemon *d)
{
    int fd = daemon_open_dir(d, d->inst.db, false);

    if (fchdir(fd) < 0) {
        (void)fprintf(stderr, "accountd: %s: %s\n", d->inst.db, strerror(errno));
        exit(EX_NOINPUT);
    }
    return fd;
}

static void
confine(struct daemon *d, int db_fd)
{
    struct sandbox box = daemon_sandbox_base(d, USERS_ACCOUNT);

    box.dirs[box.dir_count++] = (struct sandbox_dir){db_fd, SANDBOX_READ | SANDBOX_WRITE};
    box.calls = SANDBOX_FILES | SANDBOX_ACCEPT | SANDBOX_CONNECT_UNIX;
    daemon_sandbox(d, &box);
    (void)close(db_fd); /* the current directory is enough */
}

/* The connection of a command line that found no running suite; -1: master started us. */
static int
standalone_fd(void)
{
    const char *text = getenv("POSTHORN_STANDALONE_FD");
    uint64_t fd;

    if (text == NULL)
        return -1;
    if (parse_u64(slice_of(text), INT32_MAX, &fd) < 0) {
        (void)fputs("accountd: POSTHORN_STANDALONE_FD is damaged\n", stderr);
        exit(EX_USAGE);
    }
    log_set_level(LOG_ERROR); /* the log is the user's terminal */
    return (int)fd;
}

int
main(int argc, char **argv)
{
    struct server server = {0};
    struct daemon d;
    int listen_fd, peer_fd;

    daemon_init(&d, "accountd", argc, argv);
    peer_fd = standalone_fd();
    listen_fd = daemon_listener(&d, "control", 0);
    if (listen_fd < 0 && peer_fd < 0) {
        (void)fputs("accountd: no socket; the command is: posthorn start\n", stderr);
        return EX_USAGE;
    }
    server_learn_roles(&server, &d);
    digest_init();
    totp_load_keys(&d);
    server.passwords = new_passwords_new(&d); /* hash workers fork here */
    server.recorder = recorder_new(&d);
    confine(&d, enter_database(&d)); /* last use of a path from the real root */
    if (peer_fd >= 0)
        server_adopt(&server, &d, peer_fd);
    else
        server_listen(&server, &d, listen_fd);
    daemon_ready(&d);
    daemon_run(&d);
    server_stop(&server);
    return daemon_exit_status(&d);
}
