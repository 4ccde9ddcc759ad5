/*
 * posthorn/doctor_watch.c - `doctor --watch`: looks again and again, and tells what has changed.
 *
 * Each look is a process of its own, so that nothing which it loads or keeps lives longer.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "posthorn/doctor.h"

enum { LINES_MAX = 4 << 20 };

struct findings {
    struct strbuf text;  /* what the lines borrow from */
    struct slice *lines; /* in the order in which they were found */
    size_t count;
};

static void
findings_free(struct findings *f)
{
    strbuf_free(&f->text);
    xfree(&f->lines);
    f->count = 0;
}

/* ---- a look ---- */

static _Noreturn void
run_child(const struct doctor_watch *watch, int fd)
{
    struct strbuf lines = strbuf_new(LINES_MAX);
    sigset_t none;

    (void)sigemptyset(&none); /* neither fails for these arguments */
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    watch->look(watch->cli, &lines, watch->arg);
    _exit(write_all(fd, strbuf_slice(&lines)) == 0 ? CLI_OK : CLI_FAILED);
}

static int
read_lines(int fd, struct findings *found)
{
    struct slice rest;

    if (lseek(fd, 0, SEEK_SET) < 0)
        return -1;
    for (;;) {
        char *room = strbuf_room(&found->text, 65536);
        ssize_t n = room == NULL ? 0 : read(fd, room, 65536);

        if (n <= 0)
            break;
        strbuf_grew(&found->text, (size_t)n);
    }
    rest = strbuf_slice(&found->text);
    while (rest.len > 0) {
        struct slice line = slice_split(&rest, '\n');

        found->lines = xrealloc(found->lines, (found->count + 1) * sizeof(*found->lines));
        found->lines[found->count++] = line;
    }
    return 0;
}

/* 0, or -1: this look came to nothing, which has been told. */
static int
look(const struct doctor_watch *watch, struct findings *found)
{
    int fd = memfd_create("doctor", MFD_CLOEXEC), status = 0;
    pid_t child = fd < 0 ? -1 : fork();

    *found = (struct findings){.text = strbuf_new(LINES_MAX)};
    if (child == 0)
        run_child(watch, fd);
    if (child < 0 || waitpid(child, &status, 0) < 0 || status != 0 || read_lines(fd, found) < 0) {
        cli_warn(watch->cli, "the checks could not be run: %s",
                 status != 0 ? "they ended early" : strerror(errno));
        close_keep_errno(fd);
        findings_free(found);
        return -1;
    }
    close_keep_errno(fd);
    return 0;
}

/* ---- what has changed ---- */

/* Checks that measure: their numbers move all the time. */
static bool
is_measured(struct slice line)
{
    static const char *const checks[] = {"disk", "queue", "clock", "certificate", "way_out"};
    struct slice check;

    (void)slice_split(&line, '\t');
    check = slice_split(&line, '\t');
    for (size_t i = 0; i < ARRAY_LEN(checks); i++)
        if (slice_eq(check, slice_of(checks[i])))
            return true;
    return false;
}

static bool
is_number(char c)
{
    return (c >= '0' && c <= '9') || c == '.';
}

/* Equal but for the numbers in them. */
static bool
same_words(struct slice a, struct slice b)
{
    size_t i = 0, k = 0;

    while (i < a.len && k < b.len) {
        if (is_number(a.ptr[i]) && is_number(b.ptr[k])) {
            while (i < a.len && is_number(a.ptr[i]))
                i++;
            while (k < b.len && is_number(b.ptr[k]))
                k++;
        } else if (a.ptr[i++] != b.ptr[k++]) {
            return false;
        }
    }
    return i == a.len && k == b.len;
}

static bool
has(const struct findings *f, struct slice line)
{
    bool measured = is_measured(line);

    for (size_t i = 0; i < f->count; i++)
        if (slice_eq(f->lines[i], line) || (measured && same_words(f->lines[i], line)))
            return true;
    return false;
}

/* Of the first look, what is not in order. */
static bool
is_told_at_first(struct slice line)
{
    return !slice_starts(line, SLICE("ok\t"));
}

static void
print_json(struct slice now, const char *change, struct slice line)
{
    const char *const keys[] = {"result", "check", "text"};
    struct strbuf out = strbuf_new(65536);

    (void)strbuf_str(&out, "{\"time\": ");
    json_quote(&out, now);
    (void)strbuf_str(&out, ", \"change\": ");
    json_quote(&out, slice_of(change));
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        (void)strbuf_printf(&out, ", \"%s\": ", keys[i]);
        json_quote(&out, i + 1 < ARRAY_LEN(keys) ? slice_split(&line, '\t') : line);
    }
    (void)printf("%s}\n", strbuf_cstr(&out)); /* looked at by the caller: ferror */
    strbuf_free(&out);
}

static void
print_change(const struct cli *cli, const char *change, struct slice line)
{
    struct strbuf now = strbuf_new(64);

    (void)clock_rfc3339(clock_real_ms(), &now); /* fits */
    if (cli->json) {
        print_json(strbuf_slice(&now), change, line);
    } else {
        struct slice result = slice_split(&line, '\t'), check = slice_split(&line, '\t');

        (void)printf("%s %s %-4.*s  %-12.*s  %.*s\n", strbuf_cstr(&now), change, (int)result.len,
                     result.ptr, (int)check.len, check.ptr, (int)line.len, line.ptr);
    }
    strbuf_free(&now);
}

static void
tell(const struct cli *cli, const struct findings *before, const struct findings *now, bool first)
{
    for (size_t i = 0; i < before->count; i++)
        if (!has(now, before->lines[i]))
            print_change(cli, "was", before->lines[i]);
    for (size_t i = 0; i < now->count; i++)
        if (first ? is_told_at_first(now->lines[i]) : !has(before, now->lines[i]))
            print_change(cli, "now", now->lines[i]);
}

/* ---- the loop ---- */

static int
signals_open(void)
{
    sigset_t set;

    (void)sigemptyset(&set); /* none of these fails for these arguments */
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC);
}

int
doctor_watch(const struct doctor_watch *watch)
{
    struct findings before = {.text = strbuf_new(1)}, now;
    struct pollfd ended = {.fd = signals_open(), .events = POLLIN};
    bool first = true;

    if (ended.fd < 0)
        return cli_fail(watch->cli, "signalfd: %s", strerror(errno));
    do {
        if (look(watch, &now) == 0) {
            tell(watch->cli, &before, &now, first);
            findings_free(&before);
            before = now;
            first = false;
        }
        if (fflush(stdout) != 0) /* whoever reads is gone */
            break;
    } while (poll(&ended, 1, (int)watch->interval_ms) == 0);
    findings_free(&before);
    close_keep_errno(ended.fd);
    return CLI_OK;
}
