/*
 * lib/ipc/accountd_visits.c - VISITS as bytes. No I/O.
 */
#include "lib/ipc/accountd_visits.h"

struct writer
accountd_visits_begin(struct strbuf *out)
{
    return frame_begin(out, ACCOUNTD_VISITS, 0);
}

void
accountd_visits_add(struct writer *w, const struct accountd_visit *visit)
{
    writer_u8(w, 1); /* one more */
    writer_bytes(w, visit->user);
    writer_bytes(w, visit->service);
    writer_bytes(w, visit->client_ip);
    writer_bytes(w, visit->location);
    writer_bytes(w, visit->result);
    writer_u8(w, visit->good);
    writer_u64(w, (uint64_t)visit->time_ms);
}

int
accountd_visits_end(struct writer *w)
{
    writer_u8(w, 0);
    return frame_end(w);
}

/* Each of these is a word or a line in rows and files. */
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
    visit->result = reader_bytes(r, ACCOUNTD_VISIT_RESULT_MAX);
    good = reader_u8(r);
    visit->good = good == 1;
    visit->time_ms = (int64_t)reader_u64(r);
    return r->failed || good > 1 || visit->time_ms < 0 || !is_word(visit->service) ||
                   !is_word(visit->client_ip) || !is_line(visit->location) ||
                   !is_line(visit->result)
               ? -1
               : 0;
}

int
accountd_visits_decode(struct slice payload,
                       int (*each)(void *arg, const struct accountd_visit *visit), void *arg)
{
    struct reader r = reader_begin(payload);
    uint8_t more;

    for (unsigned i = 0; (more = reader_u8(&r)) == 1; i++) {
        struct accountd_visit visit;

        if (i == ACCOUNTD_VISITS_MAX || read_visit(&r, &visit) < 0 || each(arg, &visit) < 0)
            return -1;
    }
    return more == 0 ? reader_end(&r) : -1;
}
