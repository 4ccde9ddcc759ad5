/*
 * lib/store/salvage_files.c - message files that no record of a damaged journal names.
 *
 * Input: names and files in cur/, of which anybody may be the author.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/store/beneath.h"
#include "lib/store/message_file.h"
#include "lib/store/salvage_private.h"

/* "SECONDS.QID,S=..." is a delivery's. */
static struct slice
queue_id_in_name(struct slice name)
{
    struct slice rest = slice_sub(name, slice_find(name, SLICE(".Q")) + 2, name.len);
    struct slice id = slice_sub(rest, 0, slice_find(rest, SLICE(",S=")));

    return id.len < rest.len && id.len < MAILBOX_EMAIL_ID_MAX && record_email_id_valid(id)
               ? id
               : SLICE("");
}

/* Fills in what a file in cur/ says of itself. -1: it is none of ours to take. */
int
salvage_describe_file(const struct salvage *s, struct slice name, struct found_file *f)
{
    char path[FILE_PATH_SIZE];
    struct slice id = queue_id_in_name(name);
    struct stat st;
    int fd, rc = -1;

    *f = (struct found_file){0};
    if (!record_name_valid(name))
        return -1;
    folder_cur_path(path, name);
    fd = beneath_open(s->dirfd, path, O_RDONLY | O_NONBLOCK, 0);
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= RECORD_SIZE_MAX) {
        f->a.m.size = folder_message_size(name, (uint64_t)st.st_size);
        f->a.m.internal_ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
        f->a.saved_ms = clock_real_ms();
        rc = message_file_crc(fd, f->a.m.size, &f->a.crc);
    }
    close_keep_errno(fd);
    if (id.len > 0)
        folder_email_id_of_queue(f->email_id, id);
    else
        folder_email_id_new(f->email_id);
    (void)snprintf(f->name, sizeof(f->name), "%.*s", (int)name.len, name.ptr);
    f->a.name = slice_of(f->name);
    f->a.email_id = slice_of(f->email_id);
    f->a.key = slice_make(f->name + (id.ptr - name.ptr), id.len);
    if (id.len == 0)
        f->a.key = SLICE("");
    return rc;
}

/* Runs each() over the files in cur/ that no record names, until it returns true. */
void
salvage_each_unnamed(struct salvage *s,
                     bool (*each)(struct salvage *s, struct slice name, void *arg), void *arg)
{
    int fd = beneath_open_dir(s->dirfd, "cur");
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *e;
    bool done = false;

    if (dir == NULL) {
        close_keep_errno(fd);
        return;
    }
    while (!done && (e = readdir(dir)) != NULL)
        if (e->d_name[0] != '.' && !salvage_is_named(s, slice_of(e->d_name)))
            done = each(s, slice_of(e->d_name), arg);
    (void)closedir(dir); /* read only */
}
