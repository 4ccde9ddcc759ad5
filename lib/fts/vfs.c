/*
 * lib/fts/vfs.c - SQLite's files below a directory descriptor, every page with a checksum.
 *
 * Input:  posthorn.fts and its journal. Not trusted to be undamaged: the last eight bytes of a page
 *         are its number and a CRC-32C, and a page that does not match is an I/O error.
 */
#include "lib/fts/vfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/crc32c.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/store/beneath.h"

#define UNIX_EPOCH_JULIAN 2440587.5
#define MS_PER_DAY 86400000.0

struct file {
    sqlite3_file base;
    struct vfs *vfs;
    int fd;
    bool is_database;
    bool is_named; /* its name in the directory is known to be on disk, or does not matter */
};

struct page_end {
    uint32_t number; /* from 1, as SQLite counts */
    uint32_t crc;    /* of all before, number included */
};
_Static_assert(sizeof(struct page_end) == VFS_RESERVED, "on disk");

static int
failed(struct vfs *vfs, int code)
{
    vfs->error = errno;
    return errno == ENOSPC || errno == EDQUOT ? SQLITE_FULL : code;
}

/* ---- pages ---- */

static bool
is_page(const struct file *f, int amount, sqlite3_int64 offset)
{
    return f->is_database && amount == VFS_PAGE && offset % VFS_PAGE == 0;
}

static struct page_end
page_end(const char *page, sqlite3_int64 offset)
{
    struct page_end end = {.number = (uint32_t)(offset / VFS_PAGE) + 1};

    end.crc = crc32c(0, slice_make(page, VFS_PAGE - VFS_RESERVED));
    end.crc = crc32c(end.crc, slice_make(&end.number, sizeof(end.number)));
    return end;
}

/* SQLite skips pages that it frees before they were ever written: a hole reads as zeros. */
static bool
is_hole(const char *page)
{
    return page[0] == 0 && memcmp(page, page + 1, VFS_PAGE - 1) == 0;
}

static bool
page_is_whole(const char *page, sqlite3_int64 offset)
{
    struct page_end end = page_end(page, offset);

    return memcmp(page + VFS_PAGE - VFS_RESERVED, &end, sizeof(end)) == 0 || is_hole(page);
}

/* ---- one file ---- */

static int
file_close(sqlite3_file *base)
{
    struct file *f = (struct file *)base;

    if (!f->is_database)
        close_keep_errno(f->fd);
    return SQLITE_OK;
}

static int
file_read(sqlite3_file *base, void *out, int amount, sqlite3_int64 offset)
{
    struct file *f = (struct file *)base;
    size_t got = 0, want = (size_t)amount;

    while (got < want) {
        ssize_t n = pread(f->fd, (char *)out + got, want - got, (off_t)offset + (off_t)got);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return failed(f->vfs, SQLITE_IOERR_READ);
        if (n == 0)
            break;
        got += (size_t)n;
    }
    if (got < want) {
        memset((char *)out + got, 0, want - got);
        return SQLITE_IOERR_SHORT_READ;
    }
    if (!is_page(f, amount, offset) || page_is_whole(out, offset))
        return SQLITE_OK;
    f->vfs->damaged = true;
    return SQLITE_IOERR_DATA;
}

static int
file_write(sqlite3_file *base, const void *data, int amount, sqlite3_int64 offset)
{
    struct file *f = (struct file *)base;
    char page[VFS_PAGE];

    if (is_page(f, amount, offset)) {
        struct page_end end = page_end(data, offset);

        memcpy(page, data, VFS_PAGE - VFS_RESERVED);
        memcpy(page + VFS_PAGE - VFS_RESERVED, &end, sizeof(end));
        data = page;
    }
    return pwrite_all(f->fd, slice_make(data, (size_t)amount), (off_t)offset) == 0
               ? SQLITE_OK
               : failed(f->vfs, SQLITE_IOERR_WRITE);
}

static int
file_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    struct file *f = (struct file *)base;

    return ftruncate(f->fd, (off_t)size) == 0 ? SQLITE_OK : failed(f->vfs, SQLITE_IOERR_TRUNCATE);
}

/* SQLite flushes its journal before it changes a page. A power cut after that must not take the
 * journal's name away: nothing would roll back what was half changed. One that was there already
 * may come from a process that died before it flushed the directory. */
static int
file_sync(sqlite3_file *base, int flags)
{
    struct file *f = (struct file *)base;

    (void)flags;
    if (fdatasync(f->fd) < 0)
        return failed(f->vfs, SQLITE_IOERR_FSYNC);
    if (!f->is_named && beneath_sync_dir(f->vfs->dirfd, ".") < 0)
        return failed(f->vfs, SQLITE_IOERR_DIR_FSYNC);
    f->is_named = true;
    return SQLITE_OK;
}

static int
file_size(sqlite3_file *base, sqlite3_int64 *size)
{
    struct file *f = (struct file *)base;
    struct stat st;

    if (fstat(f->fd, &st) < 0)
        return failed(f->vfs, SQLITE_IOERR_FSTAT);
    *size = st.st_size;
    return SQLITE_OK;
}

/* The caller's lock covers the whole life of the connection. */
static int
file_lock(sqlite3_file *base, int level)
{
    (void)base;
    (void)level;
    return SQLITE_OK;
}

static int
file_check_reserved(sqlite3_file *base, int *taken)
{
    (void)base;
    *taken = 0;
    return SQLITE_OK;
}

static int
file_control(sqlite3_file *base, int op, void *arg)
{
    (void)base;
    (void)op;
    (void)arg;
    return SQLITE_NOTFOUND; /* SQLite then does what it does by itself */
}

static int
file_sector_size(sqlite3_file *base)
{
    (void)base;
    return VFS_PAGE;
}

static int
file_characteristics(sqlite3_file *base)
{
    (void)base;
    return 0;
}

static const sqlite3_io_methods file_methods = {
    .iVersion = 1,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_lock,
    .xCheckReservedLock = file_check_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_characteristics,
};

/* ---- the directory ---- */

static struct vfs *
vfs_of(sqlite3_vfs *base)
{
    return (struct vfs *)base;
}

static int
open_journal(struct vfs *vfs)
{
    int flags = vfs->read_only ? O_RDONLY : O_RDWR | O_CREAT;
    struct stat st;

    if (fstat(vfs->fd, &st) == 0 && st.st_nlink == 0) {
        errno = ENOENT; /* deleted: the journal of that name belongs to another database now */
        return -1;
    }
    return beneath_open(vfs->dirfd, VFS_JOURNAL, flags | O_NONBLOCK, 0600);
}

static int
dir_open(sqlite3_vfs *base, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
    struct file *f = (struct file *)file;
    struct vfs *vfs = vfs_of(base);

    (void)name;                               /* the kind says it all */
    *f = (struct file){.vfs = vfs, .fd = -1}; /* without methods SQLite does not close it */
    f->is_database = (flags & SQLITE_OPEN_MAIN_DB) != 0;
    f->is_named = f->is_database; /* one that is lost is built again */
    if (f->is_database)
        f->fd = vfs->fd;
    else if ((flags & SQLITE_OPEN_MAIN_JOURNAL) != 0)
        f->fd = open_journal(vfs);
    else
        errno = EACCES; /* all else is kept in memory */
    if (f->fd < 0)
        return failed(vfs, SQLITE_CANTOPEN);
    f->base.pMethods = &file_methods;
    if (out_flags != NULL)
        *out_flags = flags;
    return SQLITE_OK;
}

static int
dir_delete(sqlite3_vfs *base, const char *name, int sync_dir)
{
    struct vfs *vfs = vfs_of(base);

    if (strcmp(name, VFS_JOURNAL) != 0)
        return SQLITE_IOERR_DELETE;
    if (unlinkat(vfs->dirfd, VFS_JOURNAL, 0) < 0 && errno != ENOENT)
        return failed(vfs, SQLITE_IOERR_DELETE);
    return sync_dir == 0 || beneath_sync_dir(vfs->dirfd, ".") == 0
               ? SQLITE_OK
               : failed(vfs, SQLITE_IOERR_DIR_FSYNC);
}

/* SQLite writes the first bytes when the rest is on disk, and not before it changes a page. */
bool
vfs_journal_is_hot(int dirfd)
{
    int fd = beneath_open(dirfd, VFS_JOURNAL, O_RDONLY | O_NONBLOCK, 0);
    char first = 0;
    bool hot = fd >= 0 && pread_exact(fd, &first, 1, 0) == 0 && first != 0;

    close_keep_errno(fd);
    return hot;
}

/* Asked for the journal, and for a write-ahead log, which there never is. */
static int
dir_access(sqlite3_vfs *base, const char *name, int what, int *yes)
{
    (void)what;
    *yes = strcmp(name, VFS_JOURNAL) == 0 && vfs_journal_is_hot(vfs_of(base)->dirfd);
    return SQLITE_OK;
}

static int
dir_full_name(sqlite3_vfs *base, const char *name, int size, char *out)
{
    (void)base;
    (void)snprintf(out, (size_t)size, "%s", name);
    return SQLITE_OK;
}

static int
system_random(sqlite3_vfs *base, int size, char *out)
{
    ssize_t got = getrandom(out, (size_t)size, 0);

    (void)base;
    return got < 0 ? 0 : (int)got;
}

/* SQLite sleeps to wait for locks; there are none. */
static int
system_sleep(sqlite3_vfs *base, int us)
{
    (void)base;
    (void)us;
    return 0;
}

static int
system_time(sqlite3_vfs *base, double *julian)
{
    (void)base;
    *julian = UNIX_EPOCH_JULIAN + (double)clock_real_ms() / MS_PER_DAY;
    return SQLITE_OK;
}

static int
system_last_error(sqlite3_vfs *base, int size, char *out)
{
    (void)size;
    (void)out;
    return vfs_of(base)->error;
}

/* ---- connections ---- */

int
vfs_open(struct vfs *vfs, int dirfd, int fd, bool read_only, sqlite3 **db)
{
    int how = read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    int rc;

    *vfs = (struct vfs){
        .base = {.iVersion = 1,
                 .szOsFile = sizeof(struct file),
                 .mxPathname = sizeof(VFS_JOURNAL),
                 .xOpen = dir_open,
                 .xDelete = dir_delete,
                 .xAccess = dir_access,
                 .xFullPathname = dir_full_name,
                 .xRandomness = system_random,
                 .xSleep = system_sleep,
                 .xCurrentTime = system_time,
                 .xGetLastError = system_last_error},
        .dirfd = dirfd,
        .fd = fd,
        .read_only = read_only,
    };
    (void)snprintf(vfs->name, sizeof(vfs->name), "posthorn-%p", (void *)vfs);
    vfs->base.zName = vfs->name;
    *db = NULL;
    rc = sqlite3_vfs_register(&vfs->base, 0);
    if (rc == SQLITE_OK)
        rc = sqlite3_open_v2(VFS_DATABASE, db, how | SQLITE_OPEN_NOMUTEX, vfs->name);
    if (rc != SQLITE_OK)
        vfs_close(vfs, db);
    return rc;
}

void
vfs_close(struct vfs *vfs, sqlite3 **db)
{
    int rc = sqlite3_close(*db);

    assert_always(rc == SQLITE_OK); /* a statement was forgotten */
    *db = NULL;
    (void)sqlite3_vfs_unregister(&vfs->base); /* fails only if it is not there */
}
