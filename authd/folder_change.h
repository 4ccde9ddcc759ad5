/*
 * authd/folder_change.h - folders of another user that a session makes, removes and renames.
 */
#ifndef POSTHORN_AUTHD_FOLDER_CHANGE_H
#define POSTHORN_AUTHD_FOLDER_CHANGE_H

#include "authd/session.h"

/* FOLDER_CHANGE: answered when local-deliver has done it. 0, or -1: the session breaks the
 * protocol. */
int folder_change_ask(struct session *s, struct slice payload);

#endif
