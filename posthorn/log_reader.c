/*
 * posthorn/log_reader.c - the lines of the log files, for `log` and `trace`.
 *
 * Lines were encoded by lib/log/line, or are JSON objects made of such lines (log.format), and both
 * may stand in one file; here all are text. Nothing is assumed of them: a line that is cut off or
 * foreign is shown as it is.
 */
#include "posthorn/log_reader.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/log/line.h"
#include "lib/log/line_read.h"

#define READ_STEP 65536
#define LINE_MAX_KEPT ((size_t)LOG_JSON_MAX * 2)

void
log_entries_add(struct log_entries *list, struct slice line, const char *service)
{
    if (list->count == list->allocated) {
        list->allocated = list->allocated == 0 ? 64 : list->allocated * 2;
        list->items = xreallocarray(list->items, list->allocated, sizeof(list->items[0]));
    }
    list->items[list->count++] =
        (struct log_entry){.line = xslicedup(line), .service = xstrdup(service)};
}

int
log_event_rank(struct slice event)
{
    static const char *const life[] = {"received",  "recipients", "queued", "expanded",
                                       "delivered", "sent",       "failed", "deferred",
                                       "bounced",   "redirected", "removed"};

    for (size_t i = 0; i < ARRAY_LEN(life); i++)
        if (slice_eq(event, slice_of(life[i])))
            return (int)i;
    return (int)ARRAY_LEN(life) / 2; /* a step of the delivery, whatever it is called */
}

/* The time stands first and has a fixed width, so text order is time order. */
static struct slice
time_of(const char *line)
{
    return slice_sub(slice_of(line), 0, strlen("2026-11-23T10:00:00.123Z"));
}

static int
compare(const struct log_entry *a, const struct log_entry *b)
{
    int by_time = slice_cmp(time_of(a->line), time_of(b->line));

    return by_time != 0 ? by_time : a->rank - b->rank;
}

static void
merge(const struct log_entry *from, struct log_entry *to, size_t low, size_t mid, size_t high)
{
    size_t left = low, right = mid;

    for (size_t at = low; at < high; at++) {
        bool take_left = left < mid && (right >= high || compare(&from[left], &from[right]) <= 0);

        to[at] = take_left ? from[left++] : from[right++];
    }
}

/* Merge sort, from the bottom up: qsort would mix lines of the same millisecond. */
void
log_entries_sort(struct log_entries *list)
{
    struct log_entry *spare = xcalloc(list->count, sizeof(*spare)), *from = list->items;
    struct log_entry *to = spare, *swap;

    for (size_t width = 1; width < list->count; width *= 2) {
        for (size_t low = 0; low < list->count; low += 2 * width) {
            size_t mid = low + width < list->count ? low + width : list->count;
            size_t high = low + 2 * width < list->count ? low + 2 * width : list->count;

            merge(from, to, low, mid, high);
        }
        swap = from;
        from = to;
        to = swap;
    }
    if (from != list->items && list->count > 0)
        memcpy(list->items, from, list->count * sizeof(*from));
    free(spare);
}

void
log_entries_clear(struct log_entries *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].line);
        free(list->items[i].service);
    }
    free(list->items);
    *list = (struct log_entries){0};
}

bool
log_file_is_older(const char *path, struct slice since)
{
    const char *stamp = strstr(path, ".log.");
    size_t at = 0;

    if (stamp == NULL)
        return false;
    stamp += strlen(".log.");
    for (size_t i = 0; i < since.len; i++) {
        if (since.ptr[i] == '-' || since.ptr[i] == ':')
            continue;
        if (stamp[at] != since.ptr[i])
            return stamp[at] < since.ptr[i];
        at++;
    }
    return false;
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

int
log_files_each(const char *dir, bool rotated_too,
               void (*each)(void *arg, const char *path, const char *service), void *arg)
{
    struct dirent **names = NULL;
    int count = scandir(dir, &names, NULL, by_name);
    char service[64];

    for (int i = 0; i < count; i++) {
        if (log_file_service(names[i]->d_name, rotated_too, service)) {
            char *path = xasprintf("%s/%s", dir, names[i]->d_name);

            each(arg, path, service);
            free(path);
        }
        free(names[i]);
    }
    free(names);
    return count < 0 ? -1 : 0;
}

/* Hands out the whole lines in `pending`; the rest stays for more. */
static void
cut_lines(struct strbuf *pending, struct strbuf *text, void (*each)(void *arg, struct slice line),
          void *arg)
{
    struct slice rest = strbuf_slice(pending);

    while (slice_index(rest, '\n') < rest.len)
        each(arg, log_line_as_text(slice_split(&rest, '\n'), text));
    strbuf_consume(pending, pending->len - rest.len);
    if (pending->len > LINE_MAX_KEPT) /* no line of ours: it is cut */
        strbuf_clear(pending);
}

int
log_file_lines(const char *path, void (*each)(void *arg, struct slice line), void *arg)
{
    struct strbuf pending = strbuf_new(READ_STEP + LINE_MAX_KEPT), text = strbuf_new(LOG_JSON_MAX);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0)
        return -1;
    while ((n = read(fd, strbuf_room(&pending, READ_STEP), READ_STEP)) > 0) {
        strbuf_grew(&pending, (size_t)n);
        cut_lines(&pending, &text, each, arg);
    }
    if (pending.len > 0)
        each(arg, log_line_as_text(strbuf_slice(&pending), &text));
    close_keep_errno(fd);
    strbuf_free(&pending);
    strbuf_free(&text);
    return n < 0 ? -1 : 0;
}
