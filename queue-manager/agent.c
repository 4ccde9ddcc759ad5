/*
 * queue-manager/agent.c - one connected delivery agent: its slots and the jobs in them.
 *
 * A job's id is a serial number and the slot, so that a result finds its job without a search and a
 * late one finds nothing. Remote and archive agents get the message's descriptor, opened read-only
 * here.
 */
#include "queue-manager/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "queue-manager/message.h"
#include "queue-manager/system_sender.h"
#include "queue-manager/trace.h"

#define SLOT_BITS 16
#define PREPEND_MAX 4096
#define COUNT_ROOM 16 /* "+NUMBER" behind a list of recipients that is too long */

struct agent *
agent_new(struct ipc_peer *peer, const struct queue_hello *hello)
{
    struct agent *a = xcalloc(1, sizeof(*a));

    a->peer = peer;
    a->peer_id = ipc_peer_id(peer);
    a->kind = (enum queue_agent)hello->agent;
    a->slots = hello->slots < AGENT_SLOTS_MAX ? hello->slots : AGENT_SLOTS_MAX;
    a->jobs = xcalloc(a->slots, sizeof(*a->jobs));
    lane_init(&a->lane, true, NULL);
    return a;
}

void
agent_free(struct agent **ap)
{
    if (*ap == NULL)
        return;
    xfree(&(*ap)->jobs);
    xfree(ap);
}

bool
agent_has_room(const struct agent *a)
{
    return a->peer != NULL && a->busy < a->slots && a->fetch_number == 0;
}

static struct job *
free_slot(struct agent *a)
{
    static uint64_t serial;

    for (uint32_t i = 0; i < a->slots; i++)
        if (a->jobs[i].id == 0) {
            a->jobs[i].id = ++serial << SLOT_BITS | i;
            return &a->jobs[i];
        }
    assert_always(!"a slot is free");
    return NULL;
}

struct job *
agent_job(struct agent *a, uint64_t job_id)
{
    uint64_t slot = job_id & ((1u << SLOT_BITS) - 1);

    return job_id != 0 && slot < a->slots && a->jobs[slot].id == job_id ? &a->jobs[slot] : NULL;
}

void
agent_job_done(struct agent *a, struct job *job)
{
    job->message->job_count--;
    if (job->destination != NULL)
        job->destination->in_flight--;
    *job = (struct job){.id = 0};
    a->busy--;
}

/* Nobody hears of what we wrote ourselves, nor has the null sender an address. */
static bool
may_be_answered(const struct queue_envelope *e)
{
    return e->sender.len > 0 && e->origin != QUEUE_ORIGIN_SYSTEM;
}

static void
describe_rcpts(const struct queue *q, struct queue_job *job, struct queue_job_rcpt *rcpts,
               const struct message *m, const uint32_t *indices, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct target *t = &m->targets[indices[i]];
        const struct queue_rcpt *source = message_source(m, t->source);

        rcpts[i] =
            (struct queue_job_rcpt){.index = indices[i],
                                    .address = t->address,
                                    .original = source->original,
                                    .notify = source->notify,
                                    .path = t->path,
                                    .quota_bytes = t->quota_bytes,
                                    .quota_messages = t->quota_messages,
                                    .warning_limit = t->warning_limit,
                                    .auto_reply = t->auto_reply && may_be_answered(m->envelope)};
        if (t->kind == TARGET_MAILBOX && t->warning_limit > 0)
            rcpts[i].system_sender = system_senders_find(q->system_senders, t->address);
        job->in_doubt |= t->in_doubt;
    }
    job->rcpts = rcpts;
    job->rcpt_count = count;
}

static void
list_classes(struct strbuf *out, unsigned classes)
{
    for (unsigned i = 0; i < ARCHIVE_CLASSES; i++) {
        if ((classes & 1u << i) == 0)
            continue;
        (void)strbuf_str(out, out->len > 0 ? "," : "");
        (void)strbuf_str(out, archive_class_name(1u << i)); /* all of them fit */
    }
}

static void
list_rcpts(struct strbuf *out, const struct queue_envelope *e)
{
    uint32_t i = 0;

    while (i < e->rcpt_count && out->len + e->rcpts[i].address.len < out->max - COUNT_ROOM) {
        (void)strbuf_append(out, e->rcpts[i++].address);
        (void)strbuf_char(out, '\n');
    }
    if (i < e->rcpt_count)
        (void)strbuf_printf(out, "+%u\n", e->rcpt_count - i);
}

static int
encode_job(const struct queue *q, struct strbuf *out, uint64_t job_id, const struct message *m,
           const char *file, const struct destination *d, const uint32_t *indices, uint32_t count)
{
    static struct queue_job_rcpt rcpts[QUEUE_JOB_RCPTS_MAX];
    const struct queue_envelope *e = m->envelope;
    struct strbuf prepend = strbuf_new(PREPEND_MAX), classes = strbuf_new(QUEUE_CLASSES_MAX),
                  addresses = strbuf_new(QUEUE_ENVELOPE_RCPTS_MAX);
    struct queue_job job = {.job_id = job_id,
                            .queue_id = slice_of(m->id),
                            .file = slice_of(file),
                            .content_size = e->content_size,
                            .content_crc = e->content_crc,
                            .received_ms = e->received_ms,
                            .in_doubt = m->in_doubt || m->round > 0,
                            .smtputf8 = e->smtputf8,
                            .body_8bit = e->body_8bit,
                            .body_binary = e->body_binary,
                            .requiretls = e->requiretls,
                            .tls_optional = e->tls_optional,
                            .sender = e->sender,
                            .envid = e->envid,
                            .ret = e->ret,
                            .shown = strbuf_slice(&m->shown)};
    int rc;

    if (d != NULL) {
        trace_header(m, &m->targets[indices[0]], &prepend);
        job.prepend = strbuf_slice(&prepend);
        job.next_hop = d->name;
        job.ours = message_is_ours(q, e); /* else it passes through, from outside to outside */
        job.user = e->auth_user;
        job.forwarder = trace_forwarder(m, &m->targets[indices[0]]);
        if (m->targets[indices[0]].sender.len > 0)
            job.sender = m->targets[indices[0]].sender;
        job.by_mode = e->by_mode;
        job.by_trace = e->by_trace;
        job.deliver_by_ms = e->deliver_by_ms;
        job.priority = e->priority;
        job.connection = d->fetch_number;
    }
    if (m->targets[indices[0]].kind == TARGET_ARCHIVE) {
        list_classes(&classes, m->archive_classes);
        list_rcpts(&addresses, e);
        job.classes = strbuf_slice(&classes);
        job.envelope_rcpts = strbuf_slice(&addresses);
    }
    describe_rcpts(q, &job, rcpts, m, indices, count);
    rc = queue_job_encode(out, &job);
    strbuf_free(&prepend);
    strbuf_free(&classes);
    strbuf_free(&addresses);
    return rc;
}

int
agent_give(struct queue *q, struct agent *a, struct message *m, struct destination *d,
           const uint32_t *indices, uint32_t count)
{
    struct strbuf frame = strbuf_new(QUEUE_PAYLOAD_MAX + FRAME_HEADER);
    char file[QUEUE_NAME_MAX + 16];
    struct job *job;
    int fd = -1;

    (void)snprintf(file, sizeof(file), "%s/%s", spool_name(SPOOL_ACTIVE), m->id);
    if (a->kind != QUEUE_AGENT_LOCAL) {
        fd = openat(q->spool.fds[SPOOL_ACTIVE], m->id, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
            return -1;
    }
    job = free_slot(a);
    job->message = m;
    job->destination = d;
    job->indices = indices;
    job->count = count;
    a->busy++;
    m->job_count++;
    if (d != NULL)
        d->in_flight++;
    for (uint32_t i = 0; i < count; i++)
        m->targets[indices[i]].state = TARGET_IN_JOB;
    assert_always(encode_job(q, &frame, job->id, m, file, d, indices, count) ==
                  0); /* all bounded */
    ipc_peer_send(a->peer, &frame, fd);
    strbuf_free(&frame);
    close_keep_errno(fd);
    return 0;
}
