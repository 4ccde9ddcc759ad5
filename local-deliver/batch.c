/*
 * local-deliver/batch.c - jobs that are delivered with one flush.
 *
 * Input: jobs from queue-manager, checked as if it were the attacker: file names are "active/ID",
 * mailbox paths have three safe parts. Touches the message files (to link them) and the store.
 */
#include "local-deliver/batch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/accountd.h"
#include "lib/ipc/client.h"
#include "lib/ipc/local_deliver.h"
#include "lib/ipc/queue_manager.h"
#include "lib/log/log.h"
#include "lib/queue/queue_file.h"
#include "lib/store/delivery.h"

enum { USAGE_TIMEOUT_MS = 1000 };

#define NO_MAILBOX_STATUS "4.2.1"
#define NOT_TRIED SIZE_MAX /* entry of a recipient that never came into the delivery batch */

struct batch_job {
    struct queue_job job; /* its slices borrow from payload */
    char *payload;
    char *file;              /* "active/ID", NUL-terminated */
    int fd;                  /* the message file, -1: could not be opened */
    int error;               /* errno of that */
    struct shown_file shown; /* what is delivered instead; fd -1: the message file itself */
    size_t *entries;         /* per recipient: index in the delivery batch, or NOT_TRIED */
    int *errors;             /* per recipient: errno of NOT_TRIED */
    struct queue_result_rcpt *results;
    struct accountd_usage *usage;
    uint32_t usage_count;
    bool counted; /* among the messages that were delivered */
    bool missing; /* some recipient has no directory */
    bool soon;    /* it is worth trying again before the retry interval is over */
};

/* What one recipient's delivery came to, for the result and the log. */
struct verdict {
    uint8_t outcome;
    const char *dsn, *text, *event;
};

void
batch_init(struct batch *b, struct worker *w)
{
    b->worker = w;
    b->count = 0;
    b->replies_left = AUTO_REPLIES_MAX;
}

static void
job_free(struct batch_job *bj, const struct worker *w)
{
    if (bj->shown.fd >= 0)
        shown_remove(w->dirs.main_fd, &bj->shown);
    close_keep_errno(bj->fd);
    queue_job_free(&bj->job);
    free(bj->payload);
    free(bj->file);
    free(bj->entries);
    free(bj->errors);
    free(bj->results);
    free(bj->usage);
    free(bj);
}

void
batch_clear(struct batch *b)
{
    for (size_t i = 0; i < b->count; i++)
        job_free(b->jobs[i], b->worker);
    b->count = 0;
}

size_t
batch_job_count(const struct batch *b)
{
    return b->count;
}

/* Exactly "active/" and a queue id that is the job's. */
static bool
file_name_valid(const struct queue_job *job)
{
    struct slice name = job->file;

    return slice_starts(name, SLICE("active/")) && queue_id_valid(job->queue_id) &&
           slice_eq(slice_sub(name, 7, name.len), job->queue_id);
}

static void
open_message(struct batch_job *bj, int queue_dirfd)
{
    struct stat st;

    bj->fd = openat(queue_dirfd, bj->file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (bj->fd < 0 || fstat(bj->fd, &st) < 0)
        bj->error = errno;
    else if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size < bj->job.content_size)
        bj->error = EBADMSG;
}

static void
show(struct batch_job *bj, const struct worker *w)
{
    const struct shown_how how = {w->senders, bj->job.shown};

    if ((how.senders == NULL && how.groups.len == 0) || bj->error != 0)
        return;
    if (shown_make(w->daemon, &how, w->dirs.main_fd, bj->job.queue_id, bj->fd, bj->job.content_size,
                   &bj->shown) >= 0)
        return;
    bj->error = errno;
    log_event(LOG_WARN, "header_not_shown", KV_SLICE("queue_id", bj->job.queue_id), KV_ERRNO());
}

int
batch_add(struct batch *b, struct slice payload)
{
    struct batch_job *bj = xcalloc(1, sizeof(*bj));

    assert_always(b->count < WORKER_SLOTS);
    bj->fd = bj->shown.fd = -1;
    bj->payload = xslicedup(payload);
    if (queue_job_decode(slice_make(bj->payload, payload.len), &bj->job) < 0 ||
        !file_name_valid(&bj->job) || bj->job.content_offset != 0) {
        job_free(bj, b->worker);
        return -1;
    }
    bj->file = xslicedup(bj->job.file);
    bj->entries = xcalloc(bj->job.rcpt_count, sizeof(*bj->entries));
    bj->errors = xcalloc(bj->job.rcpt_count, sizeof(*bj->errors));
    bj->results = xcalloc(bj->job.rcpt_count, sizeof(*bj->results));
    bj->usage = xcalloc(bj->job.rcpt_count, sizeof(*bj->usage));
    open_message(bj, b->worker->queue_dirfd);
    show(bj, b->worker);
    b->jobs[b->count++] = bj;
    return 0;
}

/* Of what comes into the mailboxes. */
static uint64_t
size_of(const struct batch_job *bj)
{
    return bj->shown.fd >= 0 ? bj->shown.size : bj->job.content_size;
}

static struct delivery_message
message_of(const struct batch_job *bj, const struct worker *w)
{
    bool is_shown = bj->shown.fd >= 0;
    const char *name = is_shown ? bj->shown.name : bj->file;

    return (struct delivery_message){
        .dirfd = is_shown ? w->dirs.main_fd : w->queue_dirfd,
        .name = w->single_copy ? name : NULL,
        .fd = is_shown ? bj->shown.fd : bj->fd,
        .size = size_of(bj),
        .crc = is_shown ? bj->shown.crc : bj->job.content_crc,
        .queue_id = bj->job.queue_id,
        .received_ms = bj->job.received_ms,
        .in_doubt = bj->job.in_doubt,
    };
}

/* Gives one recipient to the delivery, or says by bj->errors why not. */
static void
add_recipient(struct delivery_batch *delivery, struct worker *w, struct batch_job *bj, uint32_t i)
{
    const struct delivery_message message = message_of(bj, w);
    const struct queue_job_rcpt *rcpt = &bj->job.rcpts[i];
    const struct delivery_result *r;

    bj->entries[i] = NOT_TRIED;
    bj->errors[i] = bj->error;
    if (bj->errors[i] == 0 && !store_path_valid(rcpt->path))
        bj->errors[i] = EINVAL;
    if (bj->errors[i] == 0 && busy_has(&w->busy, rcpt->path, clock_mono_ms()))
        bj->errors[i] = EBUSY;
    if (bj->errors[i] != 0)
        return;
    bj->entries[i] = delivery_add(delivery, &message, rcpt->path, SLICE("INBOX"), rcpt->quota_bytes,
                                  rcpt->quota_messages);
    r = delivery_get(delivery, bj->entries[i]);
    if (r->status == DELIVERY_FAILED && r->error == EBUSY)
        busy_add(&w->busy, rcpt->path, clock_mono_ms());
}

static struct verdict
verdict_of_error(int error)
{
    switch (error) {
    case ENOSPC:
    case EDQUOT: /* of the file system; a mailbox's own quota is DELIVERY_OVER_QUOTA */
        return (struct verdict){QUEUE_DEFERRED, "4.3.1", "no space left in the mail store",
                                "deferred"};
    case EBUSY:
        return (struct verdict){QUEUE_DEFERRED, "4.2.0", "the mailbox is busy", "deferred"};
    case EREMOTE: /* RFC 3463 section 3.3: X.2.1 */
        return (struct verdict){QUEUE_DEFERRED, "4.2.1", "the mailbox is being moved", "deferred"};
    case ENODEV:
        return (struct verdict){QUEUE_DEFERRED, "4.3.0", "the storage directory is missing",
                                "deferred"};
    case EBADMSG:
        return (struct verdict){QUEUE_DEFERRED, "4.2.0", "the mailbox is damaged", "deferred"};
    case EPROTONOSUPPORT:
        return (struct verdict){QUEUE_DEFERRED, "4.3.0", "the mailbox is of another version",
                                "deferred"};
    default:
        return (struct verdict){QUEUE_DEFERRED, "4.3.0", "the mail store failed", "deferred"};
    }
}

static struct verdict
verdict_of(const struct worker *w, const struct delivery_result *result)
{
    static const char full[] = "the mailbox is over its quota";

    switch (result->status) {
    case DELIVERY_OK:
        return (struct verdict){QUEUE_DELIVERED, "2.0.0", "delivered to mailbox", "delivered"};
    case DELIVERY_DUPLICATE:
        return (struct verdict){QUEUE_DELIVERED, "2.0.0", "delivered to mailbox", "was_delivered"};
    case DELIVERY_OVER_QUOTA: /* RFC 3463 section 3.3: X.2.2 */
        if (w->bounce_over_quota)
            return (struct verdict){QUEUE_BOUNCED, "5.2.2", full, "bounced"};
        return (struct verdict){QUEUE_DEFERRED, "4.2.2", full, "deferred"};
    case DELIVERY_NO_MAILBOX:
        return (struct verdict){QUEUE_DEFERRED, NO_MAILBOX_STATUS,
                                "the mailbox has moved, is gone, or is not made yet", "deferred"};
    case DELIVERY_FAILED:
        break;
    }
    return verdict_of_error(result->error);
}

static void
count_outcome(const struct worker *w, struct batch_job *bj, const struct verdict *v,
              const struct delivery_result *r)
{
    if (r->status == DELIVERY_OK) {
        stats_add(w->bytes, size_of(bj));
        stats_add(w->messages, !bj->counted);
        bj->counted = true;
    }
    if (v->outcome == QUEUE_DEFERRED)
        stats_add(w->deferred, 1);
    else if (v->outcome == QUEUE_BOUNCED)
        stats_add(w->bounced, 1);
    else
        stats_add(r->status == DELIVERY_DUPLICATE ? w->duplicates : w->delivered, 1);
}

static void
log_outcome(const struct batch_job *bj, const struct queue_job_rcpt *rcpt, const struct verdict *v,
            const struct delivery_result *r)
{
    if (v->outcome == QUEUE_DELIVERED)
        log_event(LOG_INFO, v->event, KV_SLICE("queue_id", bj->job.queue_id),
                  KV_SLICE("rcpt", rcpt->address), KV_SLICE("path", rcpt->path),
                  KV_U64("uid", r->uid), KV_U64("size", size_of(bj)));
    else
        log_event(v->outcome == QUEUE_BOUNCED ? LOG_INFO : LOG_WARN, v->event,
                  KV_SLICE("queue_id", bj->job.queue_id), KV_SLICE("rcpt", rcpt->address),
                  KV_SLICE("path", rcpt->path), KV_STR("dsn", v->dsn), KV_STR("reason", v->text),
                  KV_STR("error", r->error == 0 ? "" : strerror(r->error)));
}

static void
judge_recipient(const struct worker *w, struct batch_job *bj, uint32_t i,
                const struct delivery_batch *delivery)
{
    const struct queue_job_rcpt *rcpt = &bj->job.rcpts[i];
    struct delivery_result r = {.status = DELIVERY_FAILED, .error = bj->errors[i]};
    struct verdict v;

    if (bj->entries[i] != NOT_TRIED)
        r = *delivery_get(delivery, bj->entries[i]);
    v = verdict_of(w, &r);
    count_outcome(w, bj, &v, &r);
    log_outcome(bj, rcpt, &v, &r);
    bj->results[i] = (struct queue_result_rcpt){.index = rcpt->index,
                                                .outcome = v.outcome,
                                                .dsn = slice_of(v.dsn),
                                                .text = slice_of(v.text)};
    bj->missing |= r.status == DELIVERY_NO_MAILBOX;
    bj->soon |= r.status == DELIVERY_NO_MAILBOX ||
                (r.status == DELIVERY_FAILED && (r.error == EBUSY || r.error == EREMOTE));
    if (r.status != DELIVERY_FAILED && r.status != DELIVERY_NO_MAILBOX)
        bj->usage[bj->usage_count++] =
            (struct accountd_usage){rcpt->path, r.bytes, r.messages, r.status == DELIVERY_OK};
}

/* After the flush: whoever dies before the answer is sent meets the recipient once more. */
static void
warn_recipient(const struct worker *w, const struct batch_job *bj, uint32_t i,
               const struct delivery_batch *delivery)
{
    const struct queue_job_rcpt *rcpt = &bj->job.rcpts[i];
    const struct delivery_result *r;

    if (bj->entries[i] == NOT_TRIED)
        return;
    r = delivery_get(delivery, bj->entries[i]);
    if (r->status == DELIVERY_FAILED || r->status == DELIVERY_NO_MAILBOX)
        return;
    warning_consider(
        &w->warning, &w->dirs,
        &(struct warning_case){.path = rcpt->path,
                               .address = rcpt->address,
                               .sender = rcpt->system_sender,
                               .limit = rcpt->warning_limit,
                               .bytes = r->bytes,
                               .messages = r->messages,
                               .quota_bytes = rcpt->quota_bytes,
                               .quota_messages = rcpt->quota_messages,
                               .came_bytes = r->status == DELIVERY_OK ? size_of(bj) : 0});
}

static bool
has_room(void *gates, int dirfd)
{
    return disk_gates_open(gates, dirfd);
}

/* Before the result of the job, with which queue-manager forgets it. */
static void
reply_for_recipient(struct batch *b, const struct batch_job *bj, uint32_t i,
                    const struct delivery_batch *delivery, struct strbuf *frames)
{
    struct worker *w = b->worker;
    const struct queue_job_rcpt *rcpt = &bj->job.rcpts[i];
    const struct auto_reply_case c = {&bj->job, rcpt, bj->fd};
    const struct delivery_result *r;

    if (!rcpt->auto_reply || bj->entries[i] == NOT_TRIED || b->replies_left == 0)
        return;
    r = delivery_get(delivery, bj->entries[i]);
    if (r->status != DELIVERY_OK && r->status != DELIVERY_DUPLICATE)
        return;
    b->replies_left--;
    if (!auto_reply_consider(&w->replies, &w->dirs, w->accounts, &c, frames))
        b->replies_left = 0;
}

void
batch_deliver(struct batch *b, struct strbuf *results)
{
    struct delivery_batch *delivery = delivery_begin(&b->worker->dirs);

    delivery_ask_room(delivery, has_room, &b->worker->gates);
    for (size_t i = 0; i < b->count; i++)
        for (uint32_t k = 0; k < b->jobs[i]->job.rcpt_count; k++)
            add_recipient(delivery, b->worker, b->jobs[i], k);
    delivery_commit(delivery);
    for (size_t i = 0; i < b->count; i++) {
        struct batch_job *bj = b->jobs[i];
        struct queue_result result = {
            .job_id = bj->job.job_id, .rcpt_count = bj->job.rcpt_count, .rcpts = bj->results};

        for (uint32_t k = 0; k < bj->job.rcpt_count; k++)
            judge_recipient(b->worker, bj, k, delivery);
        for (uint32_t k = 0; k < bj->job.rcpt_count; k++)
            warn_recipient(b->worker, bj, k, delivery);
        for (uint32_t k = 0; k < bj->job.rcpt_count; k++)
            reply_for_recipient(b, bj, k, delivery, results);
        result.destination_failed = bj->soon;
        (void)queue_result_encode(results, &result); /* overflow is remembered by the buffer */
    }
    delivery_free(&delivery);
}

/* Whether such a mailbox is to be made is for the account base to say: it may be an old path. */
static void
report_missing(const struct batch_job *bj, struct strbuf *frame)
{
    for (uint32_t i = 0; i < bj->job.rcpt_count && bj->missing; i++) {
        const struct queue_job_rcpt *rcpt = &bj->job.rcpts[i];

        if (bj->results[i].outcome == QUEUE_DEFERRED &&
            slice_eq(bj->results[i].dsn, SLICE(NO_MAILBOX_STATUS)))
            (void)accountd_missing_encode(
                frame, &(struct accountd_missing){rcpt->address, rcpt->path}); /* overflow: later */
    }
}

void
batch_report(const struct batch *b, struct ipc_client *accounts)
{
    struct strbuf frame = strbuf_new(ACCOUNTD_PAYLOAD_MAX);

    for (size_t i = 0; i < b->count; i++) {
        const struct accountd_delivery delivery = {.sender = b->jobs[i]->job.sender,
                                                   .queue_id = b->jobs[i]->job.queue_id,
                                                   .bytes = size_of(b->jobs[i]),
                                                   .time_ms = clock_real_ms()};

        if (b->jobs[i]->usage_count > 0)
            (void)accountd_usage_encode(&frame, &delivery, b->jobs[i]->usage,
                                        b->jobs[i]->usage_count);
        report_missing(b->jobs[i], &frame);
    }
    if (frame.len > 0 && ipc_client_send(accounts, &frame, -1, USAGE_TIMEOUT_MS) < 0)
        log_event(LOG_DEBUG, "not_reported", KV_ERRNO());
    strbuf_free(&frame);
}
