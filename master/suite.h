/*
 * master/suite.h - all services of the instance: started, reloaded and stopped together.
 */
#ifndef POSTHORN_MASTER_SUITE_H
#define POSTHORN_MASTER_SUITE_H

#include "master/service.h"

struct suite;

enum suite_phase { SUITE_RUNNING, SUITE_STOPPING, SUITE_STOPPED };

/* Takes the caller's reference to `config`. `changed` runs at the end of each loop turn in which a
 * service changed its state. */
struct suite *suite_new(struct loop *loop, const struct instance *inst, int run_dirfd, int lock_fd,
                        struct config *config, void (*changed)(void *arg), void *arg);
/* Starts and failures are counted there; the caller closes it after the suite. */
void suite_count_in(struct suite *suite, struct stats *stats);
void suite_free(struct suite **suitep); /* kills what still runs */

/* Starts the service that has the log socket, so that everything later has where to log. */
void suite_start_log(struct suite *suite);
void suite_start(struct suite *suite); /* the automatic services */
/* Ends the services in order: those with sessions, the others, the log. The loop stops when all
 * are gone. */
void suite_stop(struct suite *suite);
int64_t suite_stop_limit_ms(const struct suite *suite); /* suite_stop takes no longer */
enum suite_phase suite_phase(const struct suite *suite);

/* Reads the configuration anew. 0: it is being put in force (suite_is_settled() tells when), or -1
 * with lines in `errors` and in the log, and nothing has changed. */
int suite_reload(struct suite *suite, struct strbuf *errors);

struct service *suite_find(struct suite *suite, struct slice name); /* or NULL */
bool suite_is_settled(const struct suite *suite);
/* A line for each service that is down or has refused the last reload. */
void suite_complaints(const struct suite *suite, struct strbuf *out);
/* Who looks after the services: users.alert. (uid_t)-1: there is no such user. */
uid_t suite_watcher(const struct suite *suite);
void suite_describe(const struct suite *suite, struct strbuf *objects);

#endif
