/*
 * imapd/copy_across.c - COPY and MOVE from one user's store into another's.
 */
#include "imapd/copy_across.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"

enum { PIECE = 65536 };

static int
copy_bytes(int from, int to, uint64_t size)
{
    char *piece = xmalloc(PIECE);
    int rc = 0;

    while (size > 0 && rc == 0) {
        ssize_t n = read(from, piece, size < PIECE ? (size_t)size : PIECE);

        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            errno = EBADMSG; /* the file is shorter than its record says */
        if (n <= 0 || write_all(to, slice_make(piece, (size_t)n)) < 0)
            rc = -1;
        else
            size -= (uint64_t)n;
    }
    free(piece);
    return rc;
}

static uint32_t
keywords_of(const struct mailbox *mb, uint64_t bits, struct slice out[MAILBOX_KEYWORDS_MAX])
{
    uint32_t count = 0;

    for (unsigned bit = 0; bits != 0; bit++, bits >>= 1) {
        const char *name = (bits & 1) != 0 ? mailbox_keyword(mb, bit) : NULL;

        if (name != NULL)
            out[count++] = slice_of(name);
    }
    return count;
}

static int
copy_one(struct mailbox *from, uint32_t seq, uint32_t rights, struct mailbox_append *append)
{
    const struct message m = *mailbox_message(from, seq);
    struct slice keywords[MAILBOX_KEYWORDS_MAX];
    uint32_t keyword_count = 0;
    int in = mailbox_open_message(from, seq), out = in < 0 ? -1 : mailbox_append_fd(append);
    int rc = out < 0 ? -1 : copy_bytes(in, out, m.size);

    close_keep_errno(in);
    if (rc < 0)
        return -1;
    if ((rights & RIGHT_WRITE) != 0)
        keyword_count = keywords_of(from, m.keywords, keywords);
    return mailbox_append_message(append,
                                  place_flags_allowed(rights, m.flags & ~(uint32_t)MESSAGE_RECENT),
                                  keywords, keyword_count, m.internal_ms);
}

int
copy_across(struct mailbox *from, const uint32_t *seqs, uint32_t count, const struct target *target,
            bool move, struct mailbox_uids *uids)
{
    struct mailbox_append *append = mailbox_append_begin(target->store, target->name);
    uint32_t *sources = NULL;
    int rc = append == NULL ? -1 : 0;

    *uids = (struct mailbox_uids){.uids = NULL};
    if (rc == 0 && move) {
        sources = xreallocarray(NULL, count, sizeof(*sources));
        for (uint32_t i = 0; i < count; i++)
            sources[i] = mailbox_message(from, seqs[i])->uid;
    }
    for (uint32_t i = 0; i < count && rc == 0; i++)
        rc = copy_one(from, seqs[i], target->rights, append);
    if (rc == 0)
        rc = mailbox_append_commit(&append, uids);
    if (append != NULL)
        mailbox_append_abort(&append);
    if (rc == 0 && move && mailbox_remove(from, sources, count) < 0) {
        rc = -1; /* they are in both now: nothing is lost */
        xfree(&uids->uids);
    }
    xfree(&sources);
    return rc;
}
