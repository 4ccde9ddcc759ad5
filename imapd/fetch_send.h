/*
 * imapd/fetch_send.h - the FETCH response of one message.
 */
#ifndef POSTHORN_IMAPD_FETCH_SEND_H
#define POSTHORN_IMAPD_FETCH_SEND_H

#include "imapd/fetch_args.h"
#include "imapd/session.h"

/* Sends what `args` asks for (\Seen is the caller's business), and the items `more`. 0, or -1 with
 * errno, and nothing was sent: ENOENT, the text is needed and gone, ENOTSUP, its encoding is not
 * known. */
int fetch_send(struct session *s, const struct fetch_args *args, uint32_t seq, unsigned more);
/* The items that go with FLAGS and other news that the client has not asked for. */
unsigned fetch_send_unasked(const struct session *s);

#endif
