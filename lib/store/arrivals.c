/*
 * lib/store/arrivals.c - messages on their way into a folder.
 */
#include "lib/store/arrivals.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/store/beneath.h"
#include "lib/store/ledger.h"
#include "lib/store/view.h"

struct incoming *
arrivals_add(struct arrivals *a)
{
    if (a->count == a->cap) {
        a->cap = a->cap == 0 ? 4 : a->cap * 2;
        a->list = xreallocarray(a->list, a->cap, sizeof(*a->list));
    }
    a->list[a->count] = (struct incoming){0};
    return &a->list[a->count++];
}

void
arrivals_drop_keywords(struct incoming *in)
{
    for (uint32_t k = 0; k < in->keyword_count; k++)
        xfree(&in->keywords[k]);
    xfree(&in->keywords);
    in->keyword_count = 0;
    in->arrival.m.keywords = 0;
}

static void
incoming_free(struct incoming *in)
{
    arrivals_drop_keywords(in);
    xfree(&in->unique);
}

void
arrivals_drop_last(struct arrivals *a)
{
    incoming_free(&a->list[--a->count]);
}

void
arrivals_free(struct arrivals *a)
{
    for (uint32_t i = 0; i < a->count; i++)
        incoming_free(&a->list[i]);
    xfree(&a->list);
    a->count = a->cap = 0;
}

void
arrivals_take_back(struct arrivals *a)
{
    char path[FILE_PATH_SIZE];

    for (uint32_t i = 0; i < a->count; i++) {
        if (a->list[i].name[0] == '\0')
            continue;
        folder_cur_path(path, slice_of(a->list[i].name));
        unlink_keep_errno(a->folder->dirfd, path);
    }
}

/* The bit of a keyword in this folder; a new one is added to the record. -1: the table is full. */
static int
keyword_bit(struct view *v, struct strbuf *record, struct slice name)
{
    int bit = view_keyword_bit(v, name);

    for (int i = 0; bit < 0 && i < MAILBOX_KEYWORDS_MAX; i++)
        if (v->keywords[i] == NULL) {
            v->keywords[i] = xslicedup(name);
            record_add_keyword(record, (uint32_t)i, name);
            bit = i;
        }
    return bit;
}

/* Turns names into bits, under the folder's lock. What does not fit into the table is left out
 * (RFC 3501 section 2.3.2 leaves it to the server which keywords are kept). */
static int
resolve_keywords(struct arrivals *a, struct strbuf *record)
{
    struct view v;
    bool any = false;

    for (uint32_t i = 0; i < a->count; i++)
        any |= a->list[i].keyword_count > 0;
    if (!any)
        return 0;
    if (view_load(&v, &a->folder->journal) < 0)
        return -1;
    for (uint32_t i = 0; i < a->count; i++)
        for (uint32_t k = 0; k < a->list[i].keyword_count; k++) {
            int bit = keyword_bit(&v, record, slice_of(a->list[i].keywords[k]));

            if (bit >= 0)
                a->list[i].arrival.m.keywords |= UINT64_C(1) << bit;
        }
    view_free(&v);
    return 0;
}

/* Who takes less than what he gives back needs no room. */
static uint64_t
quota_with(uint64_t quota, uint64_t added, uint64_t replaced)
{
    if (replaced == 0 || quota == 0)
        return quota;
    return added <= replaced ? 0 : quota + replaced;
}

struct store_options
arrivals_quota(const struct arrivals *a)
{
    struct store_options quota = a->folder->store->options;

    quota.quota_bytes = quota_with(quota.quota_bytes, a->bytes, a->replaced_bytes);
    quota.quota_messages = quota_with(quota.quota_messages, a->count, a->replaced_messages);
    return quota;
}

/* Under INBOX's lock the totals cannot change before the record is there. */
static int
check_quota(const struct arrivals *a, const struct record_state *totals)
{
    struct store_options quota = arrivals_quota(a);

    if (!a->folder->inbox || a->origin_count > 0 ||
        !ledger_over_quota(totals, &quota, a->bytes, a->count))
        return 0;
    errno = EDQUOT;
    return -1;
}

static int
write_record(struct arrivals *a, uint64_t *record_end, struct mailbox_uids *uids)
{
    struct appender ap;
    int rc;

    if (appender_begin(&ap, &a->folder->journal, a->folder->inbox, RECORD_LASTING) < 0)
        return -1;
    rc = check_quota(a, &ap.state);
    if (rc == 0)
        rc = resolve_keywords(a, &ap.record);
    if (a->origin_count > 0)
        record_add_origin(&ap.record, a->origin_id, a->origin_folder, a->origin_ranges,
                          a->origin_count);
    for (uint32_t i = 0; i < a->count && rc == 0; i++) {
        a->list[i].arrival.name = slice_of(a->list[i].name);
        a->list[i].arrival.email_id = slice_of(a->list[i].email_id);
        a->list[i].arrival.unique = slice_of(a->list[i].unique == NULL ? "" : a->list[i].unique);
        if (a->list[i].uid_at_least > ap.state.uidnext)
            ap.state.uidnext = a->list[i].uid_at_least;
        rc = appender_arrive(&ap, &a->list[i].arrival);
        a->list[i].written = a->list[i].arrival.m;
        uids->uids[i] = a->list[i].arrival.m.uid;
    }
    if (rc < 0) {
        appender_abort(&ap);
        return -1;
    }
    rc = appender_commit(&ap);
    *record_end = ap.record_end;
    return rc;
}

static void
give_back(struct store *store, uint64_t bytes, uint64_t messages)
{
    int saved = errno;

    (void)ledger_add(store, -(int64_t)bytes, -(int64_t)messages); /* else the next count does */
    errno = saved;
}

/* In another folder than INBOX the totals come first, so that two at once do not pass the quota. */
static int
charge_and_write(struct arrivals *a, uint64_t *record_end, struct mailbox_uids *uids)
{
    struct store *store = a->folder->store;
    struct store_options quota = arrivals_quota(a);

    if (a->folder->inbox || a->origin_count > 0)
        return write_record(a, record_end, uids);
    if (ledger_charge(store, &quota, a->bytes, a->count) < 0)
        return -1;
    if (write_record(a, record_end, uids) == 0)
        return 0;
    give_back(store, a->bytes, a->count);
    return -1;
}

int
arrivals_commit(struct arrivals *a, uint64_t *record_end, struct mailbox_uids *uids)
{
    struct journal *j = &a->folder->journal;

    *uids = (struct mailbox_uids){.uidvalidity = j->header.uidvalidity, .count = a->count};
    uids->uids = xreallocarray(NULL, a->count, sizeof(*uids->uids));
    if (charge_and_write(a, record_end, uids) < 0) {
        arrivals_take_back(a);
        xfree(&uids->uids);
        return -1;
    }
    /* From here on the messages may be there: an error means "perhaps". The record may be on disk
     * before the names in cur/ are: nobody believes it before the mark, and settling would void it.
     * That way one commit of the file system's journal holds both, and the second call finds it
     * done. */
    if (journal_flush(j) == 0 && beneath_sync_dir(a->folder->dirfd, "cur") == 0)
        return 0;
    xfree(&uids->uids);
    return -1;
}

/* One message's flags as they are now, in place of all that were written. */
static void
add_flags(struct incoming *in, struct appender *ap)
{
    const struct message *now = &in->arrival.m, *before = &in->written;
    struct uid_range self = {now->uid, now->uid};

    if (now->flags == before->flags && now->keywords == before->keywords)
        return;
    record_add_flags(&ap->record, MESSAGE_RECENT - 1, now->flags & (MESSAGE_RECENT - 1), UINT64_MAX,
                     now->keywords, &self, 1);
    ap->state.unseen += (now->flags & MESSAGE_SEEN) == 0;
    ap->state.unseen -= (before->flags & MESSAGE_SEEN) == 0;
    in->written = *now;
}

int
arrivals_write_flags(struct arrivals *a)
{
    struct appender ap;
    int rc;

    if (appender_begin(&ap, &a->folder->journal, a->folder->inbox, 0) < 0)
        return -1;
    ap.state.modseq = journal_next_modseq(ap.state.modseq);
    rc = resolve_keywords(a, &ap.record);
    if (rc < 0) {
        appender_abort(&ap);
        return -1;
    }
    for (uint32_t i = 0; i < a->count; i++)
        add_flags(&a->list[i], &ap);
    rc = appender_commit(&ap);
    return rc == 0 ? journal_flush(&a->folder->journal) : rc;
}
