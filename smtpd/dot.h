/*
 * smtpd/dot.h - takes mail data out of the stream after DATA: the end mark and the doubled dots.
 */
#ifndef POSTHORN_SMTPD_DOT_H
#define POSTHORN_SMTPD_DOT_H

#include "lib/base/slice.h"

struct dot_decoder {
    enum {
        DOT_LINE_START, /* behind CRLF, or at the very start */
        DOT_TEXT,
        DOT_CR,    /* the last byte was a CR */
        DOT_DOT,   /* a dot at the start of a line, not given out yet */
        DOT_DOT_CR /* and a CR behind it */
    } state;
};

enum dot_result {
    DOT_MORE,  /* the input is used up */
    DOT_PIECE, /* *piece is content */
    DOT_END    /* CRLF.CRLF: *input stands behind it */
};

static inline void
dot_begin(struct dot_decoder *d)
{
    d->state = DOT_LINE_START;
}

/* Takes the next piece of content off *input. It borrows from the input (or is a constant). */
enum dot_result dot_next(struct dot_decoder *d, struct slice *input, struct slice *piece);

#endif
