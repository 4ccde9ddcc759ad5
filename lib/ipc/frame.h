/*
 * lib/ipc/frame.h - the one codec of everything that our programs say to each other.
 *
 * A frame is a header of FRAME_HEADER bytes, big-endian:
 *     u32 length of the payload   u8 version (FRAME_VERSION)   u8 zero   u16 type   u32 request id
 * and a payload of typed fields, each one tag byte and its value:
 *     'B' u8, 'H' u16, 'W' u32, 'Q' u64, 'S' bytes: u32 length and the bytes.
 * A reader that meets a wrong tag, a field that ends past the payload or bytes over a field's limit
 * remembers the failure and gives zeros from then on; reader_end() tells. The receiver treats the
 * sender as an attacker: a frame that fails to decode closes the connection.
 */
#ifndef POSTHORN_LIB_IPC_FRAME_H
#define POSTHORN_LIB_IPC_FRAME_H

#include <stdint.h>

#include "lib/base/slice.h"
#include "lib/base/strbuf.h"

#define FRAME_HEADER 12
#define FRAME_VERSION 1
#define FRAME_PAYLOAD_MAX (16u << 20) /* no server may allow more than this */

struct frame_header {
    uint32_t length; /* of the payload, bytes */
    uint16_t type;
    uint32_t request_id;
};

/* Decodes FRAME_HEADER bytes. -1: wrong version, or the payload is longer than `payload_max`. */
int frame_header_decode(const char *bytes, uint32_t payload_max, struct frame_header *out);

/* Writing: begin at out->len, add fields, end patches the length. Several frames may follow each
 * other in one buffer. frame_end returns 0, or -1 if the buffer's ceiling was hit (the frame is
 * then taken out again). */
struct writer {
    struct strbuf *out;
    size_t start;
};
struct writer frame_begin(struct strbuf *out, uint16_t type, uint32_t request_id);
int frame_end(struct writer *w);
void writer_u8(struct writer *w, uint8_t value);
void writer_u16(struct writer *w, uint16_t value);
void writer_u32(struct writer *w, uint32_t value);
void writer_u64(struct writer *w, uint64_t value);
void writer_bytes(struct writer *w, struct slice value);
void writer_str(struct writer *w, const char *value); /* NULL as the empty string */

/* Reading: slices borrow from the payload. */
struct reader {
    struct slice rest;
    bool failed;
};
struct reader reader_begin(struct slice payload);
uint8_t reader_u8(struct reader *r);
uint16_t reader_u16(struct reader *r);
uint32_t reader_u32(struct reader *r);
uint64_t reader_u64(struct reader *r);
struct slice reader_bytes(struct reader *r, size_t max); /* longer than max: failure */
/* A count of things that follow: at most `max`, else failure and 0. */
uint32_t reader_count(struct reader *r, uint32_t max);
int reader_end(const struct reader *r); /* -1 if a read failed or bytes are left */

#endif
