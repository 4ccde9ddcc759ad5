/*
 * lib/store/mailbox_memory.c - keeps what an open folder holds in memory small.
 *
 * Messages that did not change are pages of the index file that all sessions share. What changed
 * since is ours; when that has grown and the session idles, a new index is written and mapped, and
 * ours is given back. While it works it pays for memory rather than for time.
 */
#include <malloc.h>
#include <sys/mman.h>

#include "lib/store/index_file.h"
#include "lib/store/mailbox_private.h"

#define CHANGES_MAX 16  /* changed entries of the map: some pages of our own */
#define SMALL_MAP 65536 /* not worth giving back */

/* True if the folder's index now is one that leaves little to add up to our offset. */
static bool
map_fresh(const struct mailbox *mb, struct view *fresh)
{
    view_init(fresh);
    if (index_file_map(fresh, &mb->folder.journal, mb->view.offset) == 0 &&
        fresh->index_offset > mb->view.index_offset &&
        view_replay(fresh, &mb->folder.journal, mb->view.offset, NULL) == 0 &&
        fresh->offset == mb->view.offset && view_count(fresh) == view_count(&mb->view) &&
        fresh->changed <= CHANGES_MAX && !index_file_due(fresh))
        return true;
    view_free(fresh);
    return false;
}

static void
rebase(struct mailbox *mb)
{
    struct view fresh;

    if (!map_fresh(mb, &fresh) &&
        (mb->folder.store->options.read_only ||
         index_file_write(&mb->view, &mb->folder.journal) < 0 || !map_fresh(mb, &fresh)))
        return; /* no room for an index: it goes on with more memory */
    view_free(&mb->view);
    mb->view = fresh;
    mailbox_show_recents(mb);
}

void
mailbox_release_memory(struct mailbox *mb)
{
    struct view *v = &mb->view;

    mailbox_tidy(mb);
    (void)mailbox_flush(mb); /* it comes back late; what fails is tried again then */
    if (mb->cache != NULL)
        cache_release(mb->cache);
    mailbox_forget_ahead(mb);
    if ((v->map_len > SMALL_MAP && v->changed > CHANGES_MAX) || index_file_due(v))
        rebase(mb);
    /* A private mapping of a file that nobody changed comes back by itself, page by page. */
    if (v->map_len > SMALL_MAP && v->changed == 0 &&
        madvise(v->map, v->map_len, MADV_DONTNEED) == 0)
        mailbox_show_recents(mb);
    (void)malloc_trim(0); /* best effort */
}
