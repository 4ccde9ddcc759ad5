/*
 * lib/sys/stats.c - one service's counters and process table in a shared mapping.
 *
 * Every process of the service may write anywhere in the mapping, sessions that read network input
 * among them: readers take names and texts as hostile, bound every loop themselves and follow no
 * offset found inside. Writers use single atomic operations only; a text may be read half old, half
 * new, which a display can bear.
 */
#include "lib/sys/stats.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"

#define MAGIC 0x50485354u /* "PHST" */
#define LAYOUT 1u
#define NAME_WORDS 6   /* 48 bytes: STATS_NAME_MAX and its end */
#define TEXT_WORDS 3   /* 24 bytes */
#define PROBES_MAX 64  /* rows tried for a pid: pids follow each other, so rows rarely collide */
#define SWEEP_ROWS 256 /* read at a time */

enum name_state { NAME_FREE, NAME_CLAIMED, NAME_READY };

struct counter {
    _Atomic uint32_t state; /* enum name_state */
    _Atomic uint64_t name[NAME_WORDS];
    _Atomic uint64_t value;
};

struct row {
    _Atomic int32_t pid;       /* 0: free */
    _Atomic uint32_t landlock; /* abi << 16 | layers */
    _Atomic uint64_t role[TEXT_WORDS];
    _Atomic uint64_t state[TEXT_WORDS];
};

struct block {
    _Atomic uint32_t magic, layout;
    struct counter counters[STATS_COUNTERS_MAX];
    _Atomic uint64_t unused;
    _Atomic uint64_t born_ms; /* when the block was made; 0: by a version that did not tell */
    _Atomic uint64_t reserved[NAME_WORDS - 1];
    _Atomic uint64_t spare; /* for counters past the limit */
    struct row rows[STATS_PROCESSES_MAX];
};

struct stats {
    struct block *block;
    struct row *mine; /* this process's row, or NULL */
    bool writable;
};

static void
store_text(_Atomic uint64_t *to, size_t words, const char *text)
{
    char bytes[NAME_WORDS * 8] = {0};
    size_t len = strnlen(text, words * 8 - 1);

    memcpy(bytes, text, len);
    for (size_t i = 0; i < words; i++) {
        uint64_t word;

        memcpy(&word, bytes + i * 8, 8);
        atomic_store_explicit(&to[i], word, memory_order_relaxed);
    }
}

/* `out` has words * 8 bytes; what could disturb a terminal becomes '?'. */
static void
load_text(const _Atomic uint64_t *from, size_t words, char *out)
{
    for (size_t i = 0; i < words; i++) {
        uint64_t word = atomic_load_explicit(&from[i], memory_order_relaxed);

        memcpy(out + i * 8, &word, 8);
    }
    out[words * 8 - 1] = '\0';
    for (char *c = out; *c != '\0'; c++)
        if (*c < 0x20 || *c > 0x7e)
            *c = '?';
}

/* Rows of processes that ended without anybody to reap them: the service was killed. Read with
 * pread, so that pages nobody needs are not mapped. */
static void
sweep_rows(struct block *block, int fd)
{
    static struct row rows[SWEEP_ROWS];

    for (size_t at = 0; at < STATS_PROCESSES_MAX; at += SWEEP_ROWS) {
        off_t offset = (off_t)(offsetof(struct block, rows) + at * sizeof(struct row));

        if (pread_exact(fd, rows, sizeof(rows), offset) < 0)
            return;
        for (size_t i = 0; i < SWEEP_ROWS; i++) {
            int32_t pid = rows[i].pid;

            if (pid != 0 && kill(pid, 0) < 0 && errno == ESRCH)
                (void)atomic_compare_exchange_strong(&block->rows[at + i].pid, &pid, 0);
        }
    }
}

static int
open_file(int dirfd, const char *service, bool writable)
{
    struct stat st;
    int fd =
        openat(dirfd, service,
               writable ? O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW : O_RDONLY | O_CLOEXEC, 0600);

    if (fd < 0)
        return -1;
    if (fstat(fd, &st) == 0 && st.st_size < (off_t)sizeof(struct block)) {
        /* A reader must not map past the end: a later access there would be SIGBUS. */
        if (writable && ftruncate(fd, (off_t)sizeof(struct block)) == 0)
            return fd;
        if (!writable)
            errno = EBADMSG;
        close_keep_errno(fd);
        return -1;
    }
    return fd;
}

/* A hole in the file would be SIGBUS for the process that first writes there while the disk is
 * full. Started on a full disk a service counts for itself and its children: nobody reads it. */
static struct block *
map_writable(int fd)
{
    bool backed = posix_fallocate(fd, 0, (off_t)sizeof(struct block)) == 0;

    return mmap(NULL, sizeof(struct block), PROT_READ | PROT_WRITE,
                backed ? MAP_SHARED : MAP_SHARED | MAP_ANONYMOUS, backed ? fd : -1, 0);
}

struct stats *
stats_open(int stats_dirfd, const char *service, bool writable)
{
    int fd = open_file(stats_dirfd, service, writable);
    struct stats *stats;
    struct block *block;

    if (fd < 0)
        return NULL;
    block = writable ? map_writable(fd) : mmap(NULL, sizeof(*block), PROT_READ, MAP_SHARED, fd, 0);
    if (block == MAP_FAILED) {
        close_keep_errno(fd);
        return NULL;
    }
    if (writable) {
        if (atomic_load(&block->magic) != MAGIC)
            atomic_store(&block->born_ms, (uint64_t)clock_real_ms());
        atomic_store(&block->layout, LAYOUT);
        atomic_store(&block->magic, MAGIC);
        sweep_rows(block, fd);
    } else if (atomic_load(&block->magic) != MAGIC || atomic_load(&block->layout) != LAYOUT) {
        (void)munmap(block, sizeof(*block)); /* cannot fail for our own mapping */
        close_keep_errno(fd);
        errno = EBADMSG;
        return NULL;
    }
    close_keep_errno(fd);
    stats = xcalloc(1, sizeof(*stats));
    stats->block = block;
    stats->writable = writable;
    return stats;
}

void
stats_close(struct stats **statsp)
{
    if (*statsp == NULL)
        return;
    (void)munmap((*statsp)->block, sizeof(struct block));
    xfree(statsp);
}

static bool
has_name(const struct counter *counter, const char *name)
{
    char text[STATS_NAME_MAX + 1];

    load_text(counter->name, NAME_WORDS, text);
    return strncmp(text, name, sizeof(text) - 1) == 0;
}

_Atomic uint64_t *
stats_counter(struct stats *stats, const char *name)
{
    struct block *block = stats->block;

    for (size_t i = 0; i < STATS_COUNTERS_MAX; i++) {
        struct counter *c = &block->counters[i];
        uint32_t expected = NAME_FREE;

        if (atomic_compare_exchange_strong(&c->state, &expected, NAME_CLAIMED)) {
            store_text(c->name, NAME_WORDS, name);
            atomic_store(&c->state, NAME_READY);
            return &c->value;
        }
        if (expected == NAME_READY && has_name(c, name))
            return &c->value;
    }
    return &block->spare;
}

_Atomic uint64_t *
stats_counter_of(struct stats *stats, const char *name, const char *part)
{
    char full[STATS_NAME_MAX + 1];

    (void)snprintf(full, sizeof(full), "%s.%s", name, part); /* cut where it is too long */
    return stats_counter(stats, full);
}

static struct row *
claim_row(struct block *block, pid_t pid)
{
    for (size_t i = 0; i < PROBES_MAX; i++) {
        struct row *row = &block->rows[((size_t)pid + i) % STATS_PROCESSES_MAX];
        int32_t expected = 0;

        if (atomic_compare_exchange_strong(&row->pid, &expected, pid))
            return row;
    }
    return NULL;
}

void
stats_process_begin(struct stats *stats, const char *role)
{
    /* A forked process has the confinement of its parent, whose row is still ours here. */
    uint32_t landlock = stats->mine == NULL ? 0 : atomic_load(&stats->mine->landlock);
    struct row *row = claim_row(stats->block, getpid());

    stats->mine = row; /* NULL: a full table loses a line in `status`, nothing else */
    if (row == NULL)
        return;
    store_text(row->role, TEXT_WORDS, role);
    store_text(row->state, TEXT_WORDS, "start");
    atomic_store(&row->landlock, landlock);
}

void
stats_process_state(struct stats *stats, const char *state)
{
    if (stats->mine != NULL)
        store_text(stats->mine->state, TEXT_WORDS, state);
}

void
stats_process_landlock(struct stats *stats, int abi, unsigned layers)
{
    if (stats->mine != NULL)
        atomic_store(&stats->mine->landlock, (uint32_t)abi << 16 | (layers & 0xffff));
}

void
stats_process_end(struct stats *stats, pid_t pid)
{
    for (size_t i = 0; i < PROBES_MAX; i++) {
        int32_t expected = pid;

        if (atomic_compare_exchange_strong(
                &stats->block->rows[((size_t)pid + i) % STATS_PROCESSES_MAX].pid, &expected, 0))
            return;
    }
}

size_t
stats_processes(const struct stats *stats, struct stats_process *out, size_t max)
{
    size_t count = 0;

    for (size_t i = 0; i < STATS_PROCESSES_MAX && count < max; i++) {
        const struct row *row = &stats->block->rows[i];
        pid_t pid = atomic_load(&row->pid);
        uint32_t landlock = atomic_load(&row->landlock);

        if (pid <= 0)
            continue;
        out[count].pid = pid;
        out[count].landlock_abi = (int)(landlock >> 16);
        out[count].landlock_layers = landlock & 0xffff;
        load_text(row->role, TEXT_WORDS, out[count].role);
        load_text(row->state, TEXT_WORDS, out[count].state);
        count++;
    }
    return count;
}

int64_t
stats_born_ms(const struct stats *stats)
{
    return (int64_t)atomic_load_explicit(&stats->block->born_ms, memory_order_relaxed);
}

size_t
stats_counters(const struct stats *stats, void (*each)(void *arg, const char *name, uint64_t value),
               void *arg)
{
    size_t count = 0;

    for (size_t i = 0; i < STATS_COUNTERS_MAX; i++) {
        const struct counter *c = &stats->block->counters[i];
        char name[STATS_NAME_MAX + 1];

        if (atomic_load(&c->state) != NAME_READY)
            continue;
        load_text(c->name, NAME_WORDS, name);
        each(arg, name, atomic_load_explicit(&c->value, memory_order_relaxed));
        count++;
    }
    return count;
}
