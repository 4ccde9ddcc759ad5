/*
 * lib/queue/queue_log.c - the journal of one message's recipients. Its bytes may be damaged.
 */
#include "lib/queue/queue_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/crc32c.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/frame.h"
#include "lib/queue/queue_file.h"

#define RECORD_HEAD 8 /* u32 length of the fields, u32 CRC-32C over them, both big-endian */
#define RECORD_MAX 8192
#define TEXT_MAX 1024
#define APPROVERS_MAX 4096
#define FIRST_ROOM 16 /* a power of two */

static void
patch_be32(char *at, uint32_t value)
{
    for (size_t i = 0; i < 4; i++)
        at[i] = (char)(value >> (8 * (3 - i)));
}

static uint32_t
read_be32(const char *at)
{
    uint32_t value = 0;

    for (size_t i = 0; i < 4; i++)
        value = value << 8 | (unsigned char)at[i];
    return value;
}

static void
encode_fields(struct writer *w, const struct queue_log_entry *e)
{
    switch (e->kind) {
    case QUEUE_LOG_DONE:
    case QUEUE_LOG_WAIT:
        writer_bytes(w, slice_sub(e->address, 0, TEXT_MAX));
        writer_u8(w, e->outcome);
        writer_bytes(w, slice_sub(e->dsn, 0, TEXT_MAX));
        writer_bytes(w, slice_sub(e->text, 0, TEXT_MAX));
        writer_bytes(w, slice_sub(e->remote, 0, TEXT_MAX));
        break;
    case QUEUE_LOG_ROUND:
        writer_u32(w, e->round);
        writer_u64(w, (uint64_t)e->next_ms);
        break;
    case QUEUE_LOG_HOLD:
        writer_u64(w, (uint64_t)e->next_ms);
        writer_bytes(w, slice_sub(e->text, 0, TEXT_MAX));
        break;
    case QUEUE_LOG_EDIT:
        writer_bytes(w, slice_sub(e->address, 0, TEXT_MAX));
        writer_bytes(w, slice_sub(e->added, 0, TEXT_MAX));
        writer_bytes(w, slice_sub(e->original, 0, TEXT_MAX));
        writer_u8(w, e->notify);
        break;
    case QUEUE_LOG_ASK:
        writer_u8(w, e->kinds);
        writer_u64(w, (uint64_t)e->next_ms);
        writer_bytes(w, slice_sub(e->address, 0, TEXT_MAX));
        writer_bytes(w, slice_sub(e->added, 0, APPROVERS_MAX));
        break;
    case QUEUE_LOG_VERDICT:
        writer_u8(w, e->kinds);
        writer_u8(w, e->refused ? 1 : 0);
        writer_bytes(w, slice_sub(e->address, 0, TEXT_MAX));
        writer_bytes(w, slice_sub(e->text, 0, TEXT_MAX));
        break;
    case QUEUE_LOG_REPLY:
        writer_bytes(w, slice_sub(e->address, 0, TEXT_MAX));
        break;
    default: /* NOTICE and GO have no more */
        break;
    }
}

void
queue_log_encode(struct strbuf *out, const struct queue_log_entry *e)
{
    size_t start = out->len;
    struct writer w = {.out = out, .start = start};
    struct slice fields;

    (void)strbuf_append(out,
                        slice_make("\0\0\0\0\0\0\0", RECORD_HEAD)); /* overflow is remembered */
    writer_u8(&w, e->kind);
    writer_u64(&w, (uint64_t)e->time_ms);
    encode_fields(&w, e);
    if (out->overflow) {
        strbuf_truncate(out, start);
        return;
    }
    fields = slice_sub(strbuf_slice(out), start + RECORD_HEAD, out->len);
    patch_be32(out->ptr + start, (uint32_t)fields.len);
    patch_be32(out->ptr + start + 4, crc32c(0, fields));
}

static void
decode_approval(struct reader *r, struct queue_log_entry *e)
{
    uint8_t refused = 0;

    e->kinds = reader_u8(r);
    if (e->kind == QUEUE_LOG_ASK)
        e->next_ms = (int64_t)reader_u64(r);
    else
        refused = reader_u8(r);
    e->address = reader_bytes(r, TEXT_MAX);
    if (e->kind == QUEUE_LOG_ASK)
        e->added = reader_bytes(r, APPROVERS_MAX);
    else
        e->text = reader_bytes(r, TEXT_MAX);
    e->refused = refused == 1;
    if (refused > 1 || e->kinds == 0)
        r->failed = true;
}

static bool
decode_fields(struct slice fields, struct queue_log_entry *e)
{
    struct reader r = reader_begin(fields);

    *e = (struct queue_log_entry){.kind = reader_u8(&r)};
    e->time_ms = (int64_t)reader_u64(&r);
    switch (e->kind) {
    case QUEUE_LOG_DONE:
    case QUEUE_LOG_WAIT:
        e->address = reader_bytes(&r, TEXT_MAX);
        e->outcome = reader_u8(&r);
        e->dsn = reader_bytes(&r, TEXT_MAX);
        e->text = reader_bytes(&r, TEXT_MAX);
        e->remote = reader_bytes(&r, TEXT_MAX);
        break;
    case QUEUE_LOG_ROUND:
        e->round = reader_u32(&r);
        e->next_ms = (int64_t)reader_u64(&r);
        break;
    case QUEUE_LOG_HOLD:
        e->next_ms = (int64_t)reader_u64(&r);
        e->text = reader_bytes(&r, TEXT_MAX);
        break;
    case QUEUE_LOG_EDIT:
        e->address = reader_bytes(&r, TEXT_MAX);
        e->added = reader_bytes(&r, TEXT_MAX);
        e->original = reader_bytes(&r, TEXT_MAX);
        e->notify = reader_u8(&r);
        break;
    case QUEUE_LOG_ASK:
    case QUEUE_LOG_VERDICT:
        decode_approval(&r, e);
        break;
    case QUEUE_LOG_REPLY:
        e->address = reader_bytes(&r, TEXT_MAX);
        break;
    case QUEUE_LOG_NOTICE:
    case QUEUE_LOG_GO:
        break;
    default:
        return false;
    }
    return reader_end(&r) == 0;
}

bool
queue_log_next(struct slice *data, struct queue_log_entry *e)
{
    struct slice fields;
    uint32_t length;

    if (data->len < RECORD_HEAD)
        return false;
    length = read_be32(data->ptr);
    if (length > RECORD_MAX || length > data->len - RECORD_HEAD)
        return false;
    fields = slice_sub(*data, RECORD_HEAD, RECORD_HEAD + length);
    if (crc32c(0, fields) != read_be32(data->ptr + 4) || !decode_fields(fields, e))
        return false;
    *data = slice_sub(*data, RECORD_HEAD + length, data->len);
    return true;
}

/* By address; of the same address the later record first (both point into one buffer). */
static int
compare_entries(const void *a, const void *b)
{
    const struct queue_log_entry *x = a, *y = b;
    int order = slice_cmp(x->address, y->address);

    if (order != 0)
        return order;
    return x->address.ptr > y->address.ptr ? -1 : x->address.ptr < y->address.ptr;
}

/* Keeps the first of each run with the same address. */
static void
drop_older(struct queue_log *log)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < log->rcpt_count; i++)
        if (kept == 0 || !slice_eq(log->rcpts[kept - 1].address, log->rcpts[i].address))
            log->rcpts[kept++] = log->rcpts[i];
    log->rcpt_count = kept;
}

/* One more in an array that doubles. */
static void
add_entry(struct queue_log_entry **list, uint32_t *count, const struct queue_log_entry *e)
{
    bool is_full = *count == 0 || (*count >= FIRST_ROOM && (*count & (*count - 1)) == 0);

    if (is_full)
        *list = xreallocarray(*list, *count == 0 ? FIRST_ROOM : *count * 2, sizeof(**list));
    (*list)[(*count)++] = *e;
}

/* A refusal is final; what comes after the last decision decides nothing. */
static void
take_verdict(struct queue_approval *a, const struct queue_log_entry *e)
{
    if (a->refused || (a->approved & a->kinds) == a->kinds)
        return;
    if (e->refused)
        a->refused = true;
    else
        a->approved |= e->kinds;
    a->decided_ms = e->time_ms;
    a->decided_by = e->address;
    a->words = e->text;
}

static void
take_entry(struct queue_log *log, const struct queue_log_entry *e)
{
    switch (e->kind) {
    case QUEUE_LOG_ROUND:
        log->round = e->round;
        log->last_ms = e->time_ms;
        log->next_ms = e->next_ms;
        break;
    case QUEUE_LOG_NOTICE:
        log->notice_ms = e->time_ms;
        break;
    case QUEUE_LOG_HOLD:
    case QUEUE_LOG_GO:
        log->held = e->kind == QUEUE_LOG_HOLD;
        log->released = !log->held;
        log->hold_until_ms = e->next_ms;
        log->hold_reason = e->text;
        log->next_ms = e->next_ms; /* 0 is at once */
        break;
    case QUEUE_LOG_EDIT:
        if (log->edit_count < QUEUE_EDITS_MAX)
            add_entry(&log->edits, &log->edit_count, e);
        break;
    case QUEUE_LOG_ASK:
        log->approval = (struct queue_approval){.kinds = e->kinds,
                                                .asked_ms = e->time_ms,
                                                .deadline_ms = e->next_ms,
                                                .rule = e->address,
                                                .approvers = e->added};
        break;
    case QUEUE_LOG_VERDICT:
        take_verdict(&log->approval, e);
        break;
    case QUEUE_LOG_REPLY:
        add_entry(&log->replies, &log->reply_count, e);
        break;
    default:
        add_entry(&log->rcpts, &log->rcpt_count, e);
        break;
    }
}

static void
parse_all(struct queue_log *log)
{
    struct slice rest = strbuf_slice(&log->bytes);
    struct queue_log_entry e;

    while (queue_log_next(&rest, &e))
        take_entry(log, &e);
    strbuf_truncate(&log->bytes, log->bytes.len - rest.len);
    if (log->rcpt_count > 1)
        qsort(log->rcpts, log->rcpt_count, sizeof(*log->rcpts), compare_entries);
    if (log->reply_count > 1)
        qsort(log->replies, log->reply_count, sizeof(*log->replies), compare_entries);
    drop_older(log);
}

int64_t
queue_log_not_before(const struct queue_log *log, int64_t sender_ms)
{
    if (log->held)
        return log->hold_until_ms;
    return log->released ? 0 : sender_ms;
}

bool
queue_log_waits_for_approval(const struct queue_log *log)
{
    const struct queue_approval *a = &log->approval;

    return a->kinds != 0 && !a->refused && (a->approved & a->kinds) != a->kinds;
}

bool
queue_log_next_approver(struct slice *list, uint8_t *kinds, struct slice *address)
{
    struct slice digit = slice_split(list, ' ');

    *address = slice_split(list, ' ');
    *kinds = digit.len == 1 ? (uint8_t)(digit.ptr[0] - '0') : 0;
    return digit.len > 0 && address->len > 0;
}

int
queue_log_load(int dirfd, const char *id, struct queue_log *log)
{
    char name[QUEUE_NAME_MAX];

    *log = (struct queue_log){.bytes = strbuf_new(QUEUE_LOG_MAX)};
    queue_name(name, id, ".log");
    if (read_file(dirfd, name, &log->bytes) < 0) {
        int saved = errno;

        queue_log_free(log);
        errno = saved;
        return saved == ENOENT ? 0 : -1;
    }
    parse_all(log);
    return 0;
}

static const struct queue_log_entry *
find(const struct queue_log_entry *sorted, uint32_t count, struct slice address)
{
    uint32_t from = 0, to = count;

    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        int order = slice_cmp(address, sorted[middle].address);

        if (order == 0)
            return &sorted[middle];
        if (order < 0)
            to = middle;
        else
            from = middle + 1;
    }
    return NULL;
}

const struct queue_log_entry *
queue_log_find(const struct queue_log *log, struct slice address)
{
    return find(log->rcpts, log->rcpt_count, address);
}

bool
queue_log_has_reply(const struct queue_log *log, struct slice address)
{
    return find(log->replies, log->reply_count, address) != NULL;
}

void
queue_log_free(struct queue_log *log)
{
    strbuf_free(&log->bytes);
    xfree(&log->rcpts);
    xfree(&log->edits);
    xfree(&log->replies);
    *log = (struct queue_log){.bytes = strbuf_new(QUEUE_LOG_MAX)};
}

int
queue_log_append(int dirfd, const char *id, uint64_t *length, struct slice records, bool durable)
{
    char name[QUEUE_NAME_MAX];
    int rc = -1;
    int fd;

    queue_name(name, id, ".log");
    fd =
        openat(dirfd, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | (*length == 0 ? O_CREAT : 0), 0660);
    if (fd < 0)
        return -1;
    if (ftruncate(fd, (off_t)*length) < 0 || pwrite_all(fd, records, (off_t)*length) < 0)
        goto out;
    if (durable && (fdatasync(fd) < 0 || (*length == 0 && fsync(dirfd) < 0)))
        goto out;
    *length += records.len;
    rc = 0;
out:
    close_keep_errno(fd);
    return rc;
}
