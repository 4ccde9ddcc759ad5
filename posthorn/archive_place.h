/*
 * posthorn/archive_place.h - the archive's directory, read line by line over its days.
 */
#ifndef POSTHORN_POSTHORN_ARCHIVE_PLACE_H
#define POSTHORN_POSTHORN_ARCHIVE_PLACE_H

#include "lib/archive/days.h"
#include "posthorn/command.h"

struct archive_place {
    struct cli *cli;
    int rootfd;
    struct archive_days days;
};

/* CLI_OK, or CLI_FAILED after the message; archive_place_close in any case. */
int archive_place_open(struct archive_place *place, struct cli *cli);
void archive_place_close(struct archive_place *place);

/* One line of a chain. */
struct archive_line {
    const char *day;
    uint64_t number; /* in the day's file, from 1 */
    struct slice text;
};
enum { ARCHIVE_GO_ON = -1 };

/* Calls each(arg, line) for every line of days[first] to days[last - 1] until it returns something
 * else than ARCHIVE_GO_ON: an exit code, which is returned. CLI_OK at the end. What is behind the
 * last newline of the last day may be under way: *torn gets its length; in another day it is an
 * error, as is a day without a chain. */
int archive_walk(struct archive_place *place, size_t first, size_t last,
                 int (*each)(void *arg, const struct archive_line *line), void *arg,
                 uint64_t *torn);

/* The SHA-256 of all that is left of `fd`. 0, or -1 with errno. `to_fd` (-1: none) gets a copy. */
int archive_hash_file(int fd, int to_fd, uint64_t *size, char hash[CHAIN_HASH_LEN + 1]);

#endif
