/*
 * imapd/fulltext.c - SEARCH TEXT and BODY by the folder's full-text index.
 *
 * A failure of the index, whatever it is, costs time and no answer: then all messages are looked
 * into.
 */
#include "imapd/fulltext.h"

#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/fts/fts.h"

static struct fts *
open_index(const struct fulltext *f, enum fts_mode mode)
{
    struct mailbox_info info;
    struct fts_folder folder = {.dirfd = mailbox_dirfd(f->mailbox), .read_only = f->read_only};

    mailbox_get_info(f->mailbox, &info);
    folder.uidvalidity = info.uidvalidity;
    return fts_open(&folder, mode);
}

/* ---- making it ---- */

static int
add_message(struct fulltext *f, struct fts *fts, uint32_t seq)
{
    uint32_t uid = mailbox_message(f->mailbox, seq)->uid;

    if (message_load(f->message, f->mailbox, seq) < 0)
        return fts_add_unread(fts, uid);
    return fts_add(fts, uid, message_mime(f->message));
}

/* One batch. True: more is to be done. */
static bool
add_batch(struct fulltext *f, int64_t deadline)
{
    struct fts *fts = open_index(f, FTS_WRITE);
    uint32_t count = mailbox_count(f->mailbox), seq;
    int rc = 0;

    if (fts == NULL)
        return false;
    seq = mailbox_seq_at_or_above(f->mailbox, fts_last_uid(fts) + 1);
    if (fts_last_uid(fts) > 0 && fts_is_worn(fts, seq - 1)) {
        rc = fts_empty(fts);
        seq = 1;
    }
    while (rc == 0 && seq <= count && !fts_batch_full(fts) && clock_mono_ms() < deadline)
        rc = add_message(f, fts, seq++);
    if (rc == 0)
        rc = fts_commit(fts);
    fts_close(&fts);
    return rc == 0 && seq <= count && clock_mono_ms() < deadline;
}

static void
bring_up_to_date(struct fulltext *f)
{
    int64_t deadline = clock_mono_ms() + FULLTEXT_BUILD_MS;

    f->was_built = true;
    if (f->read_only)
        return;
    while (add_batch(f, deadline))
        continue;
}

/* ---- asking it ---- */

static bool
is_text_key(const struct search_key *key)
{
    return key->op == SEARCH_BODY || key->op == SEARCH_TEXT;
}

static void
forget_candidates(struct search_key *key)
{
    key->has_candidates = false;
    xfree(&key->candidates);
    key->candidate_count = 0;
    for (struct search_key *child = key->children; child != NULL; child = child->next)
        forget_candidates(child);
}

/* Asks for all TEXT and BODY keys of the tree. True: there is an answer for one of them. */
static bool
ask(struct search_key *key, struct fts *fts)
{
    struct fts_uids uids;
    bool any = false;

    if (is_text_key(key) && fts_query(fts, key->text, &uids) == FTS_CANDIDATES) {
        key->candidates = uids.uids;
        key->candidate_count = uids.count;
        key->has_candidates = any = true;
    }
    for (struct search_key *child = key->children; child != NULL; child = child->next)
        any |= ask(child, fts);
    return any;
}

static void
get_candidates(struct fulltext *f)
{
    struct fts *fts;

    forget_candidates(f->root);
    f->last_uid = 0;
    f->is_open = true;
    fts = open_index(f, FTS_READ);
    if (fts == NULL)
        return;
    f->last_uid = fts_last_uid(fts);
    f->is_over = !ask(f->root, fts) && f->last_uid > 0; /* strings without a gram */
    fts_close(&fts);
}

static int
by_uid(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

bool
fulltext_may_match(struct fulltext *f, const struct search_key *key, uint32_t uid)
{
    if (f->is_over)
        return true;
    if (!f->is_open)
        get_candidates(f);
    if (uid > f->last_uid && !f->was_built && ++f->looked_into > FULLTEXT_FREE) {
        bring_up_to_date(f);
        get_candidates(f);
    }
    if (!key->has_candidates || uid > f->last_uid)
        return true;
    return key->candidate_count > 0 &&
           bsearch(&uid, key->candidates, key->candidate_count, sizeof(uid), by_uid) != NULL;
}

/* ---- one search ---- */

static bool
attach(struct search_key *key, struct fulltext *f)
{
    bool any = is_text_key(key) && key->text.len > 0;

    if (any)
        key->index = f;
    for (struct search_key *child = key->children; child != NULL; child = child->next)
        any |= attach(child, f);
    return any;
}

void
fulltext_begin(struct fulltext *f, struct mailbox *mb, struct search_key *root,
               struct message_data *message, bool read_only)
{
    *f = (struct fulltext){.mailbox = mb, .root = root, .message = message, .read_only = read_only};
    f->is_over = !attach(root, f);
}

static void
detach(struct search_key *key)
{
    key->index = NULL;
    for (struct search_key *child = key->children; child != NULL; child = child->next)
        detach(child);
}

void
fulltext_end(struct fulltext *f)
{
    forget_candidates(f->root);
    detach(f->root);
}
