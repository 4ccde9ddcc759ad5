/*
 * pop3d/maildrop.h - the INBOX as POP3 sees it: a numbered snapshot and deletion marks.
 *
 * Numbers run from 1 and do not change. Marked messages go at maildrop_update, all or none; if it
 * is never called, nothing goes.
 */
#ifndef POSTHORN_POP3D_MAILDROP_H
#define POSTHORN_POP3D_MAILDROP_H

#include "lib/store/mailbox.h"

struct maildrop;

/* `dirfd` is the user's mail directory (stays the caller's). NULL with errno. */
struct maildrop *maildrop_open(int dirfd, const struct store_options *options);
void maildrop_close(struct maildrop **maildropp);

uint32_t maildrop_numbers(const struct maildrop *md);          /* the highest number */
uint32_t maildrop_count(const struct maildrop *md);            /* messages not marked */
uint64_t maildrop_octets(struct maildrop *md);                 /* theirs on the wire together */
bool maildrop_has(const struct maildrop *md, uint64_t number); /* there and not marked */
uint64_t maildrop_size(const struct maildrop *md, uint32_t number); /* bytes in the file */
/* Octets on the wire (pop3d/octets.h); reads the message if nobody has counted them yet. */
uint64_t maildrop_message_octets(struct maildrop *md, uint32_t number);
/* False: removal is not allowed. */
bool maildrop_mark(struct maildrop *md, uint32_t number);
void maildrop_unmark_all(struct maildrop *md);
void maildrop_note_fetched(struct maildrop *md, uint32_t number);
/* What was fetched and is still there gets \Seen; nothing in a read-only maildrop. 0, or -1 with
 * errno. */
int maildrop_mark_seen(struct maildrop *md);
/* Up to 70 characters 0x21..0x7e. 0, or -1 with errno. */
int maildrop_unique_name(struct maildrop *md, uint32_t number, struct strbuf *out);
int maildrop_open_message(struct maildrop *md, uint32_t number); /* -1 with errno */
void maildrop_release_memory(struct maildrop *md); /* what the next call can have again */
/* Removes what is marked. The number of messages, without those that others had removed before, or
 * -1 with errno: nothing was removed. */
int64_t maildrop_update(struct maildrop *md);
uint64_t maildrop_removed_bytes(const struct maildrop *md); /* by that */

#endif
