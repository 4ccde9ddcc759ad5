/*
 * pop3d/maildrop.c - the INBOX as POP3 sees it. Touches the user's store through lib/store alone.
 *
 * The mailbox view is never brought up to date, so its sequence numbers are the message numbers of
 * the session (RFC 1939 section 4). What another session removes meanwhile stays listed and fails
 * when it is read; no lock keeps anybody out.
 *
 * How many octets a message has on the wire only its bytes tell: they are counted once, when a size
 * is first asked for, and the store's cache keeps the result.
 */
#include "pop3d/maildrop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "pop3d/octets.h"

#define UNKNOWN UINT64_MAX

struct maildrop {
    struct store *store;
    struct mailbox *mailbox;
    bool may_remove, read_only;
    bool *marked;     /* by number - 1 */
    bool *fetched;    /* by number - 1 */
    uint64_t *octets; /* by number - 1; UNKNOWN: not asked for yet */
    uint32_t numbers, count;
};

struct maildrop *
maildrop_open(int dirfd, const struct store_options *options)
{
    struct maildrop *md = xcalloc(1, sizeof(*md));

    md->store = store_open(dirfd, options);
    if (md->store != NULL)
        md->mailbox = mailbox_open(md->store, SLICE("INBOX"), options->read_only, false);
    if (md->mailbox == NULL) {
        int saved = errno;

        maildrop_close(&md);
        errno = saved;
        return NULL;
    }
    md->read_only = options->read_only;
    md->may_remove = options->may_remove && !options->read_only;
    md->numbers = md->count = mailbox_count(md->mailbox);
    md->marked = xcalloc(md->numbers + 1, sizeof(*md->marked));
    md->fetched = xcalloc(md->numbers + 1, sizeof(*md->fetched));
    md->octets = xcalloc(md->numbers + 1, sizeof(*md->octets));
    for (uint32_t i = 0; i < md->numbers; i++)
        md->octets[i] = UNKNOWN;
    return md;
}

void
maildrop_close(struct maildrop **maildropp)
{
    struct maildrop *md = *maildropp;

    if (md == NULL)
        return;
    if (md->mailbox != NULL)
        mailbox_close(&md->mailbox);
    if (md->store != NULL)
        store_close(&md->store);
    free(md->marked);
    free(md->fetched);
    free(md->octets);
    xfree(maildropp);
}

uint32_t
maildrop_numbers(const struct maildrop *md)
{
    return md->numbers;
}

uint32_t
maildrop_count(const struct maildrop *md)
{
    return md->count;
}

/* Counts the octets of a message, or takes what the cache has. A file that cannot be read counts as
 * it is long: reading it will tell the client. */
static uint64_t
count_octets(struct maildrop *md, uint32_t number)
{
    const struct message m = *mailbox_message(md->mailbox, number);
    uint64_t octets = m.size;
    struct slice cached;
    int fd;

    if (mailbox_cache_get(md->mailbox, m.uid, MAILBOX_CACHE_POP3_OCTETS, &cached) &&
        cached.len == sizeof(octets)) {
        memcpy(&octets, cached.ptr, sizeof(octets));
        return octets;
    }
    fd = mailbox_open_message(md->mailbox, number);
    if (fd < 0)
        return octets;
    if (octets_count(fd, m.size, &octets) == 0)
        mailbox_cache_put(md->mailbox, m.uid, MAILBOX_CACHE_POP3_OCTETS,
                          slice_make(&octets, sizeof(octets)));
    (void)close(fd); /* was only read */
    return octets;
}

uint64_t
maildrop_octets(struct maildrop *md)
{
    uint64_t sum = 0;

    for (uint32_t n = 1; n <= md->numbers; n++)
        sum += md->marked[n - 1] ? 0 : maildrop_message_octets(md, n);
    return sum;
}

bool
maildrop_has(const struct maildrop *md, uint64_t number)
{
    return number >= 1 && number <= md->numbers && !md->marked[number - 1];
}

uint64_t
maildrop_size(const struct maildrop *md, uint32_t number)
{
    return mailbox_message(md->mailbox, number)->size;
}

uint64_t
maildrop_message_octets(struct maildrop *md, uint32_t number)
{
    uint64_t *octets = &md->octets[number - 1];

    if (*octets == UNKNOWN)
        *octets = count_octets(md, number);
    return *octets;
}

bool
maildrop_mark(struct maildrop *md, uint32_t number)
{
    if (!md->may_remove)
        return false;
    md->marked[number - 1] = true;
    md->count--;
    return true;
}

void
maildrop_unmark_all(struct maildrop *md)
{
    for (uint32_t i = 0; i < md->numbers; i++)
        md->marked[i] = false;
    md->count = md->numbers;
}

void
maildrop_note_fetched(struct maildrop *md, uint32_t number)
{
    md->fetched[number - 1] = true;
}

int
maildrop_mark_seen(struct maildrop *md)
{
    uint32_t *numbers = xcalloc(md->numbers + 1, sizeof(*numbers)), count = 0;
    int rc = 0;

    for (uint32_t n = 1; n <= md->numbers; n++)
        if (md->fetched[n - 1] && !(mailbox_message(md->mailbox, n)->flags & MESSAGE_SEEN))
            numbers[count++] = n;
    if (count > 0 && !md->read_only)
        rc = mailbox_store_flags(md->mailbox, numbers, count, MAILBOX_FLAGS_ADD, MESSAGE_SEEN, 0, 0,
                                 NULL, NULL);
    free(numbers);
    return rc;
}

int
maildrop_unique_name(struct maildrop *md, uint32_t number, struct strbuf *out)
{
    strbuf_clear(out);
    return mailbox_unique_name(md->mailbox, number, out);
}

int
maildrop_open_message(struct maildrop *md, uint32_t number)
{
    return mailbox_open_message(md->mailbox, number);
}

void
maildrop_release_memory(struct maildrop *md)
{
    mailbox_release_memory(md->mailbox);
}

int64_t
maildrop_update(struct maildrop *md)
{
    uint32_t marked = md->numbers - md->count, at = 0;
    uint32_t *uids;
    int rc;

    if (marked == 0)
        return 0;
    uids = xcalloc(marked, sizeof(*uids));
    for (uint32_t n = 1; n <= md->numbers; n++)
        if (md->marked[n - 1])
            uids[at++] = mailbox_message(md->mailbox, n)->uid;
    rc = mailbox_remove(md->mailbox, uids, marked);
    free(uids);
    return rc < 0 ? -1 : (int64_t)mailbox_removed(md->mailbox).count;
}

uint64_t
maildrop_removed_bytes(const struct maildrop *md)
{
    return mailbox_removed(md->mailbox).bytes;
}
