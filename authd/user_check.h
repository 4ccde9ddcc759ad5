/*
 * authd/user_check.h - an administrator's program asks whether a user's password is right, or
 * changes it with the old one in hand (ADM-28), or with it asks what is in the mailbox (ADM-36).
 *
 * Who may ask about whom accountd decides first. Wrong passwords count for the user and for the
 * client that asks, as at every login; a blocked user's password is wrong.
 */
#ifndef POSTHORN_AUTHD_USER_CHECK_H
#define POSTHORN_AUTHD_USER_CHECK_H

#include "lib/ipc/accountd.h"

struct session;
struct user_check;

/* Is this operation one of ours? */
bool user_check_takes(const struct accountd_admin *admin);
/* Begins it for an idle session of an administrator; it is answered later. */
void user_check_begin(struct session *s, const struct accountd_admin *admin);
void user_check_free(struct user_check **checkp); /* wipes */

#endif
