/*
 * pop3d/command.h - a POP3 command line taken apart (RFC 1939 section 3, RFC 2449 section 3).
 */
#ifndef POSTHORN_POP3D_COMMAND_H
#define POSTHORN_POP3D_COMMAND_H

#include <stdint.h>

#include "lib/base/slice.h"

/* Octets of a command with its CRLF. RFC 2449 section 4 wants 255; names may be UTF-8 and longer.
 */
#define COMMAND_MAX 512
/* AUTH and the lines of its exchange: 12288 octets of SASL in base64 (RFC 5034 section 4). */
#define COMMAND_SASL_MAX 16640

struct command_line {
    struct slice verb;
    struct slice args; /* behind the one space; may hold spaces, also at its end */
};

/* `line` is without CRLF. 0, or -1: a control character, or a verb that is not 3 or 4 long. */
int command_parse(struct slice line, struct command_line *out);

/* Decimal arguments separated by single spaces; spaces at the end do not count. The number of them,
 * at least `min` and at most `max`; -1: otherwise, or what is no number. */
int command_numbers(struct slice args, size_t min, size_t max, uint64_t *out);

#endif
