/*
 * pop3d/octets.h - how many octets a message has on the wire, before dots are doubled (RFC 1939
 * section 11): a bare LF goes out as CRLF, and the last line gets its end.
 */
#ifndef POSTHORN_POP3D_OCTETS_H
#define POSTHORN_POP3D_OCTETS_H

#include <stdint.h>

/* Reads the first `size` bytes of the file. 0, or -1 with errno. */
int octets_count(int fd, uint64_t size, uint64_t *octets);

#endif
