/*
 * lib/store/adopt.h - takes messages over that other programs put into the Maildir.
 *
 * Input: files that anybody with access to the Maildir wrote. A file with bare LFs is rewritten
 * with CRLF first, in its place, so that from here on `size` bytes of file are the message. Flags
 * come from the name's ":2," suffix, the date from the file.
 */
#ifndef POSTHORN_LIB_STORE_ADOPT_H
#define POSTHORN_LIB_STORE_ADOPT_H

#include "lib/store/folder.h"

/* Appends to `records` what cur/ holds, as records of a new journal; *state is carried on. */
int adopt_cur(int dirfd, struct strbuf *records, uint64_t journal_offset,
              struct record_state *state, bool inbox);
/* Moves what is in new/ to cur/ and into the journal, counted. Cheap when new/ is empty. What
 * cannot be taken stays there. The number of messages, or -1 with errno. */
int adopt_new(const struct folder *f);
/* The flags that a Maildir name says behind ":2,"; *forwarded: it says P. */
uint32_t adopt_flags_of_name(const char *name, bool *forwarded);

#endif
