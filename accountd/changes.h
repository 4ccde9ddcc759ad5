/*
 * accountd/changes.h - WATCH: tells authd of changes that may end sessions.
 *
 * Changes have ascending numbers; authd says up to which it knows them. The last ones are kept: who
 * asks late is told what it missed, or that anything may have changed.
 */
#ifndef POSTHORN_ACCOUNTD_CHANGES_H
#define POSTHORN_ACCOUNTD_CHANGES_H

#include "accountd/server.h"

struct changes;

struct changes *changes_new(void);
void changes_free(struct changes **changesp);

/* After the commit. A right on a folder may have gone to nobody. */
void changes_folders(struct server *server);
/* A user, or with "@domain" all of a domain: gone, disabled, with another password or name. */
void changes_user(struct server *server, struct slice who);
/* All of them: a base was imported. */
void changes_everybody(struct server *server);

/* Keeps the question until there is something to tell. */
enum outcome changes_watch(struct request *request);

#endif
