/*
 * authd/outcome.h - how a login ends: one event in the log, what is counted for it, the answer.
 */
#ifndef POSTHORN_AUTHD_OUTCOME_H
#define POSTHORN_AUTHD_OUTCOME_H

#include "authd/session.h"
#include "lib/log/log.h"

/* One event; never a secret. */
void outcome_log(const struct session *s, enum log_level level, const char *event,
                 struct slice user, const char *reason);
void outcome_refuse(struct session *s, enum authd_failure failure, const char *reason);
/* `dir_fd`: the user's directory, which is closed here, or -1. */
void outcome_succeed(struct session *s, int dir_fd);

#endif
