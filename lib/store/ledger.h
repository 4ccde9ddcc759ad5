/*
 * lib/store/ledger.h - what a user holds over all folders, and the UIDVALIDITY values given out.
 *
 * The totals stand in the last record of INBOX's journal. A change in INBOX carries them along. A
 * change in another folder is counted by a record of its own, before or after it; who dies in
 * between leaves totals that are wrong until ledger_verify counts. In a guest's store the additions
 * go to its charge(), and nothing is read.
 */
#ifndef POSTHORN_LIB_STORE_LEDGER_H
#define POSTHORN_LIB_STORE_LEDGER_H

#include "lib/store/folder.h"

/* Around a change in another folder than INBOX and its counting: nobody counts the folders
 * meanwhile. May be nested. The first one of a session verifies. */
void ledger_begin(struct store *store);
void ledger_end(struct store *store);

/* Adds; EDQUOT if that is more than the quota: it and the addition are one step. */
int ledger_charge(struct store *store, const struct store_options *quota, uint64_t bytes,
                  uint64_t messages);
/* Adds or (negative) takes away, whatever the quota. */
int ledger_add(struct store *store, int64_t bytes, int64_t messages);
/* As they stand, not verified. */
int ledger_read(const struct store *store, struct record_state *state);
/* EDQUOT if so much more is too much. */
int ledger_check_quota(const struct store *store, const struct store_options *quota,
                       uint64_t more_bytes, uint64_t more_messages);
bool ledger_over_quota(const struct record_state *s, const struct store_options *quota,
                       uint64_t more_bytes, uint64_t more_messages);

/* Counts all folders from their journals and corrects the totals if they differ. -1 with errno:
 * EBUSY, somebody was changing something for wait_ms; EBADMSG, a folder is damaged. */
int ledger_verify(struct store *store, int wait_ms);

/* The totals as recorded, and what the folders' journals come to, at a moment when nobody changes
 * anything: for store check. Changes nothing; fails as ledger_verify does. */
int ledger_compare(struct store *store, int wait_ms, struct record_state *recorded,
                   struct record_state *counted);

/* A folder got this one from elsewhere: it is not given out again. */
int ledger_note_uidvalidity(struct store *store, uint32_t value);
int ledger_new_uidvalidity(struct store *store, uint32_t *value);

#endif
