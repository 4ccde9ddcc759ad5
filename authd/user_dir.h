/*
 * authd/user_dir.h - the one capability that a mailbox session gets: its user's `mail` directory.
 */
#ifndef POSTHORN_AUTHD_USER_DIR_H
#define POSTHORN_AUTHD_USER_DIR_H

#include "authd/server.h"

/* Opens PATH/mail in the storage directory that has it, with O_PATH, following no link. `path` is
 * "DOMAIN/xx/USER". A descriptor that the caller owns, or -1 with errno (lib/store/store_dirs.h).
 */
int user_dir_open(const struct store_dirs *dirs, const char *path);

/* Has local-deliver make it in the storage directory `place` ("": any), then opens it. done() runs
 * from the loop, once, with a descriptor that it owns, or -1. */
void user_dir_make(struct server *server, const char *path, const char *place,
                   void (*done)(void *arg, int dir_fd), void *arg);

/* Has local-deliver open one folder's directory, ".Work.Old" below PATH/mail, where we cannot
 * search. done() as above. */
void user_dir_open_folder(struct server *server, struct slice path, struct slice dir,
                          void (*done)(void *arg, int dir_fd), void *arg);

#endif
