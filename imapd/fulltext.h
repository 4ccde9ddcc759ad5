/*
 * imapd/fulltext.h - SEARCH TEXT and BODY by the folder's full-text index (lib/fts).
 *
 * The index says which messages cannot match; all others are looked into, so that the answer is the
 * same with and without it. It is used when a search has looked into some messages already and goes
 * on, and made then if there is none.
 */
#ifndef POSTHORN_IMAPD_FULLTEXT_H
#define POSTHORN_IMAPD_FULLTEXT_H

#include "imapd/message.h"
#include "imapd/search_args.h"

#define FULLTEXT_FREE 50       /* messages that one search looks into without an index */
#define FULLTEXT_BUILD_MS 5000 /* how long one search makes the index; the next one goes on */

/* One search of one mailbox. */
struct fulltext {
    struct mailbox *mailbox;
    struct search_key *root;
    struct message_data *message;
    bool read_only, is_over; /* the index may not be changed; nothing more is to be had from it */
    bool is_open, was_built; /* the candidates are known; the index was brought up to date */
    unsigned looked_into;
    uint32_t last_uid; /* candidates are known up to here */
};

/* Has the TEXT and BODY keys below `root` ask the index. Until fulltext_end all must stay. */
void fulltext_begin(struct fulltext *f, struct mailbox *mb, struct search_key *root,
                    struct message_data *message, bool read_only);
void fulltext_end(struct fulltext *f);

/* Could the message match this key, as far as the index knows? */
bool fulltext_may_match(struct fulltext *f, const struct search_key *key, uint32_t uid);

#endif
