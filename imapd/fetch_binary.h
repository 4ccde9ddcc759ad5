/*
 * imapd/fetch_binary.h - BINARY[...] and BINARY.SIZE[...] (RFC 3516, RFC 9051 section 6.4.5).
 */
#ifndef POSTHORN_IMAPD_FETCH_BINARY_H
#define POSTHORN_IMAPD_FETCH_BINARY_H

#include "imapd/fetch_args.h"
#include "imapd/session.h"

/* Can all sections of the message in s->message be decoded? If not, FETCH fails with UNKNOWN-CTE.
 */
bool fetch_binary_possible(struct session *s, const struct fetch_section *sections);
/* Sends "BINARY[1]<0> ~{n}..." or "BINARY.SIZE[1] n", after what s->out holds. */
void fetch_binary_send(struct session *s, const struct fetch_section *section);

#endif
