/*
 * lib/sys/session_table.c - who is connected to a service, in a shared mapping.
 *
 * Single atomic operations only; a text may be read half old, half new, which a display can bear.
 */
#include "lib/sys/session_table.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"

enum {
    MAGIC = 0x50485353, /* "PHSS" */
    ROWS_MAX = 65536,
    PROBES_MAX = 64,
    NAME_MAX_BYTES = 64,
    ID_WORDS = 2,
    LABEL_WORDS = 2,
    IP_WORDS = 6,
    USER_WORDS = 9
};

struct row {
    _Atomic int32_t pid;     /* 0: free */
    _Atomic uint32_t client; /* port << 1 | tls */
    _Atomic int64_t since_ms;
    _Atomic uint64_t id[ID_WORDS], label[LABEL_WORDS], ip[IP_WORDS], user[USER_WORDS];
};

struct header {
    _Atomic uint32_t magic, row_size;
};

struct session_table {
    struct header *header; /* the rows follow */
    size_t rows;
};

static struct row *mine; /* this process's, or NULL */

static void
store_text(_Atomic uint64_t *to, size_t words, const char *text)
{
    char bytes[USER_WORDS * 8] = {0};

    memcpy(bytes, text, strnlen(text, words * 8 - 1));
    for (size_t i = 0; i < words; i++) {
        uint64_t word;

        memcpy(&word, bytes + i * 8, 8);
        atomic_store_explicit(&to[i], word, memory_order_relaxed);
    }
}

static void
load_text(const _Atomic uint64_t *from, size_t words, char *out)
{
    for (size_t i = 0; i < words; i++) {
        uint64_t word = atomic_load_explicit(&from[i], memory_order_relaxed);

        memcpy(out + i * 8, &word, 8);
    }
    out[words * 8 - 1] = '\0';
    for (char *c = out; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
}

static struct row *
rows_of(struct header *header)
{
    return (struct row *)(header + 1);
}

static int
open_file(int dirfd, const char *service, int flags)
{
    char name[NAME_MAX_BYTES];

    (void)snprintf(name, sizeof(name), SESSION_TABLE_PREFIX "%s", service);
    return openat(dirfd, name, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
}

/* An older generation's sessions keep their rows: the file only grows. */
static struct header *
map_writable(int fd, size_t rows, size_t *size)
{
    struct stat st;
    void *at;

    *size = sizeof(struct header) + rows * sizeof(struct row);
    if (fstat(fd, &st) < 0)
        return NULL;
    if (st.st_size > (off_t)*size)
        *size = (size_t)st.st_size;
    errno = posix_fallocate(fd, 0, (off_t)*size); /* a hole could be SIGBUS on a full disk */
    if (errno != 0)
        return NULL;
    at = mmap(NULL, *size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return at == MAP_FAILED ? NULL : at;
}

/* Of a service that was killed with all its processes. */
static void
sweep(const struct session_table *table)
{
    for (size_t i = 0; i < table->rows; i++) {
        struct row *row = &rows_of(table->header)[i];
        int32_t pid = atomic_load(&row->pid);

        if (pid != 0 && (pid < 0 || (kill(pid, 0) < 0 && errno == ESRCH)))
            (void)atomic_compare_exchange_strong(&row->pid, &pid, 0);
    }
}

struct session_table *
session_table_make(int stats_dirfd, const char *service, size_t rows)
{
    int fd = open_file(stats_dirfd, service, O_RDWR | O_CREAT);
    struct session_table *table;
    struct header *header;
    size_t size;

    if (fd < 0)
        return NULL;
    header = map_writable(fd, rows < ROWS_MAX ? rows : ROWS_MAX, &size);
    close_keep_errno(fd);
    if (header == NULL)
        return NULL;
    atomic_store(&header->row_size, sizeof(struct row));
    atomic_store(&header->magic, MAGIC);
    table = xcalloc(1, sizeof(*table));
    *table = (struct session_table){header, (size - sizeof(*header)) / sizeof(struct row)};
    sweep(table);
    return table;
}

static struct row *
claim(const struct session_table *table, pid_t pid)
{
    for (size_t i = 0; i < PROBES_MAX && i < table->rows; i++) {
        struct row *row = &rows_of(table->header)[((size_t)pid + i) % table->rows];
        int32_t expected = 0;

        if (atomic_compare_exchange_strong(&row->pid, &expected, pid) || expected == pid)
            return row;
    }
    return NULL;
}

void
session_table_begin(struct session_table *table, const struct session_row *row)
{
    mine = table == NULL ? NULL : claim(table, row->pid);
    if (mine == NULL)
        return;
    atomic_store(&mine->since_ms, row->since_ms);
    atomic_store(&mine->client, (uint32_t)row->client_port << 1 | row->tls);
    store_text(mine->id, ID_WORDS, row->id);
    store_text(mine->label, LABEL_WORDS, row->label);
    store_text(mine->ip, IP_WORDS, row->client_ip);
    store_text(mine->user, USER_WORDS, row->user);
}

void
session_table_tls(void)
{
    if (mine != NULL)
        (void)atomic_fetch_or(&mine->client, 1u);
}

void
session_table_user(const char *user)
{
    if (mine != NULL)
        store_text(mine->user, USER_WORDS, user);
}

void
session_table_end(void)
{
    if (mine != NULL)
        atomic_store(&mine->pid, 0);
    mine = NULL;
}

void
session_table_forget(struct session_table *table, pid_t pid)
{
    for (size_t i = 0; table != NULL && i < PROBES_MAX && i < table->rows; i++) {
        struct row *row = &rows_of(table->header)[((size_t)pid + i) % table->rows];
        int32_t expected = pid;

        if (atomic_compare_exchange_strong(&row->pid, &expected, 0))
            return;
    }
}

static void
read_rows(struct header *header, size_t count,
          void (*each)(void *arg, const struct session_row *row), void *arg)
{
    for (size_t i = 0; i < count; i++) {
        const struct row *row = &rows_of(header)[i];
        uint32_t client = atomic_load(&row->client);
        struct session_row out = {.pid = atomic_load(&row->pid),
                                  .since_ms = atomic_load(&row->since_ms),
                                  .tls = (client & 1) != 0,
                                  .client_port = (uint16_t)(client >> 1)};

        if (out.pid <= 0)
            continue;
        load_text(row->id, ID_WORDS, out.id);
        load_text(row->label, LABEL_WORDS, out.label);
        load_text(row->ip, IP_WORDS, out.client_ip);
        load_text(row->user, USER_WORDS, out.user);
        each(arg, &out);
    }
}

int
session_table_read(int stats_dirfd, const char *service,
                   void (*each)(void *arg, const struct session_row *row), void *arg)
{
    int fd = open_file(stats_dirfd, service, O_RDONLY);
    struct stat st = {0};
    struct header *header = MAP_FAILED;
    int rc = -1;

    if (fd < 0)
        return -1;
    errno = EBADMSG;
    if (fstat(fd, &st) == 0 && st.st_size >= (off_t)sizeof(*header))
        header = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (header != MAP_FAILED && atomic_load(&header->magic) == MAGIC &&
        atomic_load(&header->row_size) == sizeof(struct row)) {
        read_rows(header, ((size_t)st.st_size - sizeof(*header)) / sizeof(struct row), each, arg);
        rc = 0;
    }
    if (header != MAP_FAILED)
        (void)munmap(header, (size_t)st.st_size); /* cannot fail for our own mapping */
    close_keep_errno(fd);
    return rc;
}
