/*
 * alertd/broadcast.h - a message to all users, of all domains or of one (QUE-17).
 */
#ifndef POSTHORN_ALERTD_BROADCAST_H
#define POSTHORN_ALERTD_BROADCAST_H

#include "alertd/mailer.h"
#include "lib/ipc/alertd.h"
#include "lib/sys/daemon.h"

struct broadcasts;

/* Goes on with what was not ended. Its state is in files in `state_dirfd` (borrowed), the sockets
 * are named from the current directory. */
struct broadcasts *broadcasts_new(struct daemon *d, const struct mailer *mailer, int state_dirfd);
void broadcasts_free(struct broadcasts **bp);

/* On disk before it returns; it is sent then, whatever happens. The same message with the
 * same id is sent once however often it is asked for; an id of another message is refused. NULL, or
 * why not. */
const char *broadcasts_add(struct broadcasts *b, const struct alertd_broadcast *message);
/* Objects of id, state, recipients. */
void broadcasts_list(const struct broadcasts *b, struct strbuf *objects);

#endif
