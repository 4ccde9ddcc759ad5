/*
 * posthorn/archive_verify.c - `archive verify`: is the archive what archived has written?
 *
 * A line that was changed, removed, added or moved breaks the chain at the next one; a file that
 * was changed has another hash than its line says. What nothing in the archive can show is that its
 * end was cut off or written anew from some line on: that takes a hash kept elsewhere (--head).
 */
#include "posthorn/archive_verify.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/io.h"

struct verifying {
    struct archive_place *place;
    uint64_t number; /* of the line before; 0: not known */
    char hash[CHAIN_HASH_LEN + 1];
    bool has_before; /* number and hash are those of a line that we have seen */
    bool from_start; /* the first line must be the first of all */
    bool head_found;
    const char *head;
    uint64_t messages, bytes;
};

static int
wrong_line(const struct verifying *v, const struct archive_line *line, const char *what)
{
    return cli_fail(v->place->cli, "%s/" ARCHIVE_CHAIN ":%llu: %s", line->day,
                    (unsigned long long)line->number, what);
}

static int
check_link(const struct verifying *v, const struct archive_line *line, const struct chain_entry *e)
{
    bool has_before = v->has_before || v->from_start;

    if (has_before && e->number != v->number + 1)
        return wrong_line(v, line,
                          e->number > v->number + 1 ? "lines before this one are missing"
                                                    : "this line is not the next one");
    if (has_before && !slice_eq(e->previous, slice_of(v->hash)))
        return wrong_line(v, line,
                          "the line before is not the one that this one was written behind");
    return ARCHIVE_GO_ON;
}

/* A line is there before its file is moved to it: meanwhile, and after a crash until archived is
 * back, the file is below tmp/. */
static int
open_file(const struct verifying *v, const char *day, const char *name)
{
    int fd = archive_open_in(v->place->rootfd, day, name);

    if (fd < 0 && errno == ENOENT)
        fd = archive_open_in(v->place->rootfd, ARCHIVE_TMP, name);
    if (fd < 0 && errno == ENOENT) /* moved between the two */
        fd = archive_open_in(v->place->rootfd, day, name);
    return fd;
}

static int
check_file(const struct verifying *v, const struct archive_line *line, const struct chain_entry *e)
{
    char name[ARCHIVE_NAME_SIZE], hash[CHAIN_HASH_LEN + 1];
    uint64_t size;
    int fd, rc;

    archive_file_name(e->id, name);
    fd = open_file(v, line->day, name);
    if (fd < 0)
        return cli_fail(v->place->cli, "%s/%s: %s", line->day, name,
                        errno == ENOENT ? "the file is missing" : strerror(errno));
    rc = archive_hash_file(fd, -1, &size, hash);
    close_keep_errno(fd);
    if (rc < 0)
        return cli_fail(v->place->cli, "%s/%s: %s", line->day, name, strerror(errno));
    if (size != e->size || !slice_eq(e->sha256, slice_of(hash)))
        return cli_fail(v->place->cli, "%s/%s: the file is not the one that was archived",
                        line->day, name);
    return ARCHIVE_GO_ON;
}

static void
remember(struct verifying *v, const struct archive_line *line, uint64_t number)
{
    v->number = number;
    v->has_before = true;
    chain_hash(line->text, v->hash);
    v->head_found |= v->head != NULL && strcmp(v->head, v->hash) == 0;
}

static int
check_line(void *arg, const struct archive_line *line)
{
    struct verifying *v = arg;
    struct chain_entry e;
    int rc;

    if (chain_decode(line->text, &e) < 0)
        return wrong_line(v, line, "this is no line of a chain");
    rc = check_link(v, line, &e);
    if (rc == ARCHIVE_GO_ON)
        rc = check_file(v, line, &e);
    v->messages++;
    v->bytes += e.size;
    remember(v, line, e.number);
    return rc;
}

/* A line of the day before those that are asked for: only its place counts. */
static int
pass_line(void *arg, const struct archive_line *line)
{
    struct verifying *v = arg;
    struct chain_entry e;

    v->has_before = false;
    if (chain_decode(line->text, &e) == 0)
        remember(v, line, e.number);
    return ARCHIVE_GO_ON;
}

static size_t
find_day(const struct archive_days *days, const char *day, bool behind)
{
    size_t i = 0;

    while (i < days->count &&
           (strcmp(days->items[i], day) < 0 || (behind && strcmp(days->items[i], day) == 0)))
        i++;
    return i;
}

int
archive_verify(struct archive_place *place, const struct archive_wanted *wanted)
{
    size_t first = wanted->from == NULL ? 0 : find_day(&place->days, wanted->from, false);
    size_t last = wanted->to == NULL ? place->days.count : find_day(&place->days, wanted->to, true);
    struct verifying v = {.place = place,
                          .head = wanted->head,
                          .hash = CHAIN_HASH_NONE,
                          .from_start = wanted->from == NULL};
    uint64_t torn = 0;
    int rc = CLI_OK;

    for (size_t i = first; i > 0 && rc == CLI_OK && !v.has_before; i--)
        rc = archive_walk(place, i - 1, i, pass_line, &v, &torn);
    if (rc == CLI_OK)
        rc = archive_walk(place, first, last, check_line, &v, &torn);
    if (rc != CLI_OK)
        return rc;
    if (torn > 0)
        cli_warn(place->cli,
                 "the last line is not finished: it is being written, or a crash cut it");
    if (v.head != NULL && !v.head_found)
        return cli_fail(place->cli,
                        "no line has the hash %s: the end of the chain was cut off or replaced",
                        v.head);
    (void)printf("%llu messages, %llu bytes: all as archived\n", (unsigned long long)v.messages,
                 (unsigned long long)v.bytes);
    return CLI_OK;
}

int
archive_head(struct archive_place *place, char hash[CHAIN_HASH_LEN + 1])
{
    struct verifying v = {.place = place};
    uint64_t torn;
    int rc = CLI_OK;

    for (size_t i = place->days.count; i > 0 && rc == CLI_OK && !v.has_before; i--)
        rc = archive_walk(place, i - 1, i, pass_line, &v, &torn);
    (void)snprintf(hash, CHAIN_HASH_LEN + 1, "%s", v.hash);
    return rc;
}
