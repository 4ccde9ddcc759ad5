/*
 * lib/store/annotations.c - annotations of mailboxes and of the server: their files.
 *
 * A file is replaced as a whole: written beside under a fixed name, flushed, renamed, the directory
 * flushed. Shared ones under the lock of the folder's journal, private ones under a lock (flock) of
 * their directory, in this order.
 */
#include "lib/store/annotations.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/random.h"
#include "lib/store/annotation_file.h"
#include "lib/store/beneath.h"
#include "lib/store/folder.h"

#define LOCK_STEP_NS 2000000

/* One of the two files of a place. */
struct half {
    struct store *store; /* that it counts for */
    int dirfd;           /* borrowed */
    char name[ANNOTATION_FILE_NAME_SIZE];
    struct annotation_set set;
    uint64_t old_bytes;
    struct strbuf bytes; /* to be written; empty: nothing changes */
    uint64_t stamp;      /* of what changes now */
};

/* A place with its directories open. */
struct open_place {
    struct folder folder; /* dirfd -1: the server */
    int private_dirfd;    /* -1: there is none yet */
    struct half shared, private;
};

/* ---- places ---- */

/* It becomes a file's name, and may come out of somebody else's journal. */
static bool
is_mailbox_id(const char *id)
{
    size_t len = strlen(id);

    return len > 0 && len < sizeof(((struct journal_header *)0)->mailbox_id) &&
           strspn(id, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-") == len;
}

static void
close_place(struct open_place *p)
{
    annotation_set_free(&p->shared.set);
    annotation_set_free(&p->private.set);
    strbuf_free(&p->shared.bytes);
    strbuf_free(&p->private.bytes);
    close_keep_errno(p->private_dirfd);
    folder_close(&p->folder);
}

static int
open_place(const struct annotation_place *place, struct open_place *p)
{
    const char *id = ANNOTATIONS_SERVER;

    assert_always(place->own != NULL);
    *p = (struct open_place){.folder = {.dirfd = -1, .journal = {.fd = -1}}, .private_dirfd = -1};
    p->shared = (struct half){.store = place->store, .dirfd = -1, .name = ANNOTATIONS_SHARED};
    p->private = (struct half){.store = place->own, .dirfd = -1};
    p->shared.bytes = p->private.bytes = strbuf_new(ANNOTATION_FILE_MAX);
    if (place->store != NULL) {
        if (folder_open(&p->folder, place->store, place->folder) < 0)
            return -1;
        p->shared.dirfd = p->folder.dirfd;
        id = p->folder.journal.header.mailbox_id;
        if (!is_mailbox_id(id)) {
            errno = EBADMSG;
            return -1;
        }
    }
    (void)snprintf(p->private.name, sizeof(p->private.name), "%s", id);
    p->private_dirfd = beneath_open_dir(place->own->dirfd, ANNOTATIONS_PRIVATE);
    p->private.dirfd = p->private_dirfd;
    return p->private_dirfd >= 0 || errno == ENOENT ? 0 : -1;
}

static int
load_place(struct open_place *p)
{
    return annotation_file_load(p->shared.dirfd, p->shared.name, &p->shared.set) < 0 ||
                   annotation_file_load(p->private.dirfd, p->private.name, &p->private.set) < 0
               ? -1
               : 0;
}

int
annotations_read(const struct annotation_place *place, struct annotation_sets *out)
{
    struct open_place p;
    int rc = open_place(place, &p);

    if (rc == 0)
        rc = load_place(&p);
    out->shared = p.shared.set;
    out->private = p.private.set;
    p.shared.set = p.private.set = (struct annotation_set){.count = 0};
    close_place(&p);
    return rc;
}

void
annotations_free(struct annotation_sets *sets)
{
    annotation_set_free(&sets->shared);
    annotation_set_free(&sets->private);
}

int
annotations_stamps(const struct annotation_place *place, struct annotation_stamps *out)
{
    struct open_place p;
    int rc = open_place(place, &p);

    *out = (struct annotation_stamps){0};
    if (rc == 0)
        rc = annotation_file_stamp(p.shared.dirfd, p.shared.name, &out->shared);
    if (rc == 0)
        rc = annotation_file_stamp(p.private.dirfd, p.private.name, &out->private);
    close_place(&p);
    return rc;
}

/* ---- room ---- */

static bool
has_room(const struct store *store, uint64_t more, uint64_t max)
{
    return more == 0 || annotation_file_sum(store->dirfd) + more <= max;
}

static uint64_t
growth(const struct half *h)
{
    return h->bytes.len > h->old_bytes ? h->bytes.len - h->old_bytes : 0;
}

static int
check_room(const struct open_place *p, uint64_t max)
{
    const struct half *a = &p->shared, *b = &p->private;
    uint64_t more = growth(a), more_private = growth(b);

    if (a->store == b->store)
        more += more_private;
    if ((a->store == NULL || has_room(a->store, more, max)) &&
        (a->store == b->store || has_room(b->store, more_private, max)))
        return 0;
    errno = EDQUOT;
    return -1;
}

/* ---- changing ---- */

static bool
is_private(struct slice name)
{
    return slice_starts_nocase(name, SLICE("/private/"));
}

static bool
changes_any(const struct annotation_change *changes, size_t count, bool private)
{
    for (size_t i = 0; i < count; i++)
        if (is_private(changes[i].name) == private)
            return true;
    return false;
}

static int
lock_directory(int fd)
{
    const struct timespec step = {.tv_nsec = LOCK_STEP_NS};
    int64_t deadline = clock_mono_ms() + JOURNAL_LOCK_MS;

    while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return -1;
        if (clock_mono_ms() >= deadline) {
            errno = EBUSY;
            return -1;
        }
        (void)nanosleep(&step, NULL); /* shorter is fine */
    }
    return 0;
}

/* Both locks, as far as they are needed; given up by close_place. */
static int
lock_place(struct open_place *p, const struct annotation_change *changes, size_t count)
{
    if (changes_any(changes, count, false)) {
        if (p->shared.store == NULL || p->shared.store->options.read_only) {
            errno = EACCES;
            return -1;
        }
        if (journal_lock_current(&p->folder.journal) < 0)
            return -1;
    }
    if (!changes_any(changes, count, true))
        return 0;
    if (p->private.store->options.read_only) {
        errno = EROFS;
        return -1;
    }
    if (p->private_dirfd < 0) {
        if (beneath_make_dir(p->private.store->dirfd, ANNOTATIONS_PRIVATE) < 0 ||
            fsync(p->private.store->dirfd) < 0)
            return -1;
        p->private_dirfd = beneath_open_dir(p->private.store->dirfd, ANNOTATIONS_PRIVATE);
        p->private.dirfd = p->private_dirfd;
    }
    if (p->private_dirfd < 0 || lock_directory(p->private_dirfd) < 0)
        return -1;
    return folder_check_store(p->private.store); /* a move waits for this lock behind its fence */
}

/* Makes the changes that concern this half, and its new bytes. */
static int
prepare(struct half *h, bool private, const struct annotation_change *changes, size_t count,
        size_t entries_max)
{
    size_t had = annotation_set_count(&h->set);
    uint64_t before = h->set.highest, now_us = (uint64_t)clock_real_us();

    h->stamp = now_us > before ? now_us : before + 1;
    h->old_bytes = h->set.text.len;
    for (size_t i = 0; i < count; i++)
        if (is_private(changes[i].name) == private)
            annotation_set_put(&h->set, changes[i].name, changes[i].value, h->stamp);
    if (h->set.highest == before)
        return 0;
    if (annotation_set_count(&h->set) > entries_max && annotation_set_count(&h->set) > had) {
        errno = EOVERFLOW;
        return -1;
    }
    if (annotation_set_write(&h->set, &h->bytes))
        return 0;
    errno = EDQUOT;
    return -1;
}

/* Tells sessions to look; what is not told is found at their next look. */
static void
tell_changed(const struct store *store)
{
    uint64_t number = random_u64();
    int fd = beneath_open(store->dirfd, ANNOTATIONS_CHANGED, O_WRONLY | O_CREAT, 0600);

    if (fd >= 0)
        (void)pwrite_all(fd, slice_make(&number, sizeof(number)), 0);
    close_keep_errno(fd);
}

/* Gives a file that was replaced, or perhaps was, its old content: the change is refused. */
static void
restore(const struct half *h)
{
    int saved = errno;

    if (h->set.text.len == 0)
        (void)unlinkat(h->dirfd, h->name, 0); /* best effort, like all of this */
    else if (annotation_file_write_next(h->dirfd, h->name, strbuf_slice(&h->set.text)) == 0)
        (void)annotation_file_publish(h->dirfd, h->name);
    errno = saved;
}

/* Both files are on disk under their other names before the first gets its own. */
static int
commit(const struct open_place *p)
{
    const struct half *halves[2] = {NULL, NULL};
    size_t count = 0;

    if (p->shared.bytes.len > 0)
        halves[count++] = &p->shared;
    if (p->private.bytes.len > 0)
        halves[count++] = &p->private;
    for (size_t i = 0; i < count; i++)
        if (annotation_file_write_next(halves[i]->dirfd, halves[i]->name,
                                       strbuf_slice(&halves[i]->bytes)) < 0)
            return -1;
    for (size_t i = 0; i < count; i++) {
        if (annotation_file_publish(halves[i]->dirfd, halves[i]->name) == 0)
            continue;
        for (size_t k = 0; k <= i; k++)
            restore(halves[k]);
        return -1;
    }
    for (size_t i = 0; i < count; i++)
        tell_changed(halves[i]->store);
    return 0;
}

int
annotations_change(const struct annotation_place *place, const struct annotation_change *changes,
                   size_t count, const struct annotation_limits *limits,
                   struct annotation_stamps *before, struct annotation_stamps *after)
{
    struct open_place p;
    int rc = open_place(place, &p);

    if (rc == 0)
        rc = lock_place(&p, changes, count);
    if (rc == 0)
        rc = load_place(&p);
    if (rc == 0 && before != NULL)
        *before = (struct annotation_stamps){p.shared.set.highest, p.private.set.highest};
    if (rc == 0)
        rc = prepare(&p.shared, false, changes, count, limits->entries);
    if (rc == 0)
        rc = prepare(&p.private, true, changes, count, limits->entries);
    if (rc == 0)
        rc = check_room(&p, limits->bytes);
    if (rc == 0)
        rc = commit(&p);
    if (rc == 0 && after != NULL)
        *after = (struct annotation_stamps){p.shared.set.highest, p.private.set.highest};
    close_place(&p);
    return rc;
}

/* ---- mailboxes that come and go ---- */

void
annotations_forget(const struct store *own, const char *mailbox_id)
{
    int fd;

    if (!is_mailbox_id(mailbox_id))
        return;
    fd = beneath_open_dir(own->dirfd, ANNOTATIONS_PRIVATE);
    if (fd >= 0)
        (void)unlinkat(fd, mailbox_id, 0); /* mostly there is none; no other mailbox gets its id */
    close_keep_errno(fd);
}

static void
collect(const struct annotation_set *set, struct annotation_change *changes, size_t *count)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->list[i].value.ptr != NULL)
            changes[(*count)++] = (struct annotation_change){set->list[i].name, set->list[i].value};
}

int
annotations_copy(struct store *store, struct slice from, struct slice to)
{
    const struct annotation_place source = {store, from, store}, target = {store, to, store};
    const struct annotation_limits none = {SIZE_MAX, UINT64_MAX};
    struct annotation_change *changes = NULL;
    struct annotation_sets sets;
    size_t count = 0;
    int rc = annotations_read(&source, &sets);

    if (rc == 0 && sets.shared.count + sets.private.count > 0) {
        changes = xreallocarray(NULL, sets.shared.count + sets.private.count, sizeof(*changes));
        collect(&sets.shared, changes, &count);
        collect(&sets.private, changes, &count);
        rc = annotations_change(&target, changes, count, &none, NULL, NULL);
        xfree(&changes);
    }
    annotations_free(&sets);
    return rc;
}

/* ---- news ---- */

uint64_t
annotations_state(const struct store *store)
{
    int fd = beneath_open(store->dirfd, ANNOTATIONS_CHANGED, O_RDONLY | O_NONBLOCK, 0);
    uint64_t number = 0;

    if (fd >= 0 && pread_exact(fd, &number, sizeof(number), 0) < 0)
        number = 0; /* being made */
    close_keep_errno(fd);
    return number;
}

uint64_t
annotations_state_of_folders(const struct store *store)
{
    return annotation_file_fingerprint(store->dirfd);
}
