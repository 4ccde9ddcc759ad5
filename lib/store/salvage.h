/*
 * lib/store/salvage.h - makes a whole journal again of one that is damaged.
 *
 * Everything that checks out is kept: UIDVALIDITY, UIDs, flags, keywords, dates, delivery keys.
 * What stood in a damaged part comes from the index, as far as that fits, and message files that
 * nobody names come in anew. The old journal keeps a second name in posthorn.lost/.
 */
#ifndef POSTHORN_LIB_STORE_SALVAGE_H
#define POSTHORN_LIB_STORE_SALVAGE_H

#include "lib/store/view.h"

#include "lib/store/folder.h"

#define FULLTEXT_NAME "posthorn.fts" /* lib/fts */

struct salvage_report {
    bool new_uidvalidity;  /* the old one could not be read anywhere */
    uint64_t skipped;      /* bytes of the journal that made no sense */
    bool index_helped;     /* the index says what they said: nothing is lost */
    uint32_t messages;     /* in the folder now */
    uint32_t adopted;      /* of these: files that no record named, with new UIDs */
    uint32_t without_file; /* in the index alone, and no file fits: dropped */
};

/* The folder's directory and name; no journal of it is open in this process. Takes the lock of the
 * old journal (EBUSY). EPROTONOSUPPORT: of another version, left alone. */
int salvage_journal(struct store *store, int dirfd, bool inbox, struct salvage_report *report);

/* True if a whole record begins somewhere in [from, size): what lies at `from` is damage, no torn
 * tail. */
bool salvage_record_follows(const struct journal *j, uint64_t from, uint64_t size);

#endif
