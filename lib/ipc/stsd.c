/*
 * lib/ipc/stsd.c - codec of what is said to stsd, and the blocking call.
 */
#include "lib/ipc/stsd.h"

#include <errno.h>

#include "lib/base/io.h"
#include "lib/ipc/client.h"

int
stsd_query_encode(struct strbuf *out, const struct stsd_query *query)
{
    struct writer w = frame_begin(out, STSD_QUERY, 0);

    writer_bytes(&w, query->domain);
    writer_bytes(&w, query->id);
    return frame_end(&w);
}

int
stsd_query_decode(struct slice payload, struct stsd_query *query)
{
    struct reader r = reader_begin(payload);

    query->domain = reader_bytes(&r, STSD_DOMAIN_MAX);
    query->id = reader_bytes(&r, STS_ID_MAX);
    return reader_end(&r);
}

int
stsd_answer_encode(struct strbuf *out, uint32_t id, const struct stsd_answer *answer)
{
    struct writer w = frame_begin(out, STSD_ANSWER, id);

    writer_bytes(&w, answer->text);
    return frame_end(&w);
}

int
stsd_answer_decode(struct slice payload, struct stsd_answer *answer)
{
    struct reader r = reader_begin(payload);

    answer->text = reader_bytes(&r, STS_TEXT_MAX);
    return reader_end(&r);
}

int
stsd_call(struct ipc_client *sts, const struct stsd_query *query, int timeout_ms,
          struct strbuf *text)
{
    struct strbuf request = strbuf_new(STSD_PAYLOAD_MAX);
    struct ipc_reply reply = {.fd = -1};
    struct stsd_answer answer;
    int rc = -1;

    errno = EMSGSIZE;
    if (stsd_query_encode(&request, query) == 0)
        rc = ipc_client_call(sts, &request, -1, timeout_ms, &reply);
    if (rc == 0 && (reply.type != STSD_ANSWER || stsd_answer_decode(reply.payload, &answer) < 0 ||
                    !strbuf_append(text, answer.text))) {
        errno = EPROTO;
        rc = -1;
    }
    close_keep_errno(reply.fd);
    strbuf_free(&request);
    return rc;
}

int
stsd_outcome_encode(struct strbuf *out, const struct outcome *outcome)
{
    struct writer w = frame_begin(out, STSD_OUTCOME, 0);

    outcome_write(&w, outcome);
    return frame_end(&w);
}

int
stsd_outcome_decode(struct slice payload, struct outcome *outcome)
{
    struct reader r = reader_begin(payload);

    return outcome_read(&r, outcome) ? reader_end(&r) : -1;
}

int
stsd_control_encode(struct strbuf *out, const struct stsd_control *control)
{
    struct writer w = frame_begin(out, STSD_CONTROL, 0);

    writer_bytes(&w, control->verb);
    writer_bytes(&w, control->day);
    writer_bytes(&w, control->domain);
    return frame_end(&w);
}

int
stsd_control_decode(struct slice payload, struct stsd_control *control)
{
    struct reader r = reader_begin(payload);

    control->verb = reader_bytes(&r, STSD_TEXT_MAX);
    control->day = reader_bytes(&r, STSD_TEXT_MAX);
    control->domain = reader_bytes(&r, STSD_DOMAIN_MAX);
    return reader_end(&r);
}

int
stsd_reply_encode(struct strbuf *out, uint32_t id, const struct stsd_reply *reply)
{
    struct writer w = frame_begin(out, STSD_REPLY, id);

    writer_u32(&w, reply->result);
    writer_bytes(&w, reply->text);
    writer_bytes(&w, reply->data);
    return frame_end(&w);
}

int
stsd_reply_decode(struct slice payload, struct stsd_reply *reply)
{
    struct reader r = reader_begin(payload);

    reply->result = reader_u32(&r);
    reply->text = reader_bytes(&r, STSD_TEXT_MAX);
    reply->data = reader_bytes(&r, STSD_REPLY_MAX);
    return reader_end(&r);
}
