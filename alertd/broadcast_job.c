/*
 * alertd/broadcast_job.c - how far a message to all users is, in a file.
 *
 * Input: our own files, checked like anybody's.
 */
#include "alertd/broadcast_job.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/auth/digest.h"
#include "lib/base/encode.h"
#include "lib/base/io.h"
#include "lib/base/parse.h"
#include "lib/ipc/accountd_addressees.h"
#include "lib/queue/queue_file.h"

enum { AT_MAX = 8192 };

void
job_file(char out[JOB_FILE_MAX], const char *id, const char *suffix)
{
    (void)snprintf(out, JOB_FILE_MAX, JOB_PREFIX "%s%s", id, suffix);
}

struct job
job_new(const char *id)
{
    struct job job = {.domain = strbuf_new(ACCOUNTD_ADDRESS_MAX),
                      .cursor = strbuf_new(ACCOUNT_KEY_MAX),
                      .next = strbuf_new(ACCOUNT_KEY_MAX)};

    (void)snprintf(job.id, sizeof(job.id), "%s", id);
    return job;
}

void
job_free(struct job *job)
{
    strbuf_free(&job->domain);
    strbuf_free(&job->cursor);
    strbuf_free(&job->next);
    job->id[0] = '\0';
}

/* The subject is one line. */
void
job_digest(char out[JOB_DIGEST_SIZE], const struct alertd_broadcast *message)
{
    struct digest_stream *stream = digest_stream_begin(DIGEST_SHA256);
    struct strbuf text = strbuf_new(JOB_DIGEST_SIZE);
    unsigned char digest[DIGEST_MAX];

    digest_stream_feed(stream, message->is_html ? SLICE("html\n") : SLICE("plain\n"));
    digest_stream_feed(stream, message->subject);
    digest_stream_feed(stream, SLICE("\n"));
    digest_stream_feed(stream, message->content);
    digest_stream_end(&stream, digest);
    (void)hex_encode(slice_make((const char *)digest, digest_size(DIGEST_SHA256)), &text);
    (void)snprintf(out, JOB_DIGEST_SIZE, "%s", strbuf_cstr(&text));
    strbuf_free(&text);
}

/* Line of the file: "ENDED RECIPIENTS IN_PAGE PAGE DOMAIN CURSOR NEXT DIGEST", the three before the
 * last in hex; '-' is empty. Older files end behind NEXT. */
int
job_save(int dirfd, const struct job *job)
{
    const struct strbuf *const texts[] = {&job->domain, &job->cursor, &job->next};
    struct strbuf text = strbuf_new(AT_MAX);
    char name[JOB_FILE_MAX];
    int rc;

    (void)strbuf_printf(&text, "%d %llu %llu %s", job->ended, (unsigned long long)job->recipients,
                        (unsigned long long)job->in_page, job->page[0] == '\0' ? "-" : job->page);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        (void)strbuf_str(&text, texts[i]->len == 0 ? " -" : " ");
        (void)hex_encode(strbuf_slice(texts[i]), &text);
    }
    if (job->digest[0] != '\0')
        (void)strbuf_printf(&text, " %s", job->digest);
    (void)strbuf_char(&text, '\n');
    job_file(name, job->id, JOB_AT);
    rc = replace_file(dirfd, name, strbuf_slice(&text), JOB_FILE_MODE);
    strbuf_free(&text);
    return rc;
}

static bool
read_hex(struct slice *line, struct strbuf *out)
{
    struct slice word = slice_split(line, ' ');

    return slice_eq(word, SLICE("-")) || (word.len > 0 && hex_decode(word, out) == 0);
}

/* False: there is something else. */
static bool
read_digest(struct slice line, struct job *job)
{
    struct strbuf bytes = strbuf_new(DIGEST_MAX);
    bool good = line.len == 0 || (line.len == JOB_DIGEST_SIZE - 1 && hex_decode(line, &bytes) == 0);

    if (good)
        (void)snprintf(job->digest, sizeof(job->digest), "%.*s", (int)line.len, line.ptr);
    strbuf_free(&bytes);
    return good;
}

static bool
parse_at(struct slice line, struct job *job)
{
    struct slice page;
    uint64_t ended;

    if (parse_u64(slice_split(&line, ' '), 1, &ended) < 0 ||
        parse_u64(slice_split(&line, ' '), INT64_MAX, &job->recipients) < 0 ||
        parse_u64(slice_split(&line, ' '), ACCOUNTD_ADDRESSEES_MAX, &job->in_page) < 0)
        return false;
    page = slice_split(&line, ' ');
    if (!slice_eq(page, SLICE("-"))) {
        if (!queue_id_valid(page))
            return false;
        (void)snprintf(job->page, sizeof(job->page), "%.*s", (int)page.len, page.ptr);
    }
    job->ended = ended == 1;
    return read_hex(&line, &job->domain) && read_hex(&line, &job->cursor) &&
           read_hex(&line, &job->next) && read_digest(line, job);
}

int
job_load(int dirfd, const char *id, struct job *job)
{
    struct strbuf text = strbuf_new(AT_MAX);
    char name[JOB_FILE_MAX];
    int rc;

    *job = job_new(id);
    job_file(name, id, JOB_AT);
    rc = read_file(dirfd, name, &text);
    if (rc == 0 && !parse_at(slice_trim(strbuf_slice(&text)), job)) {
        errno = EBADMSG;
        rc = -1;
    }
    strbuf_free(&text);
    return rc;
}

void
jobs_each(int dirfd, bool (*each)(void *arg, const char *id), void *arg)
{
    int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;

    if (dir == NULL)
        close_keep_errno(fd);
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        struct slice name = slice_of(entry->d_name);
        char id[ALERTD_BROADCAST_ID_MAX + 1];

        if (!slice_starts(name, SLICE(JOB_PREFIX)) || !slice_ends(name, SLICE(JOB_AT)))
            continue;
        name = slice_sub(name, sizeof(JOB_PREFIX) - 1, name.len - (sizeof(JOB_AT) - 1));
        if (!alertd_broadcast_id_valid(name))
            continue;
        (void)snprintf(id, sizeof(id), "%.*s", (int)name.len, name.ptr);
        if (!each(arg, id))
            break;
    }
    if (dir != NULL)
        (void)closedir(dir);
}
