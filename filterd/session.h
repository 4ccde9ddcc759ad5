/*
 * filterd/session.h - one SMTP session: each stage goes through the policy services and milters in
 * their order, and one verdict comes out.
 */
#ifndef POSTHORN_FILTERD_SESSION_H
#define POSTHORN_FILTERD_SESSION_H

#include "filterd/filters.h"

struct session;

/* `filters` is borrowed. answer() gets the frame that answers a question, from the loop or from
 * inside session_ask; it may free the session. `fd` is borrowed, -1: none. */
struct session *session_new(struct filters *filters,
                            void (*answer)(void *arg, struct strbuf *frame, int fd), void *arg);
void session_free(struct session **sp);
/* A frame of smtpd's; takes `fd` over. 0, or -1: it breaks the rules. */
int session_ask(struct session *s, const struct frame_header *header, struct slice payload, int fd);

#endif
