/*
 * lib/auth/hash_job.c - what the front and a hash worker say to each other. No I/O.
 */
#include "lib/auth/hash_job.h"

/* The header and the payload of a packet that holds one whole frame. */
static int
open_packet(struct slice packet, struct frame_header *header, struct reader *r)
{
    if (packet.len < FRAME_HEADER || frame_header_decode(packet.ptr, HASH_PACKET_MAX, header) < 0 ||
        packet.len != FRAME_HEADER + header->length)
        return -1;
    *r = reader_begin(slice_sub(packet, FRAME_HEADER, packet.len));
    return 0;
}

int
hash_request_encode(struct strbuf *packet, const struct hash_request *request)
{
    struct writer w = frame_begin(packet, request->type, request->id);

    writer_bytes(&w, request->record);
    writer_bytes(&w, request->password);
    return frame_end(&w);
}

int
hash_request_decode(struct slice packet, struct hash_request *request)
{
    struct frame_header header;
    struct reader r;

    if (open_packet(packet, &header, &r) < 0 ||
        (header.type != HASH_VERIFY && header.type != HASH_MAKE))
        return -1;
    request->type = header.type;
    request->id = header.request_id;
    request->record = reader_bytes(&r, HASH_RECORD_MAX);
    request->password = reader_bytes(&r, PASSWORD_MAX);
    return reader_end(&r);
}

int
hash_answer_encode(struct strbuf *packet, const struct hash_answer *answer)
{
    struct writer w = frame_begin(packet, answer->type, answer->id);

    writer_u8(&w, answer->verdict);
    writer_bytes(&w, answer->record);
    return frame_end(&w);
}

int
hash_answer_decode(struct slice packet, struct hash_answer *answer)
{
    struct frame_header header;
    struct reader r;

    if (open_packet(packet, &header, &r) < 0 ||
        (header.type != HASH_ANSWER && header.type != HASH_LOST))
        return -1;
    answer->type = header.type;
    answer->id = header.request_id;
    answer->verdict = reader_u8(&r);
    answer->record = reader_bytes(&r, PASSWORD_RECORD_MAX);
    return reader_end(&r) < 0 || answer->verdict > PASSWORD_NO_MEMORY ? -1 : 0;
}
