/*
 * imapd/wait.h - waits until the client says something, and tells it meanwhile what it wants to
 * know.
 */
#ifndef POSTHORN_IMAPD_WAIT_H
#define POSTHORN_IMAPD_WAIT_H

#include "imapd/session.h"

/* Between commands news are told if the client has used NOTIFY, in IDLE in any case. After a second
 * of silence memory goes back; changed flags are on disk when they have to be. False: the
 * connection is over; where it makes sense BYE has been sent. */
bool wait_for_client(struct session *s, int64_t deadline_mono_ms, bool in_idle);
/* The deadline has passed: BYE with the reason. */
void wait_end_late(struct session *s);

#endif
