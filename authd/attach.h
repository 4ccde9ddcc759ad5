/*
 * authd/attach.h - run/authd.sock: the protocol daemons' parents hand over their sessions'
 * channels.
 */
#ifndef POSTHORN_AUTHD_ATTACH_H
#define POSTHORN_AUTHD_ATTACH_H

#include "authd/server.h"

struct attach_server;

/* Exits with a message if master gave us no socket. */
struct attach_server *attach_listen(struct server *server, const struct daemon *d);
/* Takes no more parents and sends ours to the next authd; what they have sent is still taken. */
void attach_drain(struct attach_server *attach);
/* Has the parent that is connected as `parent_id` end its session of that id. */
void attach_end_session(struct attach_server *attach, uint64_t parent_id, const char *session_id);
/* Sends a frame, and clears it, to the parent that is connected so. False: it is gone. */
bool attach_send(struct attach_server *attach, uint64_t parent_id, struct strbuf *frame);
/* Is that parent still connected? */
bool attach_is_there(const struct attach_server *attach, uint64_t parent_id);
void attach_close(struct attach_server **attachp);

#endif
