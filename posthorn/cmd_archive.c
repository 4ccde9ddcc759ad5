/*
 * posthorn/cmd_archive.c - `archive`: what archived has written: checked, searched, read.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "posthorn/archive_verify.h"
#include "posthorn/output.h"

#define ADDRESS_ROOM 2048
#define EXPORT_MODE 0600

/* ---- what is asked for ---- */

struct search {
    struct archive_place *place;
    struct table *table; /* list */
    int to_dirfd;        /* export */
    const char *id;      /* show */
    const char *from, *to, *sender, *recipient;
    uint64_t found;
};

/* A day, or as much of a time as is given: "2026-11-27T08:30". */
static bool
is_time(const char *text)
{
    char day[ARCHIVE_DAY_SIZE];

    return text == NULL ||
           (archive_day_parse(slice_sub(slice_of(text), 0, 10), day) == 0 &&
            strchr(text, '/') == NULL && strspn(text + 10, "T0123456789:.") == strlen(text + 10));
}

static bool
same_address(struct slice written, const char *wanted)
{
    struct strbuf plain = strbuf_new(ADDRESS_ROOM);
    bool same;

    chain_plain(written, &plain);
    same = !plain.overflow && slice_eq_nocase(strbuf_slice(&plain), slice_of(wanted));
    strbuf_free(&plain);
    return same;
}

static bool
has_rcpt(const struct chain_entry *e, const char *wanted)
{
    struct slice rest = e->rcpts, rcpt;

    while (chain_next_rcpt(&rest, &rcpt))
        if (same_address(rcpt, wanted))
            return true;
    return false;
}

/* A prefix of a time stands for all that begin so. */
static bool
is_wanted(const struct search *s, const struct chain_entry *e)
{
    if (s->from != NULL && slice_cmp(e->time, slice_of(s->from)) < 0)
        return false;
    if (s->to != NULL && slice_cmp(slice_sub(e->time, 0, strlen(s->to)), slice_of(s->to)) > 0)
        return false;
    if (s->id != NULL && !slice_eq(e->id, slice_of(s->id)))
        return false;
    if (s->sender != NULL && !same_address(e->sender, s->sender))
        return false;
    return s->recipient == NULL || has_rcpt(e, s->recipient);
}

/* Calls take(s, line, entry) for what is wanted; lines that are none are verify's business. */
struct walking {
    struct search *search;
    int (*take)(struct search *s, const struct archive_line *line, const struct chain_entry *e);
};

static int
take_line(void *arg, const struct archive_line *line)
{
    const struct walking *w = arg;
    struct chain_entry e;

    if (chain_decode(line->text, &e) < 0) {
        cli_warn(w->search->place->cli,
                 "%s/" ARCHIVE_CHAIN ":%llu is damaged: see 'archive verify'", line->day,
                 (unsigned long long)line->number);
        return ARCHIVE_GO_ON;
    }
    if (!is_wanted(w->search, &e))
        return ARCHIVE_GO_ON;
    w->search->found++;
    return w->take(w->search, line, &e);
}

/* Days that cannot hold anything are not opened. */
static int
walk(struct search *s,
     int (*take)(struct search *s, const struct archive_line *line, const struct chain_entry *e))
{
    const struct archive_days *days = &s->place->days;
    struct walking w = {s, take};
    size_t first = 0, last = days->count;
    char day[ARCHIVE_DAY_SIZE];
    uint64_t torn;

    if (s->from != NULL && archive_day_parse(slice_make(s->from, 10), day) == 0)
        while (first < last && strcmp(days->items[first], day) < 0)
            first++;
    if (s->to != NULL && archive_day_parse(slice_make(s->to, 10), day) == 0)
        while (last > first && strcmp(days->items[last - 1], day) > 0)
            last--;
    return archive_walk(s->place, first, last, take_line, &w, &torn);
}

#define SEARCH_OPTIONS(s)                                                                          \
    {"--from", CLI_TEXT, &(s).from}, {"--to", CLI_TEXT, &(s).to},                                  \
        {"--sender", CLI_TEXT, &(s).sender},                                                       \
    {                                                                                              \
        "--recipient", CLI_TEXT, &(s).recipient                                                    \
    }
#define SEARCH_SYNOPSIS "[--from TIME] [--to TIME] [--sender A] [--recipient A]"

static int
open_search(struct search *s, struct archive_place *place, struct cli *cli)
{
    s->place = place;
    if (!is_time(s->from) || !is_time(s->to)) {
        *place = (struct archive_place){.cli = cli, .rootfd = -1};
        return cli_usage(cli, "expected a time such as 2026-11-27 or 2026-11-27T08:30");
    }
    return archive_place_open(place, cli);
}

/* ---- list ---- */

static const struct column columns[] = {
    {"time", COLUMN_TEXT, false},       {"id", COLUMN_TEXT, false},
    {"classes", COLUMN_TEXT, false},    {"sender", COLUMN_TEXT, false},
    {"recipients", COLUMN_LIST, false}, {"size", COLUMN_NUMBER, false},
    {"number", COLUMN_NUMBER, true},    {"file", COLUMN_TEXT, true},
    {"sha256", COLUMN_TEXT, true},
};

static void
put_rcpts(struct strbuf *out, struct slice rcpts)
{
    struct slice rcpt;

    while (chain_next_rcpt(&rcpts, &rcpt)) {
        (void)strbuf_str(out, out->len > 0 ? " " : "");
        (void)strbuf_append(out, rcpt); /* as written: no spaces; what is too much is left out */
    }
}

static int
list_line(struct search *s, const struct archive_line *line, const struct chain_entry *e)
{
    struct strbuf rcpts = strbuf_new(OBJECT_VALUE_MAX), sender = strbuf_new(ADDRESS_ROOM);
    char number[24], size[24], name[ARCHIVE_NAME_SIZE];
    char file[ARCHIVE_DAY_SIZE + ARCHIVE_NAME_SIZE];

    put_rcpts(&rcpts, e->rcpts);
    chain_plain(e->sender, &sender);
    archive_file_name(e->id, name);
    (void)snprintf(number, sizeof(number), "%llu", (unsigned long long)e->number);
    (void)snprintf(size, sizeof(size), "%llu", (unsigned long long)e->size);
    (void)snprintf(file, sizeof(file), "%s/%s", line->day, name);
    const struct object_field fields[] = {
        {SLICE("time"), e->time},
        {SLICE("id"), e->id},
        {SLICE("classes"), e->classes},
        {SLICE("sender"), strbuf_slice(&sender)},
        {SLICE("recipients"), strbuf_slice(&rcpts)},
        {SLICE("size"), slice_of(size)},
        {SLICE("number"), slice_of(number)},
        {SLICE("file"), slice_of(file)},
        {SLICE("sha256"), e->sha256},
    };
    table_add(s->table, fields, ARRAY_LEN(fields));
    strbuf_free(&rcpts);
    strbuf_free(&sender);
    return ARCHIVE_GO_ON;
}

static int
archive_list(struct cli *cli, int argc, char **argv)
{
    struct search s = {0};
    const struct cli_option options[] = {SEARCH_OPTIONS(s)};
    struct archive_place place;
    int rc;

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 0, 0) != 0)
        return CLI_USAGE;
    rc = open_search(&s, &place, cli);
    s.table = table_new(columns, ARRAY_LEN(columns));
    if (rc == CLI_OK)
        rc = walk(&s, list_line);
    if (rc == CLI_OK)
        table_print(&s.table, cli->json);
    else
        table_free(&s.table);
    archive_place_close(&place);
    return rc;
}

/* ---- show and export ---- */

/* The message to `to_fd`; says so if it is not the one that was archived. */
static int
copy_message(struct search *s, const struct archive_line *line, const struct chain_entry *e,
             int to_fd)
{
    struct cli *cli = s->place->cli;
    char name[ARCHIVE_NAME_SIZE], hash[CHAIN_HASH_LEN + 1];
    uint64_t size;
    int fd, rc;

    archive_file_name(e->id, name);
    fd = archive_open_in(s->place->rootfd, line->day, name);
    rc = fd < 0 ? -1 : archive_hash_file(fd, to_fd, &size, hash);
    close_keep_errno(fd);
    if (rc < 0)
        return cli_fail(cli, "%s/%s: %s", line->day, name, strerror(errno));
    if (size != e->size || !slice_eq(e->sha256, slice_of(hash)))
        return cli_fail(cli, "%s/%s: the file is not the one that was archived", line->day, name);
    return ARCHIVE_GO_ON;
}

static int
show_line(struct search *s, const struct archive_line *line, const struct chain_entry *e)
{
    int rc = copy_message(s, line, e, STDOUT_FILENO);

    return rc == ARCHIVE_GO_ON ? CLI_OK : rc; /* the first one is it */
}

static int
archive_show(struct cli *cli, int argc, char **argv)
{
    struct archive_place place;
    struct search s = {0};
    int rc;

    if (cli_options(cli, &argc, argv, NULL, 0, 1, 1) != 0)
        return CLI_USAGE;
    s.id = argv[0];
    rc = open_search(&s, &place, cli);
    if (rc == CLI_OK)
        rc = walk(&s, show_line);
    if (rc == CLI_OK && s.found == 0)
        rc = cli_fail(cli, "no message with the queue id %s was archived", s.id);
    archive_place_close(&place);
    return rc;
}

static int
export_line(struct search *s, const struct archive_line *line, const struct chain_entry *e)
{
    char name[ARCHIVE_NAME_SIZE];
    int fd, rc;

    archive_file_name(e->id, name);
    fd = openat(s->to_dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                EXPORT_MODE);
    if (fd < 0)
        return cli_fail(s->place->cli, "%s: %s", name, strerror(errno));
    rc = copy_message(s, line, e, fd);
    if (close(fd) < 0 && rc == ARCHIVE_GO_ON)
        rc = cli_fail(s->place->cli, "%s: %s", name, strerror(errno));
    return rc;
}

static int
archive_export(struct cli *cli, int argc, char **argv)
{
    struct search s = {.to_dirfd = -1};
    const struct cli_option options[] = {SEARCH_OPTIONS(s)};
    struct archive_place place;
    int rc;

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 1, 1) != 0)
        return CLI_USAGE;
    rc = open_search(&s, &place, cli);
    if (rc == CLI_OK) {
        (void)mkdir(argv[0], 0700); /* or it is there */
        s.to_dirfd = open(argv[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (s.to_dirfd < 0)
            rc = cli_fail(cli, "%s: %s", argv[0], strerror(errno));
    }
    if (rc == CLI_OK)
        rc = walk(&s, export_line);
    if (rc == CLI_OK)
        (void)printf("%llu messages\n", (unsigned long long)s.found);
    close_keep_errno(s.to_dirfd);
    archive_place_close(&place);
    return rc;
}

/* ---- verify and head ---- */

/* An option's day in the form of the directories; NULL stays. */
static int
take_day(struct cli *cli, const char **text, char out[ARCHIVE_DAY_SIZE])
{
    if (*text == NULL)
        return CLI_OK;
    if (archive_day_parse(slice_of(*text), out) < 0)
        return cli_usage(cli, "expected a day such as 2026-11-27, not '%s'", *text);
    *text = out;
    return CLI_OK;
}

static int
archive_verify_all(struct cli *cli, int argc, char **argv)
{
    struct archive_wanted wanted = {0};
    const struct cli_option options[] = {{"--from", CLI_TEXT, &wanted.from},
                                         {"--to", CLI_TEXT, &wanted.to},
                                         {"--head", CLI_TEXT, &wanted.head}};
    char from[ARCHIVE_DAY_SIZE], to[ARCHIVE_DAY_SIZE];
    struct archive_place place;
    int rc;

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 0, 0) != 0)
        return CLI_USAGE;
    if (take_day(cli, &wanted.from, from) != CLI_OK || take_day(cli, &wanted.to, to) != CLI_OK)
        return CLI_USAGE;
    rc = archive_place_open(&place, cli);
    if (rc == CLI_OK)
        rc = archive_verify(&place, &wanted);
    archive_place_close(&place);
    return rc;
}

static int
archive_print_head(struct cli *cli, int argc, char **argv)
{
    char hash[CHAIN_HASH_LEN + 1];
    struct archive_place place;
    int rc;

    if (cli_options(cli, &argc, argv, NULL, 0, 0, 0) != 0)
        return CLI_USAGE;
    rc = archive_place_open(&place, cli);
    if (rc == CLI_OK)
        rc = archive_head(&place, hash);
    if (rc == CLI_OK && hash[0] == '\0')
        rc = cli_fail(cli, "nothing was archived yet");
    if (rc == CLI_OK)
        (void)puts(hash);
    archive_place_close(&place);
    return rc;
}

static const struct cli_verb verbs[] = {
    {"list", SEARCH_SYNOPSIS " [--json]", "what was archived", archive_list},
    {"show", "ID", "the message with that queue id", archive_show},
    {"export", "DIR " SEARCH_SYNOPSIS, "messages as DIR/ID.eml", archive_export},
    {"verify", "[--from DAY] [--to DAY] [--head HASH]", "looks at every line and every file",
     archive_verify_all},
    {"head", "", "the hash of the last line, to be kept elsewhere", archive_print_head},
    {0},
};

const struct command command_archive = {
    .name = "archive",
    .summary = "archived mail: list, show, export, verify",
    .help =
        "TIME is a day, or a time of it as far as it counts: 2026-11-27T08:30, in UTC. verify "
        "tells\n"
        "the first line or file that is not as it was written, and ends with 1. That the end was\n"
        "cut off only a hash can show that 'archive head' gave before and that was kept where\n"
        "nobody who can write the archive can: --head looks whether the chain holds it.\n",
    .verbs = verbs,
};
