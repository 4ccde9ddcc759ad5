/*
 * imapd/metadata_place.h - which annotations a user may know (RFC 5464 section 3.3), and how long
 * one may be.
 */
#ifndef POSTHORN_IMAPD_METADATA_PLACE_H
#define POSTHORN_IMAPD_METADATA_PLACE_H

#include "imapd/session.h"
#include "lib/store/annotations.h"

/* Where the annotations of that mailbox ("": of the server) are; the mailbox need not exist. 0, or
 * -1 with errno: EACCES if they are not for this user. */
int metadata_place_find(struct session *s, struct slice mailbox, struct annotation_place *out);
/* Bytes that one value may have. */
size_t metadata_place_value_max(const struct session *s);

#endif
