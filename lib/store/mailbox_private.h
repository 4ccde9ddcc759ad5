/*
 * lib/store/mailbox_private.h - an open folder from the inside: for lib/store/mailbox*.c alone.
 *
 * A mailbox is a view of the journal plus what this session has not yet been told: messages that
 * left the journal but not the session's sequence numbers (ghosts), and messages in the view that
 * it has not been told of (beyond `visible`), be it that it did not ask, be it that a power cut
 * could still take them back.
 */
#ifndef POSTHORN_LIB_STORE_MAILBOX_PRIVATE_H
#define POSTHORN_LIB_STORE_MAILBOX_PRIVATE_H

#include "lib/store/cache.h"
#include "lib/store/expunged.h"
#include "lib/store/folder.h"
#include "lib/store/view.h"

struct ghost {
    uint32_t seq; /* does not change before the next report */
    struct message m;
    uint64_t record_end; /* of the expunge: reported when that is settled */
    uint64_t modseq;     /* of the expunge */
};

struct uid_list {
    uint32_t *uids;
    uint32_t count, cap;
};

struct mailbox {
    struct folder folder;
    bool read_only, claim_recent;
    struct view view;
    struct ghost *ghosts;
    uint32_t ghost_count, ghost_cap;
    uint32_t visible;         /* sequence numbers that the session knows, ghosts included */
    uint32_t settled_uidnext; /* messages from here on are not announced yet */
    uint64_t settled_offset;  /* of the journal */
    uint64_t settled_modseq;  /* of the changes before that, while `unsettled` */
    bool unsettled;
    bool saw_lasting;        /* a record that came in may need settling */
    struct uid_list changed; /* flags changed by others, not reported yet; unsorted */
    bool keywords_changed;
    struct uid_range *recents; /* claimed by this session, ascending */
    uint32_t recent_count;
    uint64_t record_end;         /* of the record that is being applied */
    uint64_t record_modseq;      /* what it says is the highest */
    bool own_record;             /* it is our own: its flag changes are known */
    int64_t flush_due_ms;        /* monotonic; 0: nothing to flush */
    int64_t new_checked_ms;      /* when new/ was looked at */
    uint64_t own_end;            /* end of our last record that is not flushed */
    struct journal_window ahead; /* arrivals that may be asked for next */
    uint32_t ahead_generation;   /* of the journal that it is of */
    uint64_t last_item;          /* offset of the arrival that was read last */
    struct cache *cache;
    struct expunging leaving; /* files of the last removal that still have their names in cur/ */
    bool is_leaving;
    struct mailbox_removed removed; /* by the last removal */
};

/* ---- mailbox.c ---- */
/* Without adoption, settling and claiming: for repairs, which must not set off more of them. */
struct mailbox *mailbox_open_plain(struct store *store, struct slice name, bool read_only);
/* Live rank to sequence number and back; 0: a ghost. */
uint32_t mailbox_seq_of_rank(const struct mailbox *mb, uint32_t rank);
uint32_t mailbox_rank_of_seq(const struct mailbox *mb, uint32_t seq);
/* The arrival item of a live message (rank 0: ENOENT); `buf` (ITEM_MAX) holds what it borrows. */
#define ITEM_MAX 1024
int mailbox_read_arrival(struct mailbox *mb, uint32_t rank, struct strbuf *buf,
                         struct arrival *arrival);
/* Gives back the memory in which arrivals were read ahead. */
void mailbox_forget_ahead(struct mailbox *mb);

/* ---- mailbox_sync.c ---- */
/* Reads what others appended; sequence numbers stay. ESTALE: the folder is gone. */
int mailbox_catch_up(struct mailbox *mb);
/* Locks the journal and catches up with all of it. */
int mailbox_lock(struct mailbox *mb);
void mailbox_unlock(struct mailbox *mb);
/* Appends a finished record, and takes it in; `hold` as with journal_append. */
int mailbox_write(struct mailbox *mb, const struct strbuf *record, bool hold);
/* Flushes the journal now and marks our records. */
int mailbox_make_durable(struct mailbox *mb, uint64_t record_end);
/* The figures as they are under the lock: the start of a new record's state. */
struct record_state mailbox_state(const struct mailbox *mb);
void mailbox_show_recents(struct mailbox *mb); /* sets MESSAGE_RECENT again in a fresh view */
int uid_list_add(struct uid_list *list, uint32_t uid);

/* ---- mailbox_change.c ---- */
/* Expunges these UIDs (ascending; unknown ones are ignored) and unlinks their files: the messages
 * are somewhere else by now. With `modseqs` only as long as each has its MODSEQ: else 1, nothing is
 * changed, and the view has what is new. */
int mailbox_expunge_uids(struct mailbox *mb, const uint32_t *uids, const uint64_t *modseqs,
                         uint32_t count);
/* The same for arrivals that a power cut took the files of, as far as these are still missing:
 * their delivery keys are forgotten. */
int mailbox_void_lost(struct mailbox *mb, const uint32_t *uids, uint32_t count);

#endif
