/*
 * lib/ipc/dnsd.c - codec of the questions to dnsd, and the blocking call.
 *
 * What an answer holds was written by strangers: dnsd checks its syntax, the asker its meaning.
 */
#include "lib/ipc/dnsd.h"

#include "lib/base/io.h"
#include "lib/ipc/client.h"

int
dnsd_query_encode(struct strbuf *out, const struct dnsd_query *query)
{
    struct writer w = frame_begin(out, DNSD_QUERY, 0);

    writer_u16(&w, query->rr);
    writer_bytes(&w, query->name);
    return frame_end(&w);
}

int
dnsd_query_decode(struct slice payload, struct dnsd_query *query)
{
    struct reader r = reader_begin(payload);

    query->rr = reader_u16(&r);
    query->name = reader_bytes(&r, DNSD_NAME_MAX);
    return reader_end(&r);
}

int
dnsd_answer_encode(struct strbuf *out, uint32_t id, const struct dnsd_answer *answer)
{
    struct writer w = frame_begin(out, DNSD_ANSWER, id);

    writer_u8(&w, answer->status);
    writer_u8(&w, (uint8_t)(answer->secure | answer->bogus << 1));
    writer_u32(&w, answer->ttl_s);
    writer_bytes(&w, answer->canonical);
    writer_u32(&w, answer->count);
    for (uint32_t i = 0; i < answer->count; i++) {
        writer_u16(&w, answer->records[i].preference);
        writer_u16(&w, answer->records[i].weight);
        writer_u16(&w, answer->records[i].port);
        writer_bytes(&w, answer->records[i].data);
    }
    return frame_end(&w);
}

int
dnsd_answer_decode(struct slice payload, struct dnsd_answer *answer)
{
    struct reader r = reader_begin(payload);
    uint8_t verdict;

    answer->status = reader_u8(&r);
    verdict = reader_u8(&r);
    answer->secure = (verdict & 1) != 0;
    answer->bogus = (verdict & 2) != 0;
    answer->ttl_s = reader_u32(&r);
    answer->canonical = reader_bytes(&r, DNSD_NAME_MAX);
    answer->count = reader_count(&r, DNSD_RECORDS_MAX);
    for (uint32_t i = 0; i < answer->count; i++) {
        answer->records[i].preference = reader_u16(&r);
        answer->records[i].weight = reader_u16(&r);
        answer->records[i].port = reader_u16(&r);
        answer->records[i].data = reader_bytes(&r, DNSD_DATA_MAX);
    }
    return answer->status > DNS_TEMPORARY || verdict > 3 ? -1 : reader_end(&r);
}

static void
answer_temporary(struct dnsd_answer *answer)
{
    answer->status = DNS_TEMPORARY;
    answer->secure = answer->bogus = false;
    answer->ttl_s = 0;
    answer->canonical = SLICE("");
    answer->count = 0;
}

void
dnsd_call(struct ipc_client *dns, uint16_t rr, struct slice name, int timeout_ms,
          struct dnsd_answer *answer)
{
    struct strbuf request = strbuf_new(DNSD_PAYLOAD_MAX);
    struct dnsd_query query = {.rr = rr, .name = name};
    struct ipc_reply reply = {.fd = -1};

    answer_temporary(answer);
    if (name.len <= DNSD_NAME_MAX && dnsd_query_encode(&request, &query) == 0 &&
        ipc_client_call(dns, &request, -1, timeout_ms, &reply) == 0 &&
        (reply.type != DNSD_ANSWER || dnsd_answer_decode(reply.payload, answer) < 0))
        answer_temporary(answer); /* whatever was decoded before the damage is worth nothing */
    close_keep_errno(reply.fd);
    strbuf_free(&request);
}
