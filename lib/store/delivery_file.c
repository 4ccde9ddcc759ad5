/*
 * lib/store/delivery_file.c - one delivered message's file, and whether it was delivered before.
 *
 * The file's name follows from the queue id, so that every attempt meets what the one before left.
 */
#include "lib/store/delivery_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/store/message_file.h"

/* ---- doubt ---- */

struct key_search {
    struct slice key;
    uint32_t uid; /* 0: not found */
    uint64_t record_offset, record_end;
    bool found, settled;
    char name_bytes[FILE_NAME_SIZE]; /* of the file */
};

static bool
in_ranges(const struct item *item, uint32_t uid)
{
    for (uint32_t i = 0; i < item->range_count; i++)
        if (uid >= item_range(item, i).first && uid <= item_range(item, i).last)
            return true;
    return false;
}

static int
search_key(void *arg, const struct record *rec)
{
    struct key_search *s = arg;
    struct item item;
    size_t at = 0;

    while (record_next_item(rec, &at, &item) > 0) {
        if (item.type == ITEM_ARRIVE && slice_eq(item.arrival.key, s->key)) {
            s->found = true;
            s->uid = item.arrival.m.uid;
            s->settled = rec->marked;
            s->record_offset = rec->offset;
            s->record_end = rec->end;
            (void)snprintf(s->name_bytes, sizeof(s->name_bytes), "%.*s", (int)item.arrival.name.len,
                           item.arrival.name.ptr);
        } else if (item.type == ITEM_KEY && slice_eq(item.text, s->key)) {
            s->found = s->settled = true;
        } else if (item.type == ITEM_VOID && s->found && in_ranges(&item, s->uid)) {
            s->found = false;
        } else if (item.type == ITEM_EXPUNGE && s->found && in_ranges(&item, s->uid)) {
            s->settled = true; /* it was seen: it was there */
        }
    }
    if (s->found && rec->settled >= s->record_end)
        s->settled = true;
    return 0;
}

/* ---- the file ---- */

/* Was this message delivered here before? If the record is not known to be on disk, the batch
 * flushes it, and a file that a power cut took is put back under its name. */
int
delivery_file_was_delivered(const struct delivery_message *m, const struct folder *f,
                            const struct appender *a, uint64_t *unsettled_end, bool *was)
{
    struct key_search s = {.key = m->queue_id};
    char path[FILE_PATH_SIZE];
    uint64_t end;

    if (journal_read(a->journal, sizeof(struct journal_header), a->tail.end, search_key, &s, &end) <
        0)
        return -1;
    *was = s.found;
    if (!s.found || s.settled)
        return 0;
    *unsettled_end = s.record_end;
    /* the attempt before may have failed at its flush */
    if (journal_write_again(a->journal, s.record_offset, s.record_end) < 0)
        return -1;
    if (message_file_exists(f->dirfd, slice_of(s.name_bytes), m->size))
        return 0;
    folder_cur_path(path, slice_of(s.name_bytes));
    return m->name != NULL && linkat(m->dirfd, m->name, f->dirfd, path, 0) == 0
               ? 0
               : message_file_copy(m->fd, m->size, f->dirfd, s.name_bytes);
}

static bool
same_file(const struct delivery_message *m, int dirfd, const char *path)
{
    struct stat a, b;

    return fstat(m->fd, &a) == 0 && fstatat(dirfd, path, &b, AT_SYMLINK_NOFOLLOW) == 0 &&
           a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

/* The message's file in cur/. The name follows from the queue id, so that what an attempt left that
 * did not come to its record is found again. */
int
delivery_file_place(const struct delivery_message *m, int dirfd, char name[FILE_NAME_SIZE],
                    bool *existed)
{
    char path[FILE_PATH_SIZE];

    *existed = false;
    folder_delivery_name(name, m->received_ms, m->queue_id, m->size);
    folder_cur_path(path, slice_of(name));
    if (m->name == NULL) { /* in the place of what an earlier attempt left: it is the same */
        *existed = faccessat(dirfd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
        return message_file_copy(m->fd, m->size, dirfd, name);
    }
    if (linkat(m->dirfd, m->name, dirfd, path, 0) == 0)
        return 0;
    if (errno == EEXIST) {
        *existed = true;
        if (same_file(m, dirfd, path))
            return 0;
        folder_file_name(name, m->size);
    } else if (errno != EXDEV && errno != EMLINK && errno != EPERM) {
        return -1;
    }
    return message_file_copy(m->fd, m->size, dirfd, name);
}

/* Takes back the file of an attempt that got no record; not one that was there before. */
void
delivery_file_take_back(const struct folder *f, const char *name, bool existed)
{
    char path[FILE_PATH_SIZE];

    if (existed || name[0] == '\0')
        return;
    folder_cur_path(path, slice_of(name));
    unlink_keep_errno(f->dirfd, path);
}
