/*
 * smtpd/filtered.h - carries out what the filters want done to the envelope.
 */
#ifndef POSTHORN_SMTPD_FILTERED_H
#define POSTHORN_SMTPD_FILTERED_H

#include "smtpd/session.h"

/* Changes sender, recipients and the wish to hold of the session's transaction by the verdict on
 * its content. An address that is none is left out and logged. False: nobody is left to get it. */
bool filtered_envelope(struct session *s, const char *queue_id);

#endif
