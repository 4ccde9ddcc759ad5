/*
 * lib/store/appender.c - appends to a journal without a view of it.
 */
#include "lib/store/appender.h"

#include <errno.h>

#include "lib/base/clock.h"

int
appender_begin(struct appender *a, struct journal *j, bool inbox, uint32_t record_flags)
{
    *a = (struct appender){.journal = j,
                           .inbox = inbox,
                           .record = strbuf_new(RECORD_MAX),
                           .lasting = (record_flags & RECORD_LASTING) != 0};
    if (journal_lock_current(j) < 0)
        return -1;
    if (journal_tail_read(j, &a->tail) < 0) {
        journal_unlock(j);
        return -1;
    }
    a->state = a->tail.state;
    if (a->state.uidnext == 0)
        a->state.uidnext = 1;
    record_begin(&a->record, record_flags, clock_real_ms());
    if (a->lasting)
        a->state.modseq = journal_next_modseq(a->state.modseq);
    return 0;
}

int
appender_arrive(struct appender *a, struct arrival *arrival)
{
    if (a->state.uidnext == UINT32_MAX) {
        errno = EOVERFLOW;
        return -1;
    }
    arrival->m.uid = a->state.uidnext++;
    arrival->m.modseq = a->state.modseq;
    a->state.count++;
    a->state.recent++;
    a->state.bytes += arrival->m.size;
    if ((arrival->m.flags & MESSAGE_SEEN) == 0)
        a->state.unseen++;
    if (a->inbox) {
        a->state.user_bytes += arrival->m.size;
        a->state.user_messages++;
    }
    record_add_arrival(&a->record, arrival);
    return 0;
}

int
appender_commit(struct appender *a)
{
    int rc = record_finish(&a->record, &a->state, a->tail.settled);

    if (rc == 0)
        rc = journal_append(a->journal, a->tail.end, &a->record, a->lasting);
    a->record_end = a->tail.end + a->record.len;
    appender_abort(a);
    return rc;
}

void
appender_abort(struct appender *a)
{
    journal_unlock(a->journal);
    strbuf_free(&a->record);
}

uint64_t
appender_adjust(uint64_t value, int64_t delta)
{
    if (delta >= 0)
        return value + (uint64_t)delta;
    return value > (uint64_t)-delta ? value - (uint64_t)-delta : 0;
}
