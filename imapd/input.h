/*
 * imapd/input.h - reads what belongs to one command off the stream: lines and literals.
 */
#ifndef POSTHORN_IMAPD_INPUT_H
#define POSTHORN_IMAPD_INPUT_H

#include "imapd/parser.h"
#include "imapd/session.h"

enum input_status {
    INPUT_COMMAND, /* s->command holds it without the last CRLF; APPEND's up to its message */
    INPUT_REFUSED, /* it was too large; that has been answered */
    INPUT_END      /* the connection is over; where it makes sense BYE has been sent */
};

/* Waits for a command and reads it. For synchronizing literals it sends the go-ahead. A valid
 * APPEND is read up to the announcement of its message; what to do with that is left to the
 * command. */
enum input_status input_read_command(struct session *s);

/* One more line of a command in progress (AUTHENTICATE, IDLE, the end of APPEND) of at most `max`
 * bytes, without its CRLF, appended to `out`. False: the connection is over. */
bool input_read_line(struct session *s, size_t max, int64_t deadline_mono_ms, struct strbuf *out);
/* The rest of a command behind a literal: *empty if that is just a line end. Further literals that
 * are on their way without being asked for are thrown away. False: the connection is over. */
bool input_finish_command(struct session *s, bool *empty);
/* Reads `size` bytes and throws them away. False: the connection is over. */
bool input_swallow(struct session *s, uint64_t size);
/* Hands `size` bytes piece by piece to `take`; once that has returned false the rest is read and
 * thrown away. False: the connection is over. */
bool input_stream(struct session *s, uint64_t size, bool (*take)(void *arg, struct slice piece),
                  void *arg);
/* May the client send this literal without waiting? With LITERAL- only a small one; the reply to
 * one that is larger is BAD with the response code TOOBIG (RFC 7888 section 5). */
bool input_literal_is_allowed(const struct session *s, const struct parser_literal *literal);
/* Sends the go-ahead for a literal. */
void input_go_ahead(struct session *s);
/* How long the client may take for the next line. */
int64_t input_deadline(const struct session *s);

#endif
