/*
 * lib/ipc/queue_manager.c - codecs of the queue manager's socket. Untrusted input, no I/O.
 *
 * Encoders leave an overflow in the buffer's memory and report it; decoders check every field and
 * every count before they allocate by it.
 */
#include "lib/ipc/queue_manager.h"

#include <stdlib.h>

#include "lib/base/mem.h"

#define SLOTS_MAX 10000
#define FILE_MAX 64 /* "deferred/" and a queue id */
#define DSN_MAX 16  /* "5.123.123" */
#define PREPEND_MAX 4096
#define VERB_MAX 32
#define NAMES_MAX                                                                                  \
    ((size_t)QUEUE_CONTROL_IDS_MAX * (QUEUE_ID_MAX + 1)) /* ids, or a domain, or "ALL" */

enum { /* queue_job.flags on the wire */
       JOB_IN_DOUBT = 1,
       JOB_SMTPUTF8 = 2,
       JOB_8BIT = 4,
       JOB_BINARY = 8,
       JOB_REQUIRETLS = 16,
       JOB_TLS_OPTIONAL = 32,
       JOB_OURS = 64,
       JOB_BY_TRACE = 128,
};

enum { /* of a result's recipient on the wire */
       RESULT_DSN_RELAYED = 1,
       RESULT_TELL_RELAYED = 2,
       RESULT_FLAGS_ALL = 3
};

int
queue_hello_encode(struct strbuf *out, const struct queue_hello *hello)
{
    struct writer w = frame_begin(out, QUEUE_HELLO, 0);

    writer_u8(&w, hello->agent);
    writer_u16(&w, hello->slots);
    return frame_end(&w);
}

int
queue_hello_decode(struct slice payload, struct queue_hello *hello)
{
    struct reader r = reader_begin(payload);

    hello->agent = reader_u8(&r);
    hello->slots = reader_u16(&r);
    if (hello->agent < QUEUE_AGENT_LOCAL || hello->agent > QUEUE_AGENT_ARCHIVE)
        return -1;
    if (hello->slots == 0 || hello->slots > SLOTS_MAX)
        return -1;
    return reader_end(&r);
}

static void
encode_job_rcpt(struct writer *w, const struct queue_job_rcpt *rcpt)
{
    writer_u32(w, rcpt->index);
    writer_bytes(w, rcpt->address);
    writer_bytes(w, rcpt->original);
    writer_u8(w, rcpt->notify);
    writer_bytes(w, rcpt->path);
    writer_u64(w, rcpt->quota_bytes);
    writer_u64(w, rcpt->quota_messages);
    writer_u8(w, rcpt->warning_limit);
    writer_u8(w, rcpt->auto_reply);
    writer_bytes(w, rcpt->system_sender);
}

int
queue_job_encode(struct strbuf *out, const struct queue_job *job)
{
    struct writer w = frame_begin(out, QUEUE_JOB, 0);

    writer_u64(&w, job->job_id);
    writer_bytes(&w, job->queue_id);
    writer_bytes(&w, job->file);
    writer_u64(&w, job->content_offset);
    writer_u64(&w, job->content_size);
    writer_u32(&w, job->content_crc);
    writer_u64(&w, (uint64_t)job->received_ms);
    writer_u8(&w,
              (uint8_t)((job->in_doubt ? JOB_IN_DOUBT : 0) | (job->smtputf8 ? JOB_SMTPUTF8 : 0) |
                        (job->body_8bit ? JOB_8BIT : 0) | (job->body_binary ? JOB_BINARY : 0) |
                        (job->requiretls ? JOB_REQUIRETLS : 0) |
                        (job->tls_optional ? JOB_TLS_OPTIONAL : 0) | (job->ours ? JOB_OURS : 0) |
                        (job->by_trace ? JOB_BY_TRACE : 0)));
    writer_bytes(&w, job->sender);
    writer_bytes(&w, job->envid);
    writer_u8(&w, job->ret);
    writer_u8(&w, job->by_mode);
    writer_u64(&w, (uint64_t)job->deliver_by_ms);
    writer_u8(&w, (uint8_t)(job->priority + QUEUE_PRIORITY_MAX));
    writer_bytes(&w, job->next_hop);
    writer_bytes(&w, job->prepend);
    writer_bytes(&w, job->user);
    writer_bytes(&w, job->forwarder);
    writer_u64(&w, job->connection);
    writer_bytes(&w, job->classes);
    writer_bytes(&w, job->envelope_rcpts);
    writer_bytes(&w, job->shown);
    writer_u32(&w, job->rcpt_count);
    for (uint32_t i = 0; i < job->rcpt_count; i++)
        encode_job_rcpt(&w, &job->rcpts[i]);
    return frame_end(&w);
}

static void
decode_job_rcpt(struct reader *r, struct queue_job_rcpt *rcpt)
{
    rcpt->index = reader_u32(r);
    rcpt->address = reader_bytes(r, QUEUE_ADDRESS_MAX);
    rcpt->original = reader_bytes(r, QUEUE_ADDRESS_MAX);
    rcpt->notify = reader_u8(r);
    rcpt->path = reader_bytes(r, QUEUE_ADDRESS_MAX);
    rcpt->quota_bytes = reader_u64(r);
    rcpt->quota_messages = reader_u64(r);
    rcpt->warning_limit = reader_u8(r);
    rcpt->auto_reply = reader_u8(r) != 0;
    rcpt->system_sender = reader_bytes(r, QUEUE_ADDRESS_MAX);
}

int
queue_job_decode(struct slice payload, struct queue_job *job)
{
    struct reader r = reader_begin(payload);
    uint8_t flags, priority;

    *job = (struct queue_job){.job_id = reader_u64(&r)};
    job->queue_id = reader_bytes(&r, QUEUE_ID_MAX);
    job->file = reader_bytes(&r, FILE_MAX);
    job->content_offset = reader_u64(&r);
    job->content_size = reader_u64(&r);
    job->content_crc = reader_u32(&r);
    job->received_ms = (int64_t)reader_u64(&r);
    flags = reader_u8(&r);
    job->in_doubt = (flags & JOB_IN_DOUBT) != 0;
    job->smtputf8 = (flags & JOB_SMTPUTF8) != 0;
    job->body_8bit = (flags & JOB_8BIT) != 0;
    job->body_binary = (flags & JOB_BINARY) != 0;
    job->ours = (flags & JOB_OURS) != 0;
    job->requiretls = (flags & JOB_REQUIRETLS) != 0;
    job->tls_optional = (flags & JOB_TLS_OPTIONAL) != 0;
    job->by_trace = (flags & JOB_BY_TRACE) != 0;
    job->sender = reader_bytes(&r, QUEUE_ADDRESS_MAX);
    job->envid = reader_bytes(&r, QUEUE_ADDRESS_MAX);
    job->ret = reader_u8(&r);
    job->by_mode = reader_u8(&r);
    job->deliver_by_ms = (int64_t)reader_u64(&r);
    priority = reader_u8(&r);
    job->priority = (int8_t)(priority - QUEUE_PRIORITY_MAX);
    job->next_hop = reader_bytes(&r, QUEUE_ADDRESS_MAX);
    job->prepend = reader_bytes(&r, PREPEND_MAX);
    job->user = reader_bytes(&r, QUEUE_ADDRESS_MAX);
    job->forwarder = reader_bytes(&r, QUEUE_ADDRESS_MAX);
    job->connection = reader_u64(&r);
    job->classes = reader_bytes(&r, QUEUE_CLASSES_MAX);
    job->envelope_rcpts = reader_bytes(&r, QUEUE_ENVELOPE_RCPTS_MAX);
    job->shown = reader_bytes(&r, QUEUE_SHOWN_MAX);
    job->rcpt_count = reader_count(&r, QUEUE_JOB_RCPTS_MAX);
    if (r.failed || job->rcpt_count == 0 || job->ret > 2 || job->by_mode > QUEUE_BY_NOTIFY ||
        priority > 2 * QUEUE_PRIORITY_MAX)
        return -1;
    job->rcpts = xcalloc(job->rcpt_count, sizeof(*job->rcpts));
    for (uint32_t i = 0; i < job->rcpt_count && !r.failed; i++)
        decode_job_rcpt(&r, &job->rcpts[i]);
    if (reader_end(&r) == 0)
        return 0;
    queue_job_free(job);
    return -1;
}

void
queue_job_free(struct queue_job *job)
{
    xfree(&job->rcpts);
    job->rcpt_count = 0;
}

int
queue_result_encode(struct strbuf *out, const struct queue_result *result)
{
    struct writer w = frame_begin(out, QUEUE_RESULT, 0);

    writer_u64(&w, result->job_id);
    writer_u8(&w, result->destination_failed ? 1 : 0);
    writer_u32(&w, result->rcpt_count);
    for (uint32_t i = 0; i < result->rcpt_count; i++) {
        const struct queue_result_rcpt *rcpt = &result->rcpts[i];

        writer_u32(&w, rcpt->index);
        writer_u8(&w, rcpt->outcome);
        writer_bytes(&w, rcpt->dsn);
        writer_bytes(&w, slice_sub(rcpt->text, 0, QUEUE_TEXT_MAX));
        writer_bytes(&w, slice_sub(rcpt->remote, 0, QUEUE_TEXT_MAX));
        writer_u8(&w, (uint8_t)((rcpt->dsn_relayed ? RESULT_DSN_RELAYED : 0) |
                                (rcpt->tell_relayed ? RESULT_TELL_RELAYED : 0)));
    }
    return frame_end(&w);
}

static int
decode_result_rcpt(struct reader *r, struct queue_result_rcpt *rcpt)
{
    uint8_t flags;

    rcpt->index = reader_u32(r);
    rcpt->outcome = reader_u8(r);
    rcpt->dsn = reader_bytes(r, DSN_MAX);
    rcpt->text = reader_bytes(r, QUEUE_TEXT_MAX);
    rcpt->remote = reader_bytes(r, QUEUE_TEXT_MAX);
    flags = reader_u8(r);
    rcpt->dsn_relayed = (flags & RESULT_DSN_RELAYED) != 0;
    rcpt->tell_relayed = (flags & RESULT_TELL_RELAYED) != 0;
    return r->failed || rcpt->outcome > QUEUE_BOUNCED || (flags & ~RESULT_FLAGS_ALL) != 0 ? -1 : 0;
}

int
queue_result_decode(struct slice payload, struct queue_result *result)
{
    struct reader r = reader_begin(payload);
    uint8_t failed;
    int rc = 0;

    *result = (struct queue_result){.job_id = reader_u64(&r)};
    failed = reader_u8(&r);
    result->destination_failed = failed == 1;
    result->rcpt_count = reader_count(&r, QUEUE_JOB_RCPTS_MAX);
    if (r.failed || result->rcpt_count == 0 || failed > 1)
        return -1;
    result->rcpts = xcalloc(result->rcpt_count, sizeof(*result->rcpts));
    for (uint32_t i = 0; i < result->rcpt_count && rc == 0; i++)
        rc = decode_result_rcpt(&r, &result->rcpts[i]);
    if (rc == 0 && reader_end(&r) == 0)
        return 0;
    queue_result_free(result);
    return -1;
}

void
queue_result_free(struct queue_result *result)
{
    xfree(&result->rcpts);
    result->rcpt_count = 0;
}

int
queue_control_encode(struct strbuf *out, const struct queue_control *req)
{
    struct writer w = frame_begin(out, QUEUE_CONTROL, 0);

    writer_bytes(&w, req->verb);
    writer_bytes(&w, req->names);
    writer_bytes(&w, req->text);
    writer_bytes(&w, req->removed);
    writer_bytes(&w, req->added);
    writer_u64(&w, (uint64_t)req->time_ms);
    return frame_end(&w);
}

int
queue_control_decode(struct slice payload, struct queue_control *req)
{
    struct reader r = reader_begin(payload);

    req->verb = reader_bytes(&r, VERB_MAX);
    req->names = reader_bytes(&r, NAMES_MAX);
    req->text = reader_bytes(&r, QUEUE_TEXT_MAX);
    req->removed = reader_bytes(&r, QUEUE_ADDRESS_MAX);
    req->added = reader_bytes(&r, QUEUE_ADDRESS_MAX);
    req->time_ms = (int64_t)reader_u64(&r);
    return reader_end(&r);
}

int
queue_control_reply_encode(struct strbuf *out, uint32_t id, const struct queue_control_reply *reply)
{
    struct writer w = frame_begin(out, QUEUE_CONTROL_REPLY, id);

    writer_u32(&w, reply->result);
    writer_u32(&w, reply->count);
    writer_bytes(&w, reply->text);
    writer_bytes(&w, reply->data);
    return frame_end(&w);
}

int
queue_control_reply_decode(struct slice payload, struct queue_control_reply *reply)
{
    struct reader r = reader_begin(payload);

    reply->result = reader_u32(&r);
    reply->count = reader_u32(&r);
    reply->text = reader_bytes(&r, QUEUE_TEXT_MAX);
    reply->data = reader_bytes(&r, QUEUE_PAYLOAD_MAX);
    return reader_end(&r);
}

int
queue_reply_encode(struct strbuf *out, const struct queue_reply *reply)
{
    struct writer w = frame_begin(out, QUEUE_REPLY, 0);

    writer_u64(&w, reply->job_id);
    writer_u32(&w, reply->index);
    writer_bytes(&w, reply->message);
    return frame_end(&w);
}

int
queue_reply_decode(struct slice payload, struct queue_reply *reply)
{
    struct reader r = reader_begin(payload);

    reply->job_id = reader_u64(&r);
    reply->index = reader_u32(&r);
    reply->message = reader_bytes(&r, QUEUE_REPLY_MAX);
    return reader_end(&r);
}

/* ---- customers ---- */

#define IP_MAX 64

int
queue_customer_encode(struct strbuf *out, const struct queue_customer *customer)
{
    struct writer w = frame_begin(out, QUEUE_CUSTOMER, 0);

    writer_bytes(&w, customer->user);
    writer_bytes(&w, customer->client_ip);
    return frame_end(&w);
}

int
queue_customer_decode(struct slice payload, struct queue_customer *customer)
{
    struct reader r = reader_begin(payload);

    customer->user = reader_bytes(&r, QUEUE_ADDRESS_MAX);
    customer->client_ip = reader_bytes(&r, IP_MAX);
    return customer->user.len == 0 ? -1 : reader_end(&r);
}

int
queue_fetch_encode(struct strbuf *out, struct slice domains)
{
    struct writer w = frame_begin(out, QUEUE_FETCH, 0);

    writer_bytes(&w, domains);
    return frame_end(&w);
}

int
queue_fetch_decode(struct slice payload, struct slice *domains)
{
    struct reader r = reader_begin(payload);

    *domains = reader_bytes(&r, QUEUE_DOMAINS_MAX);
    return reader_end(&r);
}

int
queue_fetch_reply_encode(struct strbuf *out, uint32_t id, const struct queue_fetch_reply *reply)
{
    struct writer w = frame_begin(out, QUEUE_FETCH_REPLY, id);

    writer_u16(&w, reply->code);
    writer_bytes(&w, reply->text);
    return frame_end(&w);
}

int
queue_fetch_reply_decode(struct slice payload, struct queue_fetch_reply *reply)
{
    struct reader r = reader_begin(payload);

    reply->code = reader_u16(&r);
    reply->text = reader_bytes(&r, QUEUE_TEXT_MAX);
    return reader_end(&r);
}

int
queue_connection_encode(struct strbuf *out, uint16_t type,
                        const struct queue_connection *connection)
{
    struct writer w = frame_begin(out, type, 0);

    writer_u64(&w, connection->number);
    writer_bytes(&w, connection->client_ip);
    return frame_end(&w);
}

int
queue_connection_decode(struct slice payload, struct queue_connection *connection)
{
    struct reader r = reader_begin(payload);

    connection->number = reader_u64(&r);
    connection->client_ip = reader_bytes(&r, IP_MAX);
    return connection->number == 0 ? -1 : reader_end(&r);
}
