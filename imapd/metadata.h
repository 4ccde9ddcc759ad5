/*
 * imapd/metadata.h - annotations as other commands than GETMETADATA tell them.
 */
#ifndef POSTHORN_IMAPD_METADATA_H
#define POSTHORN_IMAPD_METADATA_H

#include "imapd/metadata_args.h"
#include "imapd/session.h"

/* Appends the METADATA response. *longest: bytes of the longest value that passed max_size, 0: none
 * did. 0, or -1 with errno. */
int metadata_write(struct session *s, struct slice mailbox, const struct metadata_want *want,
                   struct strbuf *out, size_t *longest);

#endif
