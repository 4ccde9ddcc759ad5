/*
 * lib/ipc/stsd.c - codec of the questions to stsd, and the blocking call.
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
