/*
 * posthorn/doctor_slow.c - `doctor --slow USER`: what makes one mailbox slow.
 *
 * From what is kept anyway: the folders' files, read by a confined child that changes nothing, and
 * the line that each IMAP session leaves in the log (imapd/work.h). Of the messages a few are read,
 * to see how long the disk takes.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/store/index_file.h"
#include "lib/store/journal.h"
#include "lib/store/mailbox.h"
#include "posthorn/doctor.h"
#include "posthorn/log_reader.h"
#include "posthorn/store_job.h"

enum {
    SAMPLE_CACHED = 200, /* messages of a folder that are looked for in its cache */
    SAMPLE_READ = 20,    /* that are read */
    READ_BYTES = 65536,  /* of each */

    /* From here on it is worth a word. */
    SLOW_MESSAGES = 100000, /* in one folder: clients list all of them */
    SLOW_RATIO = 4,         /* a journal that is so often as long as its messages need */
    SLOW_CACHED_PERCENT = 50,
    SLOW_CACHE_FOLDER = 100, /* messages: a smaller folder is read in no time */
    SLOW_READ_US = 20000,    /* for one message, on the average */
    SLOW_FLUSH_US = 30000,
    SLOW_COMMAND_US = 200000,
    SLOW_FLUSHES = 10, /* fewer say nothing */
};
static const uint64_t slow_journal = 1 << 20; /* bytes: a shorter one is read at once */
static const uint64_t arrival_bytes = 300;    /* in a journal, for each message, at most */

struct slow {
    struct doctor *d;
    struct store_job_output *out; /* in the child */
    const char *user;
    uint64_t sessions, commands, busy_ms, flushes, flush_ms, read, misses;
    uint64_t most_ms, most_count, slowest_ms;
    char most[32], slowest[32];
};

/* ---- the child: figures of the folders ---- */

struct figures {
    uint64_t messages, bytes, journal, index; /* the last two: bytes of the files */
    uint64_t sampled, cached, read, read_us;
};

static uint64_t
file_size(int dirfd, const char *name)
{
    struct stat st;

    return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? (uint64_t)st.st_size : 0;
}

static void
read_message(struct mailbox *mb, uint32_t seq, struct figures *f)
{
    static char bytes[READ_BYTES];
    int64_t began = clock_mono_us();
    int fd = mailbox_open_message(mb, seq);

    if (fd < 0)
        return;
    if (read(fd, bytes, sizeof(bytes)) > 0) {
        f->read++;
        f->read_us += (uint64_t)(clock_mono_us() - began);
    }
    (void)close(fd);
}

/* Messages at even distances. */
static void
sample(struct mailbox *mb, struct figures *f)
{
    uint32_t count = mailbox_count(mb), step = count / SAMPLE_CACHED + 1, n = 0;
    uint32_t every = SAMPLE_CACHED / SAMPLE_READ;
    struct slice value;

    for (uint32_t seq = 1; seq <= count && seq != 0; seq += step, n++) {
        f->sampled++;
        f->cached +=
            mailbox_cache_get(mb, mailbox_message(mb, seq)->uid, MAILBOX_CACHE_ENVELOPE, &value);
        if (n % every == 0 || count < SAMPLE_READ)
            read_message(mb, seq, f);
    }
}

static void
put_number(struct object_field *field, const char *name, struct strbuf *text, uint64_t value)
{
    (void)strbuf_u64(text, value);
    *field = (struct object_field){slice_of(name), strbuf_slice(text)};
}

static void
tell_folder(void *arg, const struct store_folder *folder)
{
    static const char *const names[] = {"messages", "bytes",  "journal", "index",
                                        "sampled",  "cached", "read",    "read_us"};
    struct slow *s = ((void **)arg)[0];
    struct mailbox *mb = folder->exists
                             ? mailbox_open(((void **)arg)[1], slice_of(folder->name), true, false)
                             : NULL;
    struct object_field fields[1 + ARRAY_LEN(names)] = {{SLICE("folder"), slice_of(folder->name)}};
    struct strbuf texts[ARRAY_LEN(names)];
    struct mailbox_info info;
    struct figures f = {0};

    if (mb == NULL)
        return; /* never used, or `store check` says more of it */
    mailbox_get_info(mb, &info);
    f.messages = info.count;
    f.bytes = info.bytes;
    f.journal = file_size(mailbox_dirfd(mb), JOURNAL_NAME);
    f.index = file_size(mailbox_dirfd(mb), INDEX_NAME);
    sample(mb, &f);
    mailbox_close(&mb);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const uint64_t values[] = {f.messages, f.bytes,  f.journal, f.index,
                                   f.sampled,  f.cached, f.read,    f.read_us};

        texts[i] = strbuf_new(24);
        put_number(&fields[i + 1], names[i], &texts[i], values[i]);
    }
    store_job_row(s->out, fields, ARRAY_LEN(fields));
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        strbuf_free(&texts[i]);
}

static int
work(void *arg, int mail_fd, int other_fd, struct store_job_output *out)
{
    const struct store_options options = {.read_only = true};
    struct store *store = store_open(mail_fd, &options);
    void *both[] = {arg, store};
    int rc;

    (void)other_fd;
    if (store == NULL)
        return -1;
    ((struct slow *)arg)->out = out;
    rc = store_list(store, tell_folder, both);
    store_close(&store);
    return rc;
}

/* ---- the parent: what they mean ---- */

static uint64_t
number(const struct object_field *fields, uint32_t count, const char *name)
{
    uint64_t value = 0;

    return parse_u64(object_get(fields, count, name), UINT64_MAX, &value) == 0 ? value : 0;
}

static void
judge_files(struct doctor *d, const char *name, const struct figures *f)
{
    uint64_t needed = f->messages * arrival_bytes;

    if (f->journal > slow_journal && f->journal / SLOW_RATIO > needed)
        doctor_note(d, DOCTOR_WARN, "journal",
                    "%s: %llu KiB for %llu messages: so much is read if there is no index; it is "
                    "rewritten when a session closes the folder",
                    name, (unsigned long long)f->journal / 1024, (unsigned long long)f->messages);
    if (f->journal > slow_journal && f->index == 0)
        doctor_note(d, DOCTOR_WARN, "index",
                    "%s: there is none: each session reads the journal of %llu KiB; the next one "
                    "that closes the folder writes it, if the disk is not full",
                    name, (unsigned long long)f->journal / 1024);
    if (f->messages >= SLOW_CACHE_FOLDER && f->cached * 100 < f->sampled * SLOW_CACHED_PERCENT)
        doctor_note(d, DOCTOR_WARN, "cache",
                    "%s: of %llu messages %llu %% have their ENVELOPE in it: a client that lists "
                    "them makes the server read the others, once",
                    name, (unsigned long long)f->messages,
                    (unsigned long long)(f->cached * 100 / f->sampled));
}

static void
judge_folder(void *arg, const struct object_field *fields, uint32_t count)
{
    struct doctor *d = ((struct slow *)arg)->d;
    const struct figures f = {.messages = number(fields, count, "messages"),
                              .bytes = number(fields, count, "bytes"),
                              .journal = number(fields, count, "journal"),
                              .index = number(fields, count, "index"),
                              .sampled = number(fields, count, "sampled"),
                              .cached = number(fields, count, "cached"),
                              .read = number(fields, count, "read"),
                              .read_us = number(fields, count, "read_us")};
    char *name = xslicedup(object_get(fields, count, "folder"));

    doctor_note(d, f.messages > SLOW_MESSAGES ? DOCTOR_WARN : DOCTOR_OK, "folder",
                "%s: %llu messages, %llu MiB%s", name, (unsigned long long)f.messages,
                (unsigned long long)(f.bytes >> 20),
                f.messages > SLOW_MESSAGES ? ": clients list them all; move old ones to a folder "
                                             "that is not opened each time"
                                           : "");
    judge_files(d, name, &f);
    if (f.read > 0)
        doctor_note(d, f.read_us / f.read > SLOW_READ_US ? DOCTOR_WARN : DOCTOR_OK, "disk",
                    "%s: %.1f ms to read a message, of %llu", name,
                    (double)f.read_us / 1000 / (double)f.read, (unsigned long long)f.read);
    xfree(&name);
}

/* ---- the log ---- */

static uint64_t
line_number(struct slice line, const char *key)
{
    uint64_t value = 0;

    return parse_u64(log_line_value(line, key), UINT64_MAX, &value) == 0 ? value : 0;
}

static void
take_name(struct slice line, const char *key, char out[32])
{
    struct slice name = log_line_value(line, key);

    (void)snprintf(out, 32, "%.*s", name.len < 31 ? (int)name.len : 31, name.ptr);
}

static void
take_line(void *arg, struct slice line)
{
    struct slow *s = arg;

    if (!slice_eq(log_line_value(line, "event"), SLICE("logout")) ||
        !slice_eq(log_line_value(line, "user"), slice_of(s->user)))
        return;
    s->sessions++;
    s->commands += line_number(line, "commands");
    s->busy_ms += line_number(line, "busy_ms");
    s->flushes += line_number(line, "flushes");
    s->flush_ms += line_number(line, "flush_ms");
    s->read += line_number(line, "messages_read");
    s->misses += line_number(line, "cache_misses");
    if (line_number(line, "most_ms") >= s->most_ms) {
        s->most_ms = line_number(line, "most_ms");
        s->most_count = line_number(line, "most_count");
        take_name(line, "most", s->most);
    }
    if (line_number(line, "slowest_ms") >= s->slowest_ms) {
        s->slowest_ms = line_number(line, "slowest_ms");
        take_name(line, "slowest", s->slowest);
    }
}

static void
take_file(void *arg, const char *path, const char *service)
{
    if (strcmp(service, "imap") == 0)
        (void)log_file_lines(path, take_line, arg); /* one that is gone meanwhile says nothing */
}

static void
judge_sessions(struct slow *s)
{
    uint64_t commands = s->commands == 0 ? 1 : s->commands;
    bool slow_flush = s->flushes >= SLOW_FLUSHES && s->flush_ms * 1000 / s->flushes > SLOW_FLUSH_US;

    if (s->sessions == 0) {
        doctor_note(s->d, DOCTOR_OK, "sessions",
                    "the log knows of no IMAP session of this user that has ended");
        return;
    }
    doctor_note(s->d, s->busy_ms * 1000 / commands > SLOW_COMMAND_US ? DOCTOR_WARN : DOCTOR_OK,
                "commands",
                "%llu in %llu sessions, %.1f ms each; most time in one session: %s, %llu times, "
                "%llu ms; slowest: %s, %llu ms",
                (unsigned long long)s->commands, (unsigned long long)s->sessions,
                (double)s->busy_ms / (double)commands, s->most, (unsigned long long)s->most_count,
                (unsigned long long)s->most_ms, s->slowest, (unsigned long long)s->slowest_ms);
    doctor_note(s->d, DOCTOR_OK, "misses",
                "%llu values were computed from messages, %llu messages were read",
                (unsigned long long)s->misses, (unsigned long long)s->read);
    if (s->flushes > 0)
        doctor_note(s->d, slow_flush ? DOCTOR_WARN : DOCTOR_OK, "flush",
                    "%.1f ms until the disk has what is changed, in %llu times%s",
                    (double)s->flush_ms / (double)s->flushes, (unsigned long long)s->flushes,
                    slow_flush ? ": each APPEND, COPY, MOVE and EXPUNGE waits for it" : "");
}

int
doctor_slow(struct doctor *d, const char *address)
{
    struct slow s = {.d = d};
    const struct store_job job = {
        .work = work, .row = judge_folder, .arg = &s, .other_fd = -1, .missing_is_fine = true};
    struct store_users users;
    int rc = store_users_get(d->cli, address, &users);

    if (rc != CLI_OK)
        return rc;
    s.user = users.list[0].address;
    rc = store_job_run(d->cli, d->conf, &users.list[0], &job);
    (void)log_files_each(d->cli->inst.log, false, take_file, &s); /* no log: no session */
    judge_sessions(&s);
    store_users_free(&users);
    return rc;
}
