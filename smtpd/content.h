/*
 * smtpd/content.h - what message content looks like, learned while it streams by.
 */
#ifndef POSTHORN_SMTPD_CONTENT_H
#define POSTHORN_SMTPD_CONTENT_H

#include "lib/base/slice.h"

struct content_scan {
    bool has_bare_cr, has_bare_lf; /* RFC 5321 section 2.3.8 */
    bool has_8bit;                 /* a byte above 0x7f */
    size_t longest_line;           /* octets without the CRLF */
    size_t line_len;               /* of the line that is not yet at its end */
    bool last_was_cr;
};

void content_scan(struct content_scan *scan, struct slice piece);
/* After the last piece. */
void content_scan_end(struct content_scan *scan);

#endif
