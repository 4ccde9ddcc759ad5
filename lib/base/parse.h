/*
 * lib/base/parse.h - small strict parsers for bytes from outside, and their printers.
 */
#ifndef POSTHORN_LIB_BASE_PARSE_H
#define POSTHORN_LIB_BASE_PARSE_H

#include <stdint.h>

#include "lib/base/slice.h"

/* All of `text` as a decimal in [0, max], no sign or space. 0, or -1: *out is untouched. */
int parse_u64(struct slice text, uint64_t max, uint64_t *out);
/* "20M", "512K", "3G", "100" (bytes; powers of 1024). 0, or -1: *out is untouched. */
int parse_size(struct slice text, uint64_t max, uint64_t *out);
/* "300ms", "15m", "2h", "5d", "1w", "90s", "90" (seconds), also "1h30m". Result in milliseconds. */
int parse_duration_ms(struct slice text, uint64_t max_ms, uint64_t *out_ms);
/* yes/no, on/off, true/false, 1/0, any case. 0, or -1. */
int parse_bool(struct slice text, bool *out);
/* Valid UTF-8 (RFC 3629: no surrogate, no overlong form, nothing above U+10FFFF). */
bool parse_is_utf8(struct slice text);
/* Length of the well-formed character that begins at s[at]; 0: none does. */
size_t parse_utf8_at(struct slice s, size_t at);
/* Of one well-formed character: it could make a terminal show something else than what is there (C1
 * controls U+0080..9F, line and direction marks U+200E..200F, 2028..202E, 2066..2069). */
bool parse_is_deceptive(struct slice rune);
bool parse_is_ascii(struct slice text);       /* no byte above 0x7f */
bool parse_is_ascii_print(struct slice text); /* all bytes in 0x20..0x7e */

#endif
