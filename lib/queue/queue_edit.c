/*
 * lib/queue/queue_edit.c - the recipients of a queued message as the administrator has changed
 * them. No I/O.
 */
#include "lib/queue/queue_edit.h"

#include <stdlib.h>

#include "lib/base/mem.h"

bool
queue_edit_same(struct slice a, struct slice b)
{
    size_t at = slice_rindex(a, '@');

    return a.len == b.len && slice_eq(slice_sub(a, 0, at), slice_sub(b, 0, at)) &&
           slice_eq_nocase(slice_sub(a, at, a.len), slice_sub(b, at, b.len));
}

static void
remove_rcpt(struct queue_envelope *e, struct slice address)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < e->rcpt_count; i++)
        if (!queue_edit_same(e->rcpts[i].address, address))
            e->rcpts[kept++] = e->rcpts[i];
    e->rcpt_count = kept;
}

static void
add_rcpt(struct queue_envelope *e, const struct queue_log_entry *edit)
{
    for (uint32_t i = 0; i < e->rcpt_count; i++)
        if (queue_edit_same(e->rcpts[i].address, edit->added))
            return;
    if (e->rcpt_count < QUEUE_RCPTS_MAX)
        e->rcpts[e->rcpt_count++] = (struct queue_rcpt){
            .address = edit->added, .original = edit->original, .notify = edit->notify};
}

void
queue_edit_apply(const struct queue_envelope *envelope, const struct queue_log *log,
                 struct queue_envelope *edited)
{
    *edited = *envelope;
    if (log->approval.approved != 0 && !log->approval.refused)
        edited->approved_by = log->approval.decided_by;
    edited->rcpts =
        xcalloc((size_t)envelope->rcpt_count + log->edit_count + 1, sizeof(*edited->rcpts));
    for (uint32_t i = 0; i < envelope->rcpt_count; i++)
        edited->rcpts[i] = envelope->rcpts[i];
    for (uint32_t i = 0; i < log->edit_count; i++) {
        if (log->edits[i].address.len > 0)
            remove_rcpt(edited, log->edits[i].address);
        if (log->edits[i].added.len > 0)
            add_rcpt(edited, &log->edits[i]);
    }
}

bool
queue_edit_removed(const struct queue_log *log, struct slice address)
{
    for (uint32_t i = log->edit_count; i > 0; i--) {
        if (queue_edit_same(log->edits[i - 1].added, address))
            return false;
        if (queue_edit_same(log->edits[i - 1].address, address))
            return true;
    }
    return false;
}
