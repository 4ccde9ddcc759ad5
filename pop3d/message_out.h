/*
 * pop3d/message_out.h - a message on its way out: lines end in CRLF, leading dots are doubled, and
 * TOP stops after some lines (RFC 1939 sections 3 and 7).
 */
#ifndef POSTHORN_POP3D_MESSAGE_OUT_H
#define POSTHORN_POP3D_MESSAGE_OUT_H

#include <stdint.h>

#include "lib/base/slice.h"

#define MESSAGE_OUT_ALL UINT64_MAX

struct message_out {
    void (*write)(void *arg, struct slice bytes);
    void *arg;
    uint64_t lines_left; /* of the body */
    bool in_body;        /* the empty line behind the header section has gone out */
    bool in_line;        /* bytes of a line have gone out, its end has not */
    bool after_cr;       /* the last of them was a CR */
    bool line_is_empty;  /* none of them but that CR */
};

/* `body_lines`: how much of the body, MESSAGE_OUT_ALL for RETR. */
struct message_out message_out_begin(void (*write)(void *arg, struct slice bytes), void *arg,
                                     uint64_t body_lines);
/* The next part of the file. True: more is wanted; false: the rest does not matter. */
bool message_out_feed(struct message_out *m, struct slice part);
/* The end of the last line, if it has none, and the final dot. */
void message_out_end(struct message_out *m);

#endif
