/*
 * lib/store/appender.h - appends to a journal without a view of it: the last record tells enough.
 *
 * For arrivals and for the ledger in INBOX's journal. Costs the same at any length of the journal.
 */
#ifndef POSTHORN_LIB_STORE_APPENDER_H
#define POSTHORN_LIB_STORE_APPENDER_H

#include "lib/store/journal_tail.h"

struct appender {
    struct journal *journal;
    bool inbox;                /* this journal carries the user's totals */
    struct journal_tail tail;  /* as found */
    struct record_state state; /* as it will be */
    struct strbuf record;
    uint64_t record_end; /* after commit: for journal_mark */
    bool lasting;
};

/* Locks the journal, finds its end and begins a record. -1 with errno; nothing is locked then. */
int appender_begin(struct appender *a, struct journal *j, bool inbox, uint32_t record_flags);
/* The item after that may be added by record_add_...; an arrival gets its UID and modseq here.
 * -1: EOVERFLOW, the folder has no UID left. */
int appender_arrive(struct appender *a, struct arrival *arrival);
/* Writes the record and unlocks; a lasting one stays held (journal_release) until it is settled. -1
 * with errno: nothing of it is there. */
int appender_commit(struct appender *a);
void appender_abort(struct appender *a); /* unlocks */

/* `value` + `delta`, never below zero. */
uint64_t appender_adjust(uint64_t value, int64_t delta);

#endif
