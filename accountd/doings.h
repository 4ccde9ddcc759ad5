/*
 * accountd/doings.h - what users did goes to the recorder: who it was, what of it is listed (the
 * user's record_ properties), and what counts.
 */
#ifndef POSTHORN_ACCOUNTD_DOINGS_H
#define POSTHORN_ACCOUNTD_DOINGS_H

#include "accountd/operation.h"
#include "lib/ipc/accountd_doings.h"

struct doings;

struct doings *doings_new(struct server *server);
void doings_free(struct doings **doingsp);
enum outcome doings_request_sent(struct request *request);
/* USAGE: what mailboxes hold, and what came. */
enum outcome doings_request_usage(struct request *request);
/* Of an authd's report. */
void doings_visit(struct server *server, const struct accountd_visit *visit);
void doings_removal(struct server *server, const struct accountd_removal *removal);

/* ADMIN: "recent" of a user (field `list`: sent, received, deleted, access or empty), "sums" of a
 * domain's users (fields within, period: day, week or month, date: YYYY-MM-DD or empty). 0: the
 * answer comes later; or -1 with op->result. */
int operation_recent(struct operation *op);
int operation_sums(struct operation *op);

#endif
