/*
 * syncd/run.h - one synchronisation of one domain, in a process of its own that may block: it has
 * what was fetched, asks accountd what there is, and has the difference made.
 */
#ifndef POSTHORN_SYNCD_RUN_H
#define POSTHORN_SYNCD_RUN_H

#include "lib/ipc/sync.h"
#include "syncd/domains.h"
#include "syncd/entries.h"
#include "syncd/locals.h"

struct run {
    const struct domain *domain;
    struct sync_request wish;
    struct slice fetched; /* by syncd/fetch.h */
    /* while it runs */
    struct ask *ask;
    struct entries entries;
    struct locals locals;
    struct strbuf rows; /* of the report */
    unsigned row_count;
    unsigned changed, refused, kept;
    bool is_broken; /* accountd has gone */
};

/* In a child: does it; the reply is a SYNC_DONE. */
void run_do(struct run *run, struct strbuf *reply);

/* One change, unless it is a dry run; the report has it. True: it is done. */
bool run_change(struct run *run, const char *action, const struct accountd_admin *admin);
/* Something that is not done, with the reason. */
void run_refuse(struct run *run, const char *kind, struct slice name, const char *why);
/* Something that an administrator may want to know. */
void run_note(struct run *run, const char *kind, struct slice name, const char *what);

/* people.c: an entry's mailbox or group as it has to be. True: it is. Sets e->here either way. */
bool run_account(struct run *run, struct entry *e);
void run_people(struct run *run);
void run_vanished_people(struct run *run);
/* groups.c */
void run_groups(struct run *run);
void run_vanished_groups(struct run *run);

#endif
