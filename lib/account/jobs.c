/*
 * lib/account/jobs.c - what the store still has to do. Trusts the database; touches nothing else.
 */
#include "lib/account/jobs.h"

#include <errno.h>

#include "lib/ipc/frame.h"

#define SEQUENCE_KEY SLICE("job")

struct sequence_key {
    char bytes[8]; /* big-endian: keys sort by number */
};

static struct sequence_key
to_key(uint64_t sequence)
{
    struct sequence_key key;

    for (size_t i = 0; i < sizeof(key.bytes); i++)
        key.bytes[i] = (char)(sequence >> (8 * (7 - i)));
    return key;
}

static uint64_t
from_key(struct slice key)
{
    uint64_t sequence = 0;

    for (size_t i = 0; i < key.len; i++)
        sequence = sequence << 8 | (unsigned char)key.ptr[i];
    return sequence;
}

/* Numbers are never used again: a late answer must not finish another job. */
static int
next_sequence(struct account_base *base, uint64_t *out)
{
    struct sequence_key next;
    struct slice last;

    if (account_db_get(base->db, ACCOUNT_TABLE_META, SEQUENCE_KEY, &last) == 0)
        *out = from_key(last) + 1;
    else if (errno == ENOENT)
        *out = 1;
    else
        return -1;
    next = to_key(*out);
    return account_db_put(base->db, ACCOUNT_TABLE_META, SEQUENCE_KEY,
                          slice_make(next.bytes, sizeof(next.bytes)));
}

int
account_job_add(struct account_base *base, enum account_job_op op, struct slice path,
                struct slice new_path)
{
    struct strbuf value = strbuf_new(2 * ACCOUNT_PATH_MAX + 64);
    struct writer w = {.out = &value};
    struct sequence_key key;
    uint64_t sequence;
    int rc = next_sequence(base, &sequence);

    if (rc == 0) {
        writer_u8(&w, (uint8_t)op);
        writer_bytes(&w, path);
        writer_bytes(&w, new_path);
        key = to_key(sequence);
        rc = account_db_put(base->db, ACCOUNT_TABLE_JOBS, slice_make(key.bytes, sizeof(key.bytes)),
                            strbuf_slice(&value));
    }
    strbuf_free(&value);
    return rc;
}

int
account_job_done(struct account_base *base, uint64_t sequence)
{
    struct sequence_key key = to_key(sequence);

    if (account_db_begin(base->db) < 0)
        return -1;
    if (account_db_del(base->db, ACCOUNT_TABLE_JOBS, slice_make(key.bytes, sizeof(key.bytes))) <
            0 &&
        errno != ENOENT) {
        account_db_abort(base->db);
        return -1;
    }
    return account_db_commit_done(base->db);
}

static int
read_job(struct slice key, struct slice value, struct account_job *job)
{
    struct reader r = reader_begin(value);
    uint8_t op = reader_u8(&r);

    job->sequence = from_key(key);
    job->op = (enum account_job_op)op;
    job->path = reader_bytes(&r, ACCOUNT_PATH_MAX);
    job->new_path = reader_bytes(&r, ACCOUNT_PATH_MAX);
    if (reader_end(&r) == 0 && op >= ACCOUNT_JOB_CREATE && op <= ACCOUNT_JOB_RENAME)
        return 0;
    errno = EBADMSG;
    return -1;
}

int
account_jobs_each(struct account_base *base, uint64_t after,
                  int (*each)(void *arg, const struct account_job *job), void *arg)
{
    struct sequence_key from = to_key(after + 1);
    struct account_rows *rows = account_db_rows(base->db, ACCOUNT_TABLE_JOBS, slice_make(NULL, 0),
                                                slice_make(from.bytes, sizeof(from.bytes)));
    struct account_job job;
    struct slice key, value;
    int rc = rows == NULL ? -1 : 1;

    while (rc == 1) {
        rc = account_rows_next(rows, &key, &value);
        if (rc == 1 && (read_job(key, value, &job) < 0 || each(arg, &job) < 0))
            rc = -1;
    }
    account_rows_close(&rows);
    return rc;
}
