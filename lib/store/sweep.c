/*
 * lib/store/sweep.c - removes what interrupted work left in a folder.
 *
 * Whatever fails here is tried again the next time; nothing depends on it but room on the disk.
 */
#include "lib/store/sweep.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/store/beneath.h"
#include "lib/store/expunged.h"
#include "lib/store/message_file.h"
#include "lib/store/url_keys.h"

/* Names by hash: two that collide are both kept. */
struct name_set {
    uint64_t *hashes;
    size_t count, cap;
};

static int
collect_record(void *arg, const struct record *rec)
{
    struct name_set *set = arg;
    struct item item;
    size_t at = 0;

    while (record_next_item(rec, &at, &item) > 0) {
        if (item.type != ITEM_ARRIVE)
            continue;
        if (set->count == set->cap) {
            set->cap = set->cap == 0 ? 256 : set->cap * 2;
            set->hashes = xreallocarray(set->hashes, set->cap, sizeof(*set->hashes));
        }
        set->hashes[set->count++] = message_file_hash(item.arrival.name);
    }
    return 0;
}

static int
compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

/* The names that live messages have. */
static int
collect_names(const struct mailbox *mb, struct name_set *set)
{
    uint64_t end;

    if (journal_read(&mb->folder.journal, sizeof(struct journal_header), mb->view.offset,
                     collect_record, set, &end) < 0 ||
        end != mb->view.offset)
        return -1;
    if (set->count > 1)
        qsort(set->hashes, set->count, sizeof(*set->hashes), compare_u64);
    return 0;
}

static bool
is_ours_without_record(const char *name, const void *arg)
{
    const struct name_set *set = arg;
    uint64_t h = message_file_hash(slice_of(name));

    return isdigit((unsigned char)name[0]) && strstr(name, ",S=") != NULL &&
           (set->count == 0 ||
            bsearch(&h, set->hashes, set->count, sizeof(h), compare_u64) == NULL);
}

static bool
is_any(const char *name, const void *arg)
{
    (void)arg;
    return name[0] != '.';
}

static bool
is_half_written(const char *name, const void *arg)
{
    struct slice n = slice_of(name);

    (void)arg;
    return slice_starts(n, SLICE(JOURNAL_NAME ".")) || slice_starts(n, SLICE("posthorn.index.")) ||
           slice_starts(n, SLICE("posthorn.cache.")) ||
           slice_starts(n, SLICE("posthorn.folders.")) || slice_starts(n, SLICE(URL_KEYS_NAME "."));
}

/* What may be an expunged message waits like one. */
static void
drop(const struct store *store, int dirfd, const char *name)
{
    if (store == NULL || expunged_keep_leftover(store, dirfd, name) < 0)
        (void)unlinkat(dirfd, name, 0); /* best effort */
}

static void
sweep_dir(const struct store *keep_for, int dirfd, const char *sub, int64_t before_s,
          bool (*unwanted)(const char *name, const void *arg), const void *arg)
{
    int fd = beneath_open_dir(dirfd, sub);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *e;
    struct stat st;

    if (dir == NULL) {
        close_keep_errno(fd);
        return;
    }
    while ((e = readdir(dir)) != NULL)
        if (unwanted(e->d_name, arg) && fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(st.st_mode) && st.st_ctim.tv_sec < before_s)
            drop(keep_for, fd, e->d_name);
    (void)closedir(dir); /* read only */
}

void
sweep_folder_older_than(struct mailbox *mb, int64_t age_s)
{
    struct name_set set = {0};
    int64_t before = (int64_t)time(NULL) - age_s;

    /* Names of expunged messages are live here, too, until a compaction forgets them: that is when
     * their leftovers go. */
    if (collect_names(mb, &set) == 0)
        sweep_dir(mb->folder.store, mb->folder.dirfd, "cur", before, is_ours_without_record, &set);
    sweep_dir(NULL, mb->folder.dirfd, "tmp", before, is_any, NULL);
    sweep_dir(NULL, mb->folder.dirfd, ".", before, is_half_written, NULL);
    xfree(&set.hashes);
}

void
sweep_folder(struct mailbox *mb)
{
    sweep_folder_older_than(mb, SWEEP_AGE_S);
}
