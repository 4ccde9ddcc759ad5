/*
 * imapd/append_sink.h - where the bytes of a new message go: its file, with a look at each.
 */
#ifndef POSTHORN_IMAPD_APPEND_SINK_H
#define POSTHORN_IMAPD_APPEND_SINK_H

#include <stdint.h>

#include "lib/base/slice.h"

struct append_sink {
    int fd;
    uint64_t size, max; /* bytes */
    int error;          /* errno of a write */
    bool has_nul, too_big;
    bool in_header, line_is_empty;
    bool header_has_8bit; /* RFC 6855 section 4 */
};

struct append_sink append_sink_begin(int fd, uint64_t max);
/* Takes the next bytes (`arg` is the sink); false: the message is lost, no more is needed. */
bool append_sink_write(void *arg, struct slice piece);
/* The same for text of other messages: NULs become 0x80, as in FETCH BODY. */
bool append_sink_copy(struct append_sink *sink, struct slice text);

#endif
