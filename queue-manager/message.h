/*
 * queue-manager/message.h - one message in memory: from its files and back to nothing.
 */
#ifndef POSTHORN_QUEUE_MANAGER_MESSAGE_H
#define POSTHORN_QUEUE_MANAGER_MESSAGE_H

#include "queue-manager/queue.h"

/* Moves `id` from new/ or deferred/ to active/ and loads it. A damaged one goes to corrupt/, one
 * that may not start yet to deferred/, one that is gone is passed over: all give NULL with errno 0.
 * NULL with another errno (ENOMEM, EMFILE, ENOSPC): it is where it was, try later. */
struct message *message_take_up(struct queue *q, const char *id, enum spool_state from);
struct message *message_find(const struct queue *q, struct slice id);
/* Out of the table and out of memory. The files stay as they are. */
void message_free(struct queue *q, struct message **mp);

/* Recipients of the envelope and copies together, all of which accountd has to resolve. The source
 * of a target is below this; the archive's is this. */
uint32_t message_sources(const struct message *m);
/* The recipient or copy that led to a target. */
const struct queue_rcpt *message_source(const struct message *m, uint32_t source);
static inline bool
message_is_copy(const struct message *m, const struct target *t)
{
    return t->source >= m->envelope->rcpt_count;
}
/* It began here: a user of ours sent it, or a host that may send like one, or we ourselves. */
bool message_is_ours(const struct queue *q, const struct queue_envelope *envelope);

/* A new target, WAITING; the strings in `model` are copied. NULL: there are too many. */
struct target *message_add_target(struct message *m, const struct target *model);
/* The group is to be shown by its members (lines), where the message and QUEUE_SHOWN_MAX admit
 * that; each group counts once. */
void message_show_group(struct message *m, struct slice group, struct slice members);
/* Removes targets that are listed twice (the first one stays), those that the log says are done,
 * and mailboxes that only forward. */
void message_drop_duplicates(struct message *m);
/* The log says that it is done, or the administrator has taken the recipient away. */
bool message_is_done(const struct message *m, const struct target *t);
/* Forgets the targets, for asking again. */
void message_forget_targets(struct message *m);
/* Sets the outcome of this round; the strings are copied. */
void message_set_outcome(struct message *m, struct target *t, enum target_state state,
                         struct slice dsn, struct slice text, struct slice remote);

/* Puts on record what is finished and not yet logged, durably. 0, or -1 with errno. */
int message_log_finished(struct queue *q, struct message *m);

void message_list_init(struct message_list *list);

#endif
