/*
 * lib/tls/relay.h - carries bytes between a stream and a socket of our own, and knows nothing else.
 */
#ifndef POSTHORN_LIB_TLS_RELAY_H
#define POSTHORN_LIB_TLS_RELAY_H

#include "lib/tls/stream.h"

/* Until one side ends, or the peer of `s` does not read for the stream's write time-out. What one
 * side had written before its end has been given to the other, unless that is gone, too. No codec
 * may be on. Neither is closed: both stay the caller's. Waits without a limit of its own: whoever
 * is behind `fd` (blocking, SOCK_STREAM) has deadlines. */
void relay_run(struct stream *s, int fd);

#endif
