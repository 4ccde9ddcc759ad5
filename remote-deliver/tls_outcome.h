/*
 * remote-deliver/tls_outcome.h - tells stsd what came of TLS with a server (RFC 8460).
 */
#ifndef POSTHORN_REMOTE_DELIVER_TLS_OUTCOME_H
#define POSTHORN_REMOTE_DELIVER_TLS_OUTCOME_H

#include "lib/remote/tls_policy.h"

/* After a session was tried by the decision in `policy`, or not even tried because of it. What says
 * nothing about the domain (a rule of ours, a network that fails) is not told. */
void tls_outcome_tell(const struct tls_policy *policy, const struct smtp_peer *peer,
                      const struct smtp_tls_result *result);

#endif
