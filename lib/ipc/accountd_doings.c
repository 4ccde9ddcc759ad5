/*
 * lib/ipc/accountd_doings.c - VISITS and SENT as bytes. No I/O.
 */
#include "lib/ipc/accountd_doings.h"

enum item { ITEM_END, ITEM_VISIT, ITEM_REMOVAL };

struct writer
accountd_visits_begin(struct strbuf *out)
{
    return frame_begin(out, ACCOUNTD_VISITS, 0);
}

void
accountd_visits_add(struct writer *w, const struct accountd_visit *visit)
{
    writer_u8(w, ITEM_VISIT);
    writer_bytes(w, visit->user);
    writer_bytes(w, visit->service);
    writer_bytes(w, visit->client_ip);
    writer_bytes(w, visit->location);
    writer_bytes(w, visit->result);
    writer_u8(w, visit->good);
    writer_u64(w, (uint64_t)visit->time_ms);
}

void
accountd_visits_add_removal(struct writer *w, const struct accountd_removal *removal)
{
    writer_u8(w, ITEM_REMOVAL);
    writer_bytes(w, removal->user);
    writer_bytes(w, removal->service);
    writer_bytes(w, removal->client_ip);
    writer_bytes(w, removal->folder);
    writer_u32(w, removal->messages);
    writer_u64(w, removal->bytes);
    writer_u64(w, (uint64_t)removal->time_ms);
}

int
accountd_visits_end(struct writer *w)
{
    writer_u8(w, ITEM_END);
    return frame_end(w);
}

/* Each of these is a word or a line in rows and lists. */
static bool
is_line(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 0x7f)
            return false;
    return true;
}

static bool
is_word(struct slice text)
{
    return text.len > 0 && is_line(text) && slice_index(text, ' ') == text.len;
}

static int
read_visit(struct reader *r, struct accountd_visit *visit)
{
    uint8_t good;

    visit->user = reader_bytes(r, ACCOUNTD_ADDRESS_MAX);
    visit->service = reader_bytes(r, ACCOUNTD_SERVICE_MAX);
    visit->client_ip = reader_bytes(r, ACCOUNTD_ORIGIN_MAX);
    visit->location = reader_bytes(r, ACCOUNTD_LOCATION_MAX);
    visit->result = reader_bytes(r, ACCOUNTD_RESULT_MAX);
    good = reader_u8(r);
    visit->good = good == 1;
    visit->time_ms = (int64_t)reader_u64(r);
    return r->failed || good > 1 || visit->time_ms < 0 || visit->user.len == 0 ||
                   !is_word(visit->service) || !is_word(visit->client_ip) ||
                   !is_line(visit->location) || !is_line(visit->result)
               ? -1
               : 0;
}

static int
read_removal(struct reader *r, struct accountd_removal *removal)
{
    removal->user = reader_bytes(r, ACCOUNTD_ADDRESS_MAX);
    removal->service = reader_bytes(r, ACCOUNTD_SERVICE_MAX);
    removal->client_ip = reader_bytes(r, ACCOUNTD_ORIGIN_MAX);
    removal->folder = reader_bytes(r, ACCOUNTD_FOLDER_NAME_MAX);
    removal->messages = reader_u32(r);
    removal->bytes = reader_u64(r);
    removal->time_ms = (int64_t)reader_u64(r);
    return r->failed || removal->time_ms < 0 || removal->bytes > INT64_MAX ||
                   removal->user.len == 0 || !is_word(removal->service) ||
                   !is_word(removal->client_ip) || !is_line(removal->folder)
               ? -1
               : 0;
}

static int
take_item(struct reader *r, uint8_t item, const struct accountd_visits_taker *taker)
{
    struct accountd_removal removal;
    struct accountd_visit visit;

    if (item == ITEM_VISIT)
        return read_visit(r, &visit) < 0 ? -1 : taker->visit(taker->arg, &visit);
    if (item == ITEM_REMOVAL)
        return read_removal(r, &removal) < 0 ? -1 : taker->removal(taker->arg, &removal);
    return -1;
}

int
accountd_visits_decode(struct slice payload, const struct accountd_visits_taker *taker)
{
    struct reader r = reader_begin(payload);
    uint8_t item;

    for (unsigned i = 0; (item = reader_u8(&r)) != ITEM_END; i++)
        if (i == ACCOUNTD_DOINGS_MAX || take_item(&r, item, taker) < 0)
            return -1;
    return reader_end(&r);
}

int
accountd_sent_encode(struct strbuf *out, const struct accountd_sent *sent)
{
    struct writer w = frame_begin(out, ACCOUNTD_SENT, 0);

    writer_bytes(&w, sent->auth_user);
    writer_bytes(&w, sent->client_ip);
    writer_bytes(&w, sent->recipients);
    writer_u32(&w, sent->local_rcpts);
    writer_u32(&w, sent->remote_rcpts);
    writer_u64(&w, sent->bytes);
    writer_bytes(&w, sent->result);
    writer_u8(&w, sent->accepted);
    writer_u64(&w, (uint64_t)sent->time_ms);
    return frame_end(&w);
}

int
accountd_sent_decode(struct slice payload, struct accountd_sent *sent)
{
    struct reader r = reader_begin(payload);
    uint8_t accepted;

    sent->auth_user = reader_bytes(&r, ACCOUNTD_ADDRESS_MAX);
    sent->client_ip = reader_bytes(&r, ACCOUNTD_ORIGIN_MAX);
    sent->recipients = reader_bytes(&r, ACCOUNTD_SENT_RCPTS_MAX);
    sent->local_rcpts = reader_u32(&r);
    sent->remote_rcpts = reader_u32(&r);
    sent->bytes = reader_u64(&r);
    sent->result = reader_bytes(&r, ACCOUNTD_RESULT_MAX);
    accepted = reader_u8(&r);
    sent->accepted = accepted == 1;
    sent->time_ms = (int64_t)reader_u64(&r);
    return reader_end(&r) < 0 || accepted > 1 || sent->time_ms < 0 || sent->bytes > INT64_MAX ||
                   !is_word(sent->client_ip) || !is_line(sent->recipients) || !is_line(sent->result)
               ? -1
               : 0;
}
