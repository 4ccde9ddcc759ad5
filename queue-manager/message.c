/*
 * queue-manager/message.c - one message in memory: from its files and back to nothing.
 *
 * Reads envelope and log of files that may be damaged; their checksums decide. Touches the queue's
 * directories through lib/queue.
 */
#include "queue-manager/message.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/log/log.h"
#include "lib/queue/queue_edit.h"
#include "lib/sys/stats.h"
#include "queue-manager/admit.h"
#include "queue-manager/approval_request.h"
#include "queue-manager/lane.h"
#include "queue-manager/notice.h"

static struct message **
table_row(const struct queue *q, struct slice id)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a: ids are ours, nobody chooses them */

    for (size_t i = 0; i < id.len; i++)
        hash = (hash ^ (unsigned char)id.ptr[i]) * 1099511628211u;
    return (struct message **)&q->table[hash % QUEUE_TABLE_SIZE];
}

struct message *
message_find(const struct queue *q, struct slice id)
{
    for (struct message *m = *table_row(q, id); m != NULL; m = m->table_next)
        if (slice_eq(slice_of(m->id), id))
            return m;
    return NULL;
}

static void
table_add(struct queue *q, struct message *m)
{
    struct message **row = table_row(q, slice_of(m->id));

    m->table_next = *row;
    m->table_prev = row;
    if (*row != NULL)
        (*row)->table_prev = &m->table_next;
    *row = m;
    q->active_count++;
    m->serial = ++q->last_serial;
    sender_entered(m->sender);
    q->rcpt_count += m->envelope->rcpt_count;
    atomic_store_explicit(q->counters.active, q->active_count, memory_order_relaxed);
}

void
message_free(struct queue *q, struct message **mp)
{
    struct message *m = *mp;

    while (!LIST_EMPTY(&m->shares))
        lane_remove(LIST_FIRST(&m->shares));
    if (m->table_prev != NULL) {
        *m->table_prev = m->table_next;
        if (m->table_next != NULL)
            m->table_next->table_prev = m->table_prev;
        q->active_count--;
        q->rcpt_count -= m->envelope->rcpt_count;
        q->target_count -= m->counted;
        sender_left(q->senders, m->sender);
        atomic_store_explicit(q->counters.active, q->active_count, memory_order_relaxed);
    }
    approval_requests_free(m);
    queue_message_close(&m->file);
    envelope_clear(&m->edited);
    queue_log_free(&m->log);
    arena_free(&m->arena);
    strbuf_free(&m->shown);
    xfree(&m->targets);
    xfree(&m->reason);
    xfree(mp);
}

/* A link, FIFO or socket under a queue id: nobody's mail, and the sandbox moves files alone. */
static bool
was_no_file(const struct queue *q, const char *id, enum spool_state from)
{
    struct stat st;
    int dirfd = q->spool.fds[from];

    return fstatat(dirfd, id, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(st.st_mode) &&
           unlinkat(dirfd, id, 0) == 0;
}

static void
set_aside(struct queue *q, const char *id, enum spool_state from)
{
    stats_add(q->counters.corrupt, 1);
    if (was_no_file(q, id, from))
        log_event(LOG_ERROR, "corrupt", KV_STR("queue_id", id),
                  KV_STR("hint", "what was no file has been removed from the queue"));
    else if (spool_move(&q->spool, id, from, SPOOL_CORRUPT, SPOOL_ENV | SPOOL_LOG) == 0)
        log_event(LOG_ERROR, "corrupt", KV_STR("queue_id", id),
                  KV_STR("hint", "damaged queue file moved to queue/corrupt"));
    else
        log_event(LOG_ERROR, "corrupt", KV_STR("queue_id", id), KV_ERRNO());
}

/* Received before this start, or "in the future" by a clock that was set back. */
static bool
is_in_doubt(const struct queue *q, const struct queue_envelope *e)
{
    return e->received_ms < q->started_ms || e->received_ms > clock_real_ms();
}

/* The recipients as the administrator has changed them, and who approved the message. */
static int
edit_rcpts(struct message *m)
{
    if (m->log.edit_count == 0 && m->log.approval.approved == 0)
        return 0;
    queue_edit_apply(m->envelope, &m->log, &m->edited);
    m->envelope = &m->edited;
    errno = EBADMSG;
    return m->edited.rcpt_count > 0 ? 0 : -1;
}

/* After a crash also the content's checksum is looked at: its pages may never have reached the
 * disk of a machine that lies about flushes. */
static int
load_rest(struct queue *q, struct message *m, enum spool_state from)
{
    m->envelope = queue_message_envelope(m->file);
    m->in_doubt = is_in_doubt(q, m->envelope);
    if (from == SPOOL_NEW && m->in_doubt && queue_message_check_content(m->file) < 0)
        return -1;
    queue_message_detach(m->file);
    m->beside = queue_message_is_beside(m->file) ? SPOOL_ENV : 0u;
    if (from == SPOOL_NEW && !m->in_doubt)
        return 0; /* nobody has made a log yet */
    if (queue_log_load(q->spool.fds[from], m->id, &m->log) < 0)
        return -1;
    if (edit_rcpts(m) < 0)
        return -1;
    m->log_length = m->log.bytes.len;
    m->round = m->log.round;
    m->notice_logged = m->log.notice_ms != 0;
    m->linked = m->log.rcpt_count > 0; /* some mailbox may have it from an earlier round */
    m->beside |= SPOOL_LOG;
    return 0;
}

/* It is this file that cannot be read, now and later: it must not hold up the others. */
static bool
is_the_file(int error)
{
    return error == EBADMSG || error == ELOOP || error == EISDIR || error == EFBIG ||
           error == EACCES || error == EPERM || error == ENXIO;
}

/* A filter wants it on hold, and nobody has released it: a release leaves a log. */
static bool
has_to_be_held(const struct message *m)
{
    return m->envelope->hold_reason.len > 0 && m->log.bytes.len == 0;
}

/* ADMIT_WAITS, until it is released, or -1 with errno. */
static int
hold(struct queue *q, const struct message *m, enum spool_state from)
{
    if (spool_move(&q->spool, m->id, from, SPOOL_HOLD, m->beside) < 0)
        return -1;
    log_event(LOG_INFO, "held", KV_STR("queue_id", m->id),
              KV_SLICE("reason", m->envelope->hold_reason));
    return ADMIT_WAITS;
}

struct message *
message_take_up(struct queue *q, const char *id, enum spool_state from)
{
    struct message *m = xcalloc(1, sizeof(*m));
    int rc = -1;

    (void)snprintf(m->id, sizeof(m->id), "%s", id);
    m->log.bytes = strbuf_new(QUEUE_LOG_MAX);
    m->shown = strbuf_new(QUEUE_SHOWN_MAX);
    if (!q->tidy)
        (void)spool_gather(&q->spool, id, from); /* a crash may have parted it, as a rule not */
    m->file = queue_message_open(q->spool.fds[from], id);
    if (m->file == NULL && errno == EBADMSG) {
        (void)spool_gather(&q->spool, id, from); /* perhaps only its envelope is elsewhere */
        m->file = queue_message_open(q->spool.fds[from], id);
    }
    if (m->file != NULL && load_rest(q, m, from) == 0)
        rc = has_to_be_held(m) ? hold(q, m, from) : admit(q, m, from);
    if (rc == ADMITTED) {
        table_add(q, m);
        return m;
    }
    if (rc == ADMIT_WAITS || errno == ENOENT) {
        errno = 0;
    } else if (is_the_file(errno)) {
        set_aside(q, m->id, from);
        errno = 0;
    }
    rc = errno;
    message_free(q, &m);
    errno = rc;
    return NULL;
}

uint32_t
message_sources(const struct message *m)
{
    return m->envelope->rcpt_count + m->copy_count;
}

const struct queue_rcpt *
message_source(const struct message *m, uint32_t source)
{
    uint32_t rcpts = m->envelope->rcpt_count;

    return source < rcpts ? &m->envelope->rcpts[source] : &m->copies[source - rcpts].rcpt;
}

bool
message_is_ours(const struct queue *q, const struct queue_envelope *e)
{
    return e->auth_user.len > 0 || e->origin == QUEUE_ORIGIN_SYSTEM || notice_is_own(e) ||
           networks_have_text(&q->settings.trusted_hosts, e->client);
}

/* Each recipient may still fail, and the archive be written, when there is room for no other. */
static uint32_t
target_limit(uint8_t kind)
{
    if (kind == TARGET_ARCHIVE)
        return QUEUE_TARGETS_MAX + QUEUE_RCPTS_MAX + 1;
    return kind == TARGET_FAILURE ? QUEUE_TARGETS_MAX + QUEUE_RCPTS_MAX : QUEUE_TARGETS_MAX;
}

struct target *
message_add_target(struct message *m, const struct target *model)
{
    uint32_t max = target_limit(model->kind);
    struct target *t;

    if (m->target_count >= max)
        return NULL;
    if (m->target_count == m->target_room) {
        m->target_room = m->target_room == 0 ? m->envelope->rcpt_count : m->target_room * 2;
        m->targets = xreallocarray(m->targets, m->target_room, sizeof(*m->targets));
    }
    t = &m->targets[m->target_count++];
    *t = *model;
    t->address = arena_copy(&m->arena, model->address);
    t->via = arena_copy(&m->arena, model->via);
    t->path = arena_copy(&m->arena, model->path);
    t->sender = arena_copy(&m->arena, model->sender);
    t->dsn = arena_copy(&m->arena, model->dsn);
    t->text = arena_copy(&m->arena, model->text);
    t->notice = arena_copy(&m->arena, model->notice);
    return t;
}

/* Does the text have the group already? Its lines are addresses, each group's first. */
static bool
is_shown(struct slice shown, struct slice group)
{
    while (shown.len > 0) {
        if (slice_eq_nocase(slice_split(&shown, '\n'), group))
            return true;
        while (slice_split(&shown, '\n').len > 0)
            ;
    }
    return false;
}

void
message_show_group(struct message *m, struct slice group, struct slice members)
{
    size_t before = m->shown.len;

    if (is_shown(strbuf_slice(&m->shown), group) ||
        (!m->envelope->smtputf8 && !parse_is_ascii(members)))
        return;
    (void)strbuf_append(&m->shown, group);
    (void)strbuf_char(&m->shown, '\n');
    (void)strbuf_append(&m->shown, members);
    (void)strbuf_char(&m->shown, '\n');
    if (!m->shown.overflow)
        return;
    strbuf_truncate(&m->shown, before); /* it is shown as itself */
    m->shown.overflow = false;
}

void
message_forget_targets(struct message *m)
{
    m->target_count = 0;
    strbuf_clear(&m->shown);
    m->twins = NULL;
    m->copies = NULL;
    m->copy_count = 0;
    m->archive_classes = 0;
    m->copies_known = false;
    arena_free(&m->arena); /* before a message is in line its targets alone are there */
    m->expand_next = 0;
    m->expand_failed = false;
}

/* By kind and address; of the same the one that came first. */
static int
compare_targets(const void *a, const void *b)
{
    const struct target *x = *(struct target *const *)a, *y = *(struct target *const *)b;
    int order =
        x->kind != y->kind ? (x->kind < y->kind ? -1 : 1) : slice_cmp(x->address, y->address);

    if (order != 0)
        return order;
    return x < y ? -1 : x > y;
}

static void
add_twin(struct message *m, const struct target *later, const struct target *first)
{
    struct message_twin *twin = arena_alloc(&m->arena, sizeof(*twin));

    *twin = (struct message_twin){m->twins, later->source, (uint32_t)(first - m->targets)};
    m->twins = twin;
}

/* Marks later twins by an empty address, which no target has otherwise. */
static void
mark_twins(struct message *m)
{
    struct target **sorted = xreallocarray(NULL, m->target_count, sizeof(struct target *));

    for (uint32_t i = 0; i < m->target_count; i++)
        sorted[i] = &m->targets[i];
    qsort(sorted, m->target_count, sizeof(struct target *), compare_targets);
    for (uint32_t i = 0, first = 0; i < m->target_count; i++) {
        if (i > first && sorted[i]->kind == sorted[first]->kind &&
            slice_eq(sorted[i]->address, sorted[first]->address)) {
            add_twin(m, sorted[i], sorted[first]);
            sorted[i]->address.len = 0;
        } else {
            first = i;
        }
    }
    xfree(&sorted);
}

bool
message_is_done(const struct message *m, const struct target *t)
{
    const struct queue_log_entry *e =
        m->log.rcpt_count == 0 ? NULL : queue_log_find(&m->log, t->address);

    return (e != NULL && e->kind == QUEUE_LOG_DONE) || queue_edit_removed(&m->log, t->address);
}

void
message_drop_duplicates(struct message *m)
{
    uint32_t kept = 0, *places = xreallocarray(NULL, m->target_count + 1, sizeof(*places));

    if (m->target_count > 1)
        mark_twins(m);
    for (uint32_t i = 0; i < m->target_count; i++) {
        places[i] = MESSAGE_NO_TARGET;
        if (m->targets[i].address.len == 0 || m->targets[i].kind == TARGET_NOBODY ||
            message_is_done(m, &m->targets[i]))
            continue;
        places[i] = kept;
        m->targets[kept++] = m->targets[i];
    }
    for (struct message_twin *twin = m->twins; twin != NULL; twin = twin->next)
        twin->target = places[twin->target];
    m->target_count = kept;
    xfree(&places);
}

void
message_set_outcome(struct message *m, struct target *t, enum target_state state, struct slice dsn,
                    struct slice text, struct slice remote)
{
    if (t->state == TARGET_WAITING || t->state == TARGET_IN_JOB)
        m->open_count--;
    t->state = (uint8_t)state;
    t->dsn = arena_copy(&m->arena, dsn);
    t->text = arena_copy(&m->arena, text);
    t->remote = arena_copy(&m->arena, remote);
}

int
message_log_finished(struct queue *q, struct message *m)
{
    struct strbuf records = strbuf_new(QUEUE_LOG_MAX);
    int64_t now = clock_real_ms();
    int rc = 0;

    for (uint32_t i = 0; i < m->target_count; i++) {
        const struct target *t = &m->targets[i];

        if (t->state == TARGET_DELIVERED && !t->logged)
            queue_log_encode(&records, &(struct queue_log_entry){.kind = QUEUE_LOG_DONE,
                                                                 .time_ms = now,
                                                                 .address = t->address,
                                                                 .outcome = QUEUE_DELIVERED,
                                                                 .dsn = t->dsn,
                                                                 .remote = t->remote});
    }
    if (records.len > 0)
        rc = queue_log_append(q->spool.fds[SPOOL_ACTIVE], m->id, &m->log_length,
                              strbuf_slice(&records), true);
    if (rc == 0 && records.len > 0) {
        m->beside |= SPOOL_LOG;
        for (uint32_t i = 0; i < m->target_count; i++)
            m->targets[i].logged |= m->targets[i].state == TARGET_DELIVERED;
    }
    strbuf_free(&records);
    return rc;
}

void
message_list_init(struct message_list *list)
{
    list->first = NULL;
    list->last = &list->first;
}
