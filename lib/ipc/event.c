/*
 * lib/ipc/event.c - codec of events.
 */
#include "lib/ipc/event.h"

#include "lib/ipc/queue_manager.h"

int
event_encode(struct strbuf *out, const struct event *event)
{
    struct writer w = frame_begin(out, EVENT_TYPE, 0);

    writer_bytes(&w, event->user);
    writer_bytes(&w, event->sender);
    writer_bytes(&w, event->queue_id);
    writer_u64(&w, event->size);
    writer_u64(&w, (uint64_t)event->time_ms);
    return frame_end(&w);
}

int
event_decode(struct slice datagram, struct event *event)
{
    struct frame_header header;
    struct reader r;

    if (datagram.len < FRAME_HEADER ||
        frame_header_decode(datagram.ptr, EVENT_DATAGRAM_MAX, &header) < 0 ||
        header.type != EVENT_TYPE || header.length != datagram.len - FRAME_HEADER)
        return -1;
    r = reader_begin(slice_sub(datagram, FRAME_HEADER, datagram.len));
    event->user = reader_bytes(&r, EVENT_ADDRESS_MAX);
    event->sender = reader_bytes(&r, EVENT_ADDRESS_MAX);
    event->queue_id = reader_bytes(&r, QUEUE_ID_MAX);
    event->size = reader_u64(&r);
    event->time_ms = (int64_t)reader_u64(&r);
    return event->time_ms < 0 || event->user.len == 0 ? -1 : reader_end(&r);
}
