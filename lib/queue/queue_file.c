/*
 * lib/queue/queue_file.c - writes a message into the queue and reads it back with its envelope.
 *
 * Trusts the directories that it is given by descriptor and nothing in them: whatever is read is
 * checked by length and checksum first. The order of the system calls in queue_writer_commit is
 * what "250 means durable" rests on; doc/queue.md gives the reason for each.
 */
#include "lib/queue/queue_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/crc32c.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/random.h"
#include "lib/ipc/queue_manager.h"

#define WRITE_BUFFER 65536
#define TAIL_READ 4096 /* one pread gets footer and body of nearly every envelope */
#define ID_TIME_LETTERS 9
#define ID_RANDOM_LETTERS 6
#define FILE_MODE 0664

struct queue_writer {
    int tmp_dirfd, new_dirfd, fd;
    bool name_durable; /* tmp/ID is on disk: a power cut cannot take the name away */
    char id[QUEUE_ID_MAX + 1];
    struct strbuf buffer;
    uint64_t size; /* content taken so far, buffered bytes included */
    uint32_t crc;
    int error; /* errno of the first failed write; commit then fails with it */
};

struct queue_message {
    int fd; /* -1: detached */
    bool beside;
    struct strbuf record; /* the envelope's slices point here */
    struct queue_envelope envelope;
};

static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static void
put_base62(char *out, uint64_t value, size_t letters)
{
    for (size_t i = letters; i > 0; i--) {
        out[i - 1] = digits[value % 62];
        value /= 62;
    }
}

void
queue_id_make(char id[QUEUE_ID_SIZE])
{
    put_base62(id, (uint64_t)clock_real_us(), ID_TIME_LETTERS);
    put_base62(id + ID_TIME_LETTERS, random_u64(), ID_RANDOM_LETTERS);
    id[ID_TIME_LETTERS + ID_RANDOM_LETTERS] = '\0';
}

bool
queue_id_valid(struct slice id)
{
    if (id.len == 0 || id.len > QUEUE_ID_MAX)
        return false;
    for (size_t i = 0; i < id.len; i++) {
        char c = id.ptr[i];

        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')))
            return false;
    }
    return true;
}

int64_t
queue_id_time_ms(const char *id)
{
    uint64_t us = 0;

    if (strlen(id) != ID_TIME_LETTERS + ID_RANDOM_LETTERS)
        return -1;
    for (size_t i = 0; i < ID_TIME_LETTERS; i++) {
        const char *digit = strchr(digits, id[i]);

        if (digit == NULL)
            return -1;
        us = us * 62 + (uint64_t)(digit - digits);
    }
    return (int64_t)(us / 1000);
}

void
queue_name(char out[QUEUE_NAME_MAX], const char *id, const char *suffix)
{
    (void)snprintf(out, QUEUE_NAME_MAX, "%s%s", id, suffix); /* ids have QUEUE_ID_MAX at most */
}

/* ---- writing ---- */

int
queue_file_create(int tmp_dirfd, const char *id)
{
    if (queue_id_valid(slice_of(id)))
        return openat(tmp_dirfd, id, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
    errno = EINVAL;
    return -1;
}

static struct queue_writer *
writer_new(int tmp_dirfd, int new_dirfd, const char *id, int fd)
{
    struct queue_writer *w = xcalloc(1, sizeof(*w));

    *w = (struct queue_writer){.tmp_dirfd = tmp_dirfd, .new_dirfd = new_dirfd, .fd = fd};
    (void)snprintf(w->id, sizeof(w->id), "%s", id);
    w->buffer = strbuf_new(WRITE_BUFFER + QUEUE_ENVELOPE_MAX);
    return w;
}

struct queue_writer *
queue_writer_open(int tmp_dirfd, int new_dirfd, const char *id)
{
    int fd = queue_file_create(tmp_dirfd, id);

    return fd < 0 ? NULL : writer_new(tmp_dirfd, new_dirfd, id, fd);
}

struct queue_writer *
queue_writer_adopt(int tmp_dirfd, int new_dirfd, const char *id, int fd)
{
    struct queue_writer *w = writer_new(tmp_dirfd, new_dirfd, id, fd);

    w->name_durable = true;
    return w;
}

static int
writer_flush(struct queue_writer *w)
{
    if (w->error == 0 && write_all(w->fd, strbuf_slice(&w->buffer)) < 0)
        w->error = errno;
    strbuf_clear(&w->buffer);
    errno = w->error;
    return w->error == 0 ? 0 : -1;
}

int
queue_writer_write(struct queue_writer *w, struct slice content)
{
    w->crc = crc32c(w->crc, content);
    w->size += content.len;
    if (w->buffer.len + content.len > WRITE_BUFFER && writer_flush(w) < 0)
        return -1;
    if (content.len <= WRITE_BUFFER)
        (void)strbuf_append(&w->buffer, content); /* fits: flushed above if it did not */
    else if (w->error == 0 && write_all(w->fd, content) < 0)
        w->error = errno;
    errno = w->error;
    return w->error == 0 ? 0 : -1;
}

int
queue_writer_sync(struct queue_writer *w)
{
    return writer_flush(w) < 0 ? -1 : fsync(w->fd);
}

uint64_t
queue_writer_size(const struct queue_writer *w)
{
    return w->size;
}

int
queue_writer_reader(struct queue_writer *w)
{
    if (writer_flush(w) < 0)
        return -1;
    return openat(w->tmp_dirfd, w->id, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

int
queue_writer_restart(struct queue_writer *w)
{
    int fd;

    if (unlinkat(w->tmp_dirfd, w->id, 0) < 0)
        return -1;
    fd = queue_file_create(w->tmp_dirfd, w->id);
    if (fd < 0)
        return -1;
    close_keep_errno(w->fd);
    w->fd = fd;
    w->name_durable = false; /* what is on disk under this name is the old file */
    strbuf_clear(&w->buffer);
    w->size = 0;
    w->crc = 0;
    w->error = 0;
    return 0;
}

static void
writer_free(struct queue_writer **wp)
{
    close_keep_errno((*wp)->fd);
    strbuf_free(&(*wp)->buffer);
    xfree(wp);
}

void
queue_writer_abort(struct queue_writer **wp)
{
    if (*wp == NULL)
        return;
    unlink_keep_errno((*wp)->tmp_dirfd, (*wp)->id);
    writer_free(wp);
}

void
queue_writer_leave(struct queue_writer **wp)
{
    writer_free(wp);
}

/* tmp/ID.env, whole and flushed. */
static int
write_env_file(const struct queue_writer *w, const char *name, struct slice record)
{
    int rc = -1;
    int fd = openat(w->tmp_dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);

    if (fd < 0)
        return -1;
    if (write_all(fd, record) == 0)
        rc = fsync(fd);
    close_keep_errno(fd);
    return rc;
}

/* Puts the envelope where it belongs: behind the content, or into `env_name` with a footer here. */
static int
write_envelope(struct queue_writer *w, const struct queue_envelope *envelope, const char *env_name)
{
    struct queue_envelope copy = *envelope;
    struct strbuf record = strbuf_new(QUEUE_ENVELOPE_MAX);
    int rc = -1;

    (void)snprintf(copy.id, sizeof(copy.id), "%s", w->id);
    copy.content_size = w->size;
    copy.content_crc = w->crc;
    if (copy.rcpt_count == 1) {
        rc = envelope_encode(&w->buffer, &copy);
    } else if (envelope_encode(&record, &copy) == 0) {
        envelope_encode_beside(&w->buffer, w->size, w->crc);
        rc = write_env_file(w, env_name, strbuf_slice(&record));
        strbuf_free(&record);
        return rc;
    }
    strbuf_free(&record);
    if (rc < 0)
        errno = EFBIG;
    return rc;
}

/* Has a start of queue-manager, to which tmp/ID looked like what a power cut leaves, moved it? */
static bool
was_moved(const struct queue_writer *w)
{
    struct stat st;

    return w->name_durable && fstat(w->fd, &st) == 0 && st.st_nlink > 0;
}

/* The envelope's name appears first: a message in new/ is never without it. A flush of new/ is not
 * needed where a power cut leaves tmp/ID, which spool_recover then takes for what it is. */
static int
publish(const struct queue_writer *w, const char *env_name, bool beside)
{
    if (beside && renameat(w->tmp_dirfd, env_name, w->new_dirfd, env_name) < 0)
        return -1;
    if (renameat(w->tmp_dirfd, w->id, w->new_dirfd, w->id) < 0)
        return errno == ENOENT && !beside && was_moved(w) ? 0 : -1;
    return w->name_durable && !beside ? 0 : fsync(w->new_dirfd);
}

static int
commit(struct queue_writer *w, const struct queue_envelope *envelope, const char *env_name)
{
    if (envelope->rcpt_count == 0 || envelope->rcpt_count > QUEUE_RCPTS_MAX) {
        errno = EINVAL;
        return -1;
    }
    if (write_envelope(w, envelope, env_name) < 0 || writer_flush(w) < 0 || fsync(w->fd) < 0)
        return -1;
    return publish(w, env_name, envelope->rcpt_count > 1);
}

int
queue_writer_commit(struct queue_writer **wp, const struct queue_envelope *envelope)
{
    struct queue_writer *w = *wp;
    bool beside = envelope->rcpt_count > 1;
    char env_name[QUEUE_NAME_MAX];
    int rc;

    queue_name(env_name, w->id, ".env");
    rc = commit(w, envelope, env_name);
    if (rc < 0) { /* wherever the names are by now; the message before its envelope */
        unlink_keep_errno(w->new_dirfd, w->id);
        unlink_keep_errno(w->tmp_dirfd, w->id);
    }
    if (rc < 0 && beside) {
        unlink_keep_errno(w->new_dirfd, env_name);
        unlink_keep_errno(w->tmp_dirfd, env_name);
    }
    writer_free(wp);
    return rc;
}

int
queue_writer_commit_or_leave(struct queue_writer **wp, const struct queue_envelope *envelope)
{
    struct queue_writer *w = *wp;
    char env_name[QUEUE_NAME_MAX];
    int rc, saved;

    queue_name(env_name, w->id, ".env");
    rc = commit(w, envelope, env_name);
    saved = errno;
    if (rc < 0) { /* back, if it got that far and nobody has taken it; else it stays where it is */
        (void)renameat(w->new_dirfd, w->id, w->tmp_dirfd, w->id);
        if (faccessat(w->tmp_dirfd, w->id, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
            (void)unlinkat(w->new_dirfd, env_name, 0); /* else queue-manager finds it alone */
    }
    writer_free(wp);
    errno = saved;
    return rc;
}

void
queue_trigger(int trigger_fd)
{
    (void)!write(trigger_fd, "!",
                 1); /* a full FIFO wakes as well; without a reader the scan does */
}

/* ---- reading ---- */

/* The last bytes of `fd`, up to `want`, into m->record. */
static int
read_tail(struct queue_message *m, int fd, uint64_t file_size, uint64_t want)
{
    size_t len = (size_t)(want < file_size ? want : file_size);
    char *room;

    strbuf_clear(&m->record);
    room = strbuf_room(&m->record, len);
    if (room == NULL) {
        errno = EBADMSG;
        return -1;
    }
    if (pread_exact(fd, room, len, (off_t)(file_size - len)) < 0)
        return -1;
    strbuf_grew(&m->record, len);
    return 0;
}

/* Reads footer and body from the end of `fd` into m->record. EBADMSG: there is none, or damaged. */
static int
read_record(struct queue_message *m, int fd, struct envelope_footer *footer, uint64_t *file_size)
{
    struct stat st;
    size_t record;

    if (fstat(fd, &st) < 0)
        return -1;
    *file_size = (uint64_t)st.st_size;
    if (!S_ISREG(st.st_mode) || *file_size < ENVELOPE_FOOTER)
        goto damaged;
    if (read_tail(m, fd, *file_size, TAIL_READ) < 0)
        return -1;
    if (envelope_footer_decode(m->record.ptr + m->record.len - ENVELOPE_FOOTER, footer) < 0)
        goto damaged;
    record = footer->body_length + ENVELOPE_FOOTER;
    if (record > *file_size)
        goto damaged;
    if (record > m->record.len && read_tail(m, fd, *file_size, record) < 0)
        return -1;
    strbuf_consume(&m->record, m->record.len - record);
    strbuf_fit(&m->record); /* as long as the message is in the queue */
    if (envelope_intact(strbuf_slice(&m->record)))
        return 0;
damaged:
    errno = EBADMSG;
    return -1;
}

static int
read_beside(struct queue_message *m, int dirfd, const char *id, struct envelope_footer *footer)
{
    char name[QUEUE_NAME_MAX];
    struct envelope_footer content = *footer;
    uint64_t file_size;
    int fd, rc;

    queue_name(name, id, ".env");
    fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT)
        errno = EBADMSG; /* the message is there: its envelope is what is missing */
    if (fd < 0)
        return -1;
    m->beside = true;
    rc = read_record(m, fd, footer, &file_size);
    close_keep_errno(fd);
    if (rc < 0)
        return -1;
    if (footer->content_size == content.content_size && footer->content_crc == content.content_crc)
        return 0;
    errno = EBADMSG;
    return -1;
}

static int
load(struct queue_message *m, int dirfd, const char *id)
{
    struct envelope_footer footer;
    uint64_t file_size;

    if (read_record(m, m->fd, &footer, &file_size) < 0)
        return -1;
    if (footer.content_size != file_size - footer.body_length - ENVELOPE_FOOTER)
        goto damaged;
    if (footer.body_length == 0 && read_beside(m, dirfd, id, &footer) < 0)
        return -1;
    if (envelope_decode(strbuf_slice(&m->record), &m->envelope) < 0)
        goto damaged;
    if (slice_eq(slice_of(m->envelope.id), slice_of(id)))
        return 0;
damaged:
    errno = EBADMSG;
    return -1;
}

struct queue_message *
queue_message_open(int dirfd, const char *id)
{
    /* O_NONBLOCK: a FIFO that somebody put there must not stop us. */
    int fd = openat(dirfd, id, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct queue_message *m;
    int saved;

    if (fd < 0)
        return NULL;
    m = xcalloc(1, sizeof(*m));
    m->fd = fd;
    m->record = strbuf_new(QUEUE_ENVELOPE_MAX + ENVELOPE_FOOTER);
    if (load(m, dirfd, id) == 0)
        return m;
    saved = errno;
    queue_message_close(&m);
    errno = saved;
    return NULL;
}

const struct queue_envelope *
queue_message_envelope(const struct queue_message *m)
{
    return &m->envelope;
}

int
queue_message_fd(const struct queue_message *m)
{
    return m->fd;
}

void
queue_message_detach(struct queue_message *m)
{
    close_keep_errno(m->fd);
    m->fd = -1;
}

bool
queue_message_is_beside(const struct queue_message *m)
{
    return m->beside;
}

int
queue_message_check_content(const struct queue_message *m)
{
    uint64_t left = m->envelope.content_size, at = 0;
    uint32_t crc = 0;
    char *buf = xmalloc(WRITE_BUFFER);
    int rc = -1;

    while (left > 0) {
        size_t step = (size_t)(left < WRITE_BUFFER ? left : WRITE_BUFFER);

        if (pread_exact(m->fd, buf, step, (off_t)at) < 0)
            goto out;
        crc = crc32c(crc, slice_make(buf, step));
        at += step;
        left -= step;
    }
    if (crc == m->envelope.content_crc)
        rc = 0;
    else
        errno = EBADMSG;
out:
    xfree(&buf);
    return rc;
}

void
queue_message_close(struct queue_message **mp)
{
    if (*mp == NULL)
        return;
    close_keep_errno((*mp)->fd);
    envelope_clear(&(*mp)->envelope);
    strbuf_free(&(*mp)->record);
    xfree(mp);
}
