/*
 * accountd/mass_mail.h - whose mailbox sends what its owner would not: too many recipients at once,
 * one subject again and again, more than is usual (guess.*).
 *
 * The first two block, the last has mail put on hold. Users alone are blocked, never the client's
 * address, so that its neighbours are not hit.
 */
#ifndef POSTHORN_ACCOUNTD_MASS_MAIL_H
#define POSTHORN_ACCOUNTD_MASS_MAIL_H

#include "accountd/server.h"

struct mass_mail *mass_mail_new(struct server *server);
/* Before a rename: what was learned becomes rows now. */
void mass_mail_settle(struct mass_mail *mail);
void mass_mail_free(struct mass_mail **mailp);

/* Is there anything to count? NULL: no. */
bool mass_mail_counts(const struct mass_mail *mail);
/* May `user` (canonical, or empty: nobody) not send? */
bool mass_mail_is_blocked(const struct server *server, struct slice user);
/* Counts a message. 0: it may go; with a text in *hold it is to be put on hold. -1: the user may
 * not send, from now on or already. The text is borrowed until the next call. */
int mass_mail_look(struct server *server, struct slice user, const struct accountd_spend *spend,
                   const char **hold);
/* Takes back what mass_mail_look has just counted; a block that came of it stays. `held`: there was
 * a text in *hold. */
void mass_mail_unlook(struct server *server, struct slice user, const struct accountd_spend *spend,
                      bool held);

#endif
