/*
 * queue-manager/sent.h - what became of users' mail, for the user who sent it: queue/sent/DAY.log
 *
 *     2026-11-27T10:00:00.123Z queue-manager[9] info event=sent user=a@d.test queue_id=4fXk2q
 *         to=b@far.test result=deferred dsn=4.4.1 reason="..." remote=mx.far.test
 *
 * on one line (lib/log/line.h) for each recipient of each round, in a file for each day (UTC).
 * Recipients are those that the sender has named: whom a group, an alias or a forward led to, and
 * who reads along, stays hidden. It is information, not state: no flush to the disk waits for it,
 * and after a crash a line may be missing or be there twice.
 */
#ifndef POSTHORN_QUEUE_MANAGER_SENT_H
#define POSTHORN_QUEUE_MANAGER_SENT_H

#include "queue-manager/queue.h"

struct sent;

/* Opens queue/sent below `queue_dirfd`, making it for `uid` and `gid`; before the sandbox. -1 with
 * errno. */
int sent_open_dir(int queue_dirfd, uid_t uid, gid_t gid);

/* By q->settings.sent_days and sent_dirfd (borrowed). */
struct sent *sent_new(const struct queue *q);
void sent_free(struct sent **sp); /* writes what is noted */
/* A round of this message has ended: notes what came of its recipients, if a user has sent it. */
void sent_note(struct sent *s, const struct message *m);
/* Writes what was noted. */
void sent_write(struct sent *s);

#endif
