/*
 * master/service.h - one service: its process now, the one that takes over, those that end their
 * last sessions, and what happens when any of them dies.
 */
#ifndef POSTHORN_MASTER_SERVICE_H
#define POSTHORN_MASTER_SERVICE_H

#include "lib/ipc/object.h"
#include "lib/sys/stats.h"
#include "master/child.h"
#include "master/config.h"

/* What all services share; outlives them. */
struct service_env {
    struct loop *loop;
    const struct instance *inst;
    int run_dirfd, lock_fd;
    struct stats *stats; /* of master; NULL: nothing is counted */
    int64_t start_timeout_ms;
    int64_t stop_timeout_ms;
    void (*changed)(void *arg);       /* some service came to rest, or left it */
    void (*files_changed)(void *arg); /* one that may wants a reload */
    void *arg;
};

struct service;

/* A service of that configuration; nothing is bound or started yet. */
struct service *service_new(struct service_env *env, struct config *config, const char *name);
/* Kills what still runs. */
void service_free(struct service **servicep);

const char *service_name(const struct service *s);
const struct service_row *service_row(const struct service *s);

void service_start(struct service *s);
void service_stop(struct service *s); /* sessions may end; then it is killed (stop_timeout_ms) */
void service_restart(struct service *s);

/* Binds what the new configuration wants, in addition to what there is. 0, or -1 with lines in
 * `errors`; then, as after service_reload_cancel, nothing has changed. */
int service_reload_prepare(struct service *s, struct config *config, struct strbuf *errors);
void service_reload_cancel(struct service *s);
/* Puts the prepared configuration in force: with overlap a new process takes over when it is
 * ready, else the old one is stopped first. If the new one does not come up, the old configuration
 * stays. `needed` false: only the books change. */
void service_reload(struct service *s, bool needed);

bool service_is_settled(const struct service *s); /* nothing is about to change by itself */
bool service_is_gone(const struct service *s);    /* no process is left */
bool service_is_failed(const struct service *s);  /* wanted, but down */
bool service_wanted(const struct service *s);
const char *service_error(const struct service *s);   /* why it is down, "" if all is well */
const char *service_refused(const struct service *s); /* why the last reload was not taken, or "" */
void service_describe(const struct service *s, struct strbuf *objects);

#endif
