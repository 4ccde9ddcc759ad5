/*
 * lib/store/check_message.c - message files: there, long enough, and with the right checksum.
 *
 * A message that is damaged is put right from another copy of it, in any folder of the user; if
 * there is none, what is left of it goes to posthorn.lost/ and it leaves the folder.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/store/beneath.h"
#include "lib/store/check_private.h"
#include "lib/store/folder_list.h"
#include "lib/store/lost.h"
#include "lib/store/message_file.h"
#include "lib/store/settle.h"

/* ---- copies ---- */

struct copy {
    char email_id[EMAIL_ID_SIZE];
    uint32_t crc;
    uint64_t size;
    char *folder, *name;
};

struct copies {
    struct copy *list;
    size_t count, cap;
};

void
check_copies_free(struct check *c)
{
    if (c->copies == NULL)
        return;
    for (size_t i = 0; i < c->copies->count; i++) {
        xfree(&c->copies->list[i].folder);
        xfree(&c->copies->list[i].name);
    }
    xfree(&c->copies->list);
    xfree(&c->copies);
}

static void
add_copies(struct check *c, struct copies *all, const char *folder)
{
    struct mailbox *mb = mailbox_open_plain(&c->store, slice_of(folder), true);
    struct strbuf buf = strbuf_new(ITEM_MAX);
    struct arrival a;

    for (uint32_t rank = 1; mb != NULL && rank <= view_count(&mb->view); rank++) {
        struct copy *copy;

        if (mailbox_read_arrival(mb, rank, &buf, &a) < 0)
            continue;
        if (all->count == all->cap) {
            all->cap = all->cap == 0 ? 256 : all->cap * 2;
            all->list = xreallocarray(all->list, all->cap, sizeof(*all->list));
        }
        copy = &all->list[all->count++];
        *copy = (struct copy){.crc = a.crc, .size = a.m.size, .folder = xstrdup(folder)};
        memcpy(copy->email_id, a.email_id.ptr, a.email_id.len);
        copy->name = xslicedup(a.name);
    }
    strbuf_free(&buf);
    mailbox_close(&mb);
}

static const struct copies *
get_copies(struct check *c)
{
    struct folder_list list;

    if (c->copies != NULL)
        return c->copies;
    c->copies = xcalloc(1, sizeof(*c->copies));
    if (folder_list_read(&c->store, &list) < 0)
        return c->copies;
    for (size_t i = 0; i < list.count; i++)
        if (list.rows[i].exists)
            add_copies(c, c->copies, list.rows[i].name);
    folder_list_free(&list);
    return c->copies;
}

static bool
file_is_right(int fd, uint64_t size, uint32_t crc)
{
    uint32_t is;

    return message_file_crc(fd, size, &is) == 0 && is == crc;
}

/* Opens a copy that checks out; its folder is *dirfd. */
static int
open_copy(struct check *c, const struct copy *copy, int *dirfd)
{
    int fd = -1;

    *dirfd = folder_open_dir(&c->store, slice_of(copy->folder));
    if (*dirfd >= 0)
        fd = message_file_open(*dirfd, slice_of(copy->name));
    if (fd >= 0 && file_is_right(fd, copy->size, copy->crc))
        return fd;
    close_keep_errno(fd);
    close_keep_errno(*dirfd);
    return -1;
}

/* Puts a copy of the message in the place of its file, whatever is there. */
static bool
put_copy(struct check *c, const struct mailbox *mb, const struct arrival *a)
{
    const struct copies *all = get_copies(c);

    for (size_t i = 0; i < all->count; i++) {
        const struct copy *copy = &all->list[i];
        char name[FILE_NAME_SIZE] = "";
        int dirfd, fd, rc;

        if (copy->crc != a->crc || copy->size != a->m.size ||
            !slice_eq(slice_of(copy->email_id), a->email_id))
            continue;
        fd = open_copy(c, copy, &dirfd);
        if (fd < 0)
            continue;
        memcpy(name, a->name.ptr, a->name.len);
        rc = message_file_copy(fd, copy->size, mb->folder.dirfd, name);
        if (rc == 0)
            rc = beneath_sync_dir(mb->folder.dirfd, "cur");
        close_keep_errno(fd);
        close_keep_errno(dirfd);
        if (rc == 0)
            return true;
    }
    return false;
}

/* ---- one message ---- */

enum file_state { FILE_WHOLE, FILE_MISSING, FILE_SHORT, FILE_CHANGED, FILE_UNREADABLE };

static enum file_state
look_at_file(const struct mailbox *mb, const struct arrival *a)
{
    enum file_state state = FILE_UNREADABLE;
    int fd = message_file_open(mb->folder.dirfd, a->name);
    struct stat st;
    uint32_t crc;

    if (fd < 0)
        return errno == ENOENT ? FILE_MISSING : FILE_UNREADABLE;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        if ((uint64_t)st.st_size < a->m.size)
            state = FILE_SHORT;
        else if (message_file_crc(fd, a->m.size, &crc) == 0)
            state = crc == a->crc ? FILE_WHOLE : FILE_CHANGED;
    }
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED); /* sessions want the memory more */
    close_keep_errno(fd);
    return state;
}

/* Behind the fence of a move (move_fence.h) nothing is changed here any more; with the folder's
 * lock it is not raised. A handle of its own: mb's may be of a journal that was replaced. */
static int
lock_folder(const struct mailbox *mb, struct journal *j)
{
    if (journal_open(j, mb->folder.dirfd, true) == 0 && journal_lock_current(j) == 0)
        return 0;
    journal_close(j);
    return -1;
}

/* Without a copy the message leaves the folder; what is left of its file has been moved `aside`. */
static void
give_up_message(struct check *c, struct mailbox *mb, uint32_t uid, bool aside, const char *problem,
                const char *what)
{
    bool out = mailbox_expunge_uids(mb, &uid, NULL, 1) == 0;

    check_found(c, problem, uid, out ? CHECK_LOST : CHECK_LEFT, "%s; %s%s", what,
                aside ? "moved to posthorn.lost" : "nothing of it is left",
                out ? "" : ", and still in the folder");
}

static void
repair_message(struct check *c, struct mailbox *mb, const struct arrival *a, const char *problem,
               const char *what)
{
    struct journal j;
    bool replaced, aside;

    if (!c->options->repair) {
        check_found(c, problem, a->m.uid, CHECK_LEFT, "%s", what);
        return;
    }
    (void)get_copies(c); /* looks into all folders: not with the lock of one */
    if (lock_folder(mb, &j) < 0) {
        check_found(c, problem, a->m.uid, CHECK_LEFT, "%s; not repaired: %s", what,
                    errno == EREMOTE ? "the mailbox is being moved" : strerror(errno));
        return;
    }
    replaced = put_copy(c, mb, a);
    aside =
        !replaced && lost_message(&c->store, mb->folder.dirfd,
                                  mb->folder.journal.header.uidvalidity, a->m.uid, a->name) == 0;
    journal_unlock(&j);
    journal_close(&j);
    if (replaced)
        check_found(c, problem, a->m.uid, CHECK_REPAIRED, "%s; replaced by another copy", what);
    else
        give_up_message(c, mb, a->m.uid, aside, problem, what);
}

/* True if what is missing is no message any more: somebody expunged it meanwhile, or its writer
 * did not come to the end. */
static bool
is_excused(struct mailbox *mb, uint32_t uid)
{
    struct journal_tail tail;
    uint32_t rank;

    if (mailbox_catch_up(mb) < 0)
        return true; /* the folder is gone */
    rank = view_rank_at_or_above(&mb->view, uid);
    if (rank > view_count(&mb->view) || view_at(&mb->view, rank)->m.uid != uid)
        return true;
    return journal_tail_read(&mb->folder.journal, &tail) < 0 ||
           (tail.unsettled && view_at(&mb->view, rank)->item >= tail.settled);
}

static void
check_message(struct check *c, struct mailbox *mb, uint32_t rank)
{
    static const struct {
        const char *problem, *what;
    } words[] = {
        [FILE_MISSING] = {"message_missing", "its file is not there"},
        [FILE_SHORT] = {"message_short", "its file is too short"},
        [FILE_CHANGED] = {"message_changed", "its checksum is wrong"},
        [FILE_UNREADABLE] = {"message_unreadable", "its file cannot be read"},
    };
    struct strbuf buf = strbuf_new(ITEM_MAX);
    uint32_t uid = view_at(&mb->view, rank)->m.uid;
    enum file_state state;
    struct arrival a;

    c->totals->messages++;
    if (mailbox_read_arrival(mb, rank, &buf, &a) < 0) {
        if (!is_excused(mb, uid))
            check_found(c, "record_unreadable", uid, CHECK_LEFT, "%s", strerror(errno));
    } else {
        c->totals->bytes += a.m.size;
        state = look_at_file(mb, &a);
        if (state != FILE_WHOLE && !is_excused(mb, uid))
            repair_message(c, mb, &a, words[state].problem, words[state].what);
    }
    strbuf_free(&buf);
}

/* ---- a folder ---- */

/* Waits until no more than the rate has been read since the check began. */
static void
keep_rate(const struct check *c)
{
    int64_t due;

    if (c->options->bytes_per_second == 0)
        return;
    due = c->began_ms + (int64_t)(c->totals->bytes * 1000 / c->options->bytes_per_second) -
          clock_mono_ms();
    if (due > 0)
        (void)nanosleep(&(struct timespec){.tv_sec = due / 1000, .tv_nsec = due % 1000 * 1000000},
                        NULL); /* shorter is fine */
}

int
check_messages(struct check *c, struct slice folder)
{
    struct mailbox *mb = c->options->repair ? mailbox_open(&c->store, folder, false, false)
                                            : mailbox_open_plain(&c->store, folder, true);
    uint32_t uid = 0, rank;

    if (mb == NULL)
        return -1;
    for (;;) {
        rank = view_rank_at_or_above(&mb->view, uid + 1);
        if (rank > view_count(&mb->view))
            break;
        uid = view_at(&mb->view, rank)->m.uid;
        check_message(c, mb, rank);
        keep_rate(c);
        if (uid == UINT32_MAX)
            break;
    }
    mailbox_close(&mb);
    return 0;
}
