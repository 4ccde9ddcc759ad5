/*
 * remote-deliver/arc_verify.h - is the Authenticated Received Chain of a message good (RFC 8617
 * section 5.2)?
 */
#ifndef POSTHORN_REMOTE_DELIVER_ARC_VERIFY_H
#define POSTHORN_REMOTE_DELIVER_ARC_VERIFY_H

#include "lib/dkim/arc.h"
#include "lib/smtp/smtp_send.h"

struct ipc_client;

/* Looks at the content of `message`, not at what is sent before it. A failure is final, also one of
 * DNS (section 5.2.1). 0 with *cv, and if that is ARC_FAIL with *why, a constant. -1: the message
 * cannot be read, or its header section is too long to tell. */
int arc_verify(struct ipc_client *dns, int64_t deadline_mono_ms, const struct smtp_message *message,
               enum arc_cv *cv, const char **why);

#endif
