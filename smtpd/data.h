/*
 * smtpd/data.h - a message that comes in pieces: BDAT (RFC 3030) and BURL (RFC 4468) may take
 * turns.
 */
#ifndef POSTHORN_SMTPD_DATA_H
#define POSTHORN_SMTPD_DATA_H

#include "smtpd/session.h"

/* Before each piece: there is a message to write to, `s->transaction.message`. All pieces together
 * have the time of one message, `content_until_ms`. False with errno: the piece is only to be
 * thrown away, then data_no_message. */
bool data_begin_piece(struct session *s);
/* Replies to the piece for which there was no message. */
enum session_state data_no_message(struct session *s, int error, bool last);
/* Behind each piece, which had `size` octets: replies and returns the state that follows; with
 * `last` the message is complete. */
enum session_state data_end_piece(struct session *s, uint64_t size, bool last);

#endif
