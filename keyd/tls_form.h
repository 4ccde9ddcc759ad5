/*
 * keyd/tls_form.h - is this something that a server signs in a TLS handshake, and nothing else?
 *
 * Untrusted input: who asks may have been taken over by its client. What passes is worthless for
 * anything but a handshake with a client whose random number is in it.
 */
#ifndef POSTHORN_KEYD_TLS_FORM_H
#define POSTHORN_KEYD_TLS_FORM_H

#include "lib/ipc/tls_key.h"

/* TLS 1.3 (RFC 8446 section 4.4.3): its context string, a server's, and the hash of the handshake.
 * TLS 1.2 (RFC 8422 section 5.4): both random numbers and a point of one of our curves; the
 * server's number says that it speaks 1.3 too (RFC 8446 section 4.1.3), so that no client which
 * speaks 1.3 believes such a signature.
 * TLS 1.0 and 1.1 (RFC 4346 section 7.4.3): the same, and the number says so in its other way,
 * which clients that speak 1.2 look for as well. */
bool tls_form_is_old(uint16_t scheme); /* signs handshakes of TLS 1.0 and 1.1, and no others */
bool tls_form_is_handshake(uint16_t scheme, struct slice content);

#endif
