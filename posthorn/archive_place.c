/*
 * posthorn/archive_place.c - the archive's directory, read line by line over its days.
 *
 * Nothing in it is believed; links are not followed. Changes nothing.
 */
#include "posthorn/archive_place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "lib/auth/digest.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"

#define STEP 262144u

int
archive_place_open(struct archive_place *place, struct cli *cli)
{
    *place = (struct archive_place){.cli = cli, .rootfd = -1};
    if (!cli_needs_instance(cli))
        return CLI_FAILED;
    place->rootfd = open(cli->inst.archive, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (place->rootfd < 0 || archive_days_read(place->rootfd, &place->days) < 0)
        return cli_fail(cli, "%s: %s", cli->inst.archive, strerror(errno));
    return CLI_OK;
}

void
archive_place_close(struct archive_place *place)
{
    archive_days_free(&place->days);
    close_keep_errno(place->rootfd);
}

static bool
is_empty(const struct archive_place *place, const char *day)
{
    int fd = openat(place->rootfd, day, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry = NULL;

    if (dir == NULL) {
        close_keep_errno(fd);
        return false;
    }
    while ((entry = readdir(dir)) != NULL && entry->d_name[0] == '.')
        ;
    (void)closedir(dir);
    errno = ENOENT;
    return entry == NULL;
}

static int
walk_day(struct archive_place *place, const char *day, bool is_last,
         int (*each)(void *arg, const struct archive_line *line), void *arg, uint64_t *torn)
{
    int fd = archive_open_in(place->rootfd, day, ARCHIVE_CHAIN), got, rc = ARCHIVE_GO_ON;
    struct archive_line line = {.day = day};
    struct chain_reader *reader;

    if (fd < 0 && errno == ENOENT && is_last && is_empty(place, day))
        return ARCHIVE_GO_ON; /* archived has just begun it */
    if (fd < 0)
        return cli_fail(place->cli, "%s/%s/" ARCHIVE_CHAIN ": %s", place->cli->inst.archive, day,
                        strerror(errno));
    *torn = 0;
    reader = chain_reader_new(fd);
    while ((got = chain_reader_next(reader, &line.text, torn)) > 0 && rc == ARCHIVE_GO_ON) {
        line.number++;
        rc = each(arg, &line);
    }
    if (got < 0)
        rc = cli_fail(place->cli, "%s/" ARCHIVE_CHAIN ":%llu: %s", day,
                      (unsigned long long)line.number + 1, strerror(errno));
    else if (rc == ARCHIVE_GO_ON && *torn > 0 && !is_last)
        rc = cli_fail(place->cli, "%s/" ARCHIVE_CHAIN ":%llu: the line has no end", day,
                      (unsigned long long)line.number + 1);
    chain_reader_free(&reader);
    return rc;
}

int
archive_walk(struct archive_place *place, size_t first, size_t last,
             int (*each)(void *arg, const struct archive_line *line), void *arg, uint64_t *torn)
{
    int rc = ARCHIVE_GO_ON;

    *torn = 0;
    for (size_t i = first; i < last && rc == ARCHIVE_GO_ON; i++)
        rc = walk_day(place, place->days.items[i], i + 1 == place->days.count, each, arg, torn);
    return rc == ARCHIVE_GO_ON ? CLI_OK : rc;
}

int
archive_hash_file(int fd, int to_fd, uint64_t *size, char hash[CHAIN_HASH_LEN + 1])
{
    struct digest_stream *stream = digest_stream_begin(DIGEST_SHA256);
    unsigned char digest[DIGEST_MAX];
    char *buffer = xmalloc(STEP);
    ssize_t n;

    *size = 0;
    while ((n = read(fd, buffer, STEP)) > 0) {
        digest_stream_feed(stream, slice_make(buffer, (size_t)n));
        *size += (uint64_t)n;
        if (to_fd >= 0 && write_all(to_fd, slice_make(buffer, (size_t)n)) < 0) {
            n = -1;
            break;
        }
    }
    digest_stream_end(&stream, digest);
    chain_hex(digest, hash);
    xfree(&buffer);
    return n < 0 ? -1 : 0;
}
