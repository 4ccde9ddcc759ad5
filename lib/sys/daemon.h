/*
 * lib/sys/daemon.h - what every program that master starts has in common.
 *
 * master hands over, as inherited descriptors named in the environment: the service's listening
 * sockets (internet and Unix-domain; master binds them all once and keeps them over restarts), the
 * log socket, the control pipe (readiness up, end-of-file when master is gone) and the instance's
 * root. A daemon starts as root (or as the ordinary user who started the suite), opens what it
 * needs, then calls daemon_sandbox: no way back.
 */
#ifndef POSTHORN_LIB_SYS_DAEMON_H
#define POSTHORN_LIB_SYS_DAEMON_H

#include "lib/conf/conf.h"
#include "lib/conf/instance.h"
#include "lib/sys/loop.h"
#include "lib/sys/sandbox.h"
#include "lib/sys/stats.h"

struct daemon {
    const char *name;    /* program: "queue-manager" */
    const char *service; /* name of its row in services.conf: "queue" */
    const struct conf *conf;
    struct instance inst;
    struct loop *loop;
    struct session_table *sessions;  /* of a pool (lib/sys/pool.h), or NULL */
    struct port_counts *port_counts; /* of a pool, by its ports, or NULL */
    struct stats *stats; /* this service's counters and process table in shared memory */
    int run_dirfd;       /* for ipc_client_new; stays valid in the sandbox without chroot */
    int log_fd;
    int control_fd;
    bool is_root;     /* started by root: users are switched */
    bool master_gone; /* daemon_run returned for that, not for a signal */
};

/* Options, environment, log, configuration, loop; exits with a message on error. */
void daemon_init(struct daemon *d, const char *name, int argc, char **argv);

/* The n-th listening socket with this label ("smtp", "submission", "control"); -1: no more. */
int daemon_listener(const struct daemon *d, const char *label, size_t n);

/* Opens a directory of the instance by absolute path, O_PATH if `path_only`. Exits on error. */
int daemon_open_dir(const struct daemon *d, const char *path, bool path_only);
/* The directory `name` below db/ that is the role's own, made at its first start. Exits on error.
 */
int daemon_own_dir(const struct daemon *d, const char *name, enum conf_id user);
/* One that need not be there, O_PATH. -1 with errno. */
int daemon_open_optional_dir(const char *path);

/* A directory in which nothing is, for a chroot. -1 with errno. */
int daemon_empty_dir(const struct daemon *d);

/* Fills in user, group and the shared defaults for the role whose users.* setting is `user`. */
struct sandbox daemon_sandbox_base(const struct daemon *d, enum conf_id user);
/* uid of a role, to check peers against (getuid() when not started by root). */
uid_t daemon_role_uid(const struct daemon *d, enum conf_id user);
/* The same of one that may have no user yet, in an installation of before: (uid_t)-1, nobody's. */
uid_t daemon_role_uid_or_none(const struct daemon *d, enum conf_id user);
/* gid of a role's primary group, for supplementary groups. */
gid_t daemon_role_gid(const struct daemon *d, enum conf_id user);
void daemon_sandbox(struct daemon *d, const struct sandbox *box); /* exits on failure */

void daemon_ready(struct daemon *d); /* master counts us as started from here on */
/* Asks master for a reload: files of the configuration have changed. Master grants it to acmed. */
void daemon_files_changed(struct daemon *d);
/* Runs the loop until SIGTERM or until master is gone. */
void daemon_run(struct daemon *d);
int daemon_exit_status(struct daemon *d);

#endif
