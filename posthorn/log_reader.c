/*
 * posthorn/log_reader.c - the lines of the log files, for `log` and `trace`.
 *
 * Lines were encoded by lib/log/line: a value is bare or quoted, so that pairs can be told apart
 * whatever a client has sent. Still nothing is assumed: a line that is cut off or foreign is shown.
 */
#include "posthorn/log_reader.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/encode.h"
#include "lib/base/io.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/log/line.h"
#include "posthorn/output.h"

#define READ_STEP 65536
#define LINE_MAX_KEPT ((size_t)LOG_LINE_MAX * 2)

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
cut_lines(struct strbuf *pending, void (*each)(void *arg, struct slice line), void *arg)
{
    struct slice rest = strbuf_slice(pending);

    while (slice_index(rest, '\n') < rest.len)
        each(arg, slice_split(&rest, '\n'));
    strbuf_consume(pending, pending->len - rest.len);
    if (pending->len > LINE_MAX_KEPT) /* no line of ours: it is cut */
        strbuf_clear(pending);
}

int
log_file_lines(const char *path, void (*each)(void *arg, struct slice line), void *arg)
{
    struct strbuf pending = strbuf_new(READ_STEP + LINE_MAX_KEPT);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0)
        return -1;
    while ((n = read(fd, strbuf_room(&pending, READ_STEP), READ_STEP)) > 0) {
        strbuf_grew(&pending, (size_t)n);
        cut_lines(&pending, each, arg);
    }
    if (pending.len > 0)
        each(arg, strbuf_slice(&pending));
    close_keep_errno(fd);
    strbuf_free(&pending);
    return n < 0 ? -1 : 0;
}

bool
log_next_pair(struct slice *rest, struct slice *key, struct slice *value)
{
    size_t end = 0;
    bool quoted;

    while (rest->len > 0 && rest->ptr[0] == ' ')
        *rest = slice_sub(*rest, 1, rest->len);
    if (rest->len == 0 || slice_index(*rest, '=') == rest->len)
        return false;
    *key = slice_split(rest, '=');
    quoted = rest->len > 0 && rest->ptr[0] == '"';
    for (end = quoted ? 1 : 0; end < rest->len; end++) {
        if (quoted && rest->ptr[end] == '\\')
            end++;
        else if (rest->ptr[end] == (quoted ? '"' : ' '))
            break;
    }
    if (quoted)
        end++;
    *value = slice_sub(*rest, 0, end);
    *rest = slice_sub(*rest, end, rest->len);
    return true;
}

struct slice
log_line_pairs(struct slice line)
{
    for (int i = 0; i < 3; i++)
        (void)slice_split(&line, ' ');
    return line;
}

struct slice
log_line_value(struct slice line, const char *key)
{
    struct slice rest = log_line_pairs(line), name, value;

    while (log_next_pair(&rest, &name, &value))
        if (slice_eq(name, slice_of(key)))
            return value;
    return SLICE("");
}

void
log_value_text(struct slice value, struct strbuf *out)
{
    static const char letters[] = "nrt", plain[] = "\n\r\t";

    strbuf_clear(out);
    if (value.len < 2 || value.ptr[0] != '"') {
        (void)strbuf_append(out, value);
        return;
    }
    value = slice_sub(value, 1, value.len - 1);
    for (size_t i = 0; i < value.len; i++) {
        const char *at;

        if (value.ptr[i] != '\\' || i + 1 >= value.len) {
            (void)strbuf_char(out, value.ptr[i]);
            continue;
        }
        at = value.ptr[++i] == '\0' ? NULL : strchr(letters, value.ptr[i]);
        if (value.ptr[i] == 'x' && i + 2 < value.len && hex_value(value.ptr[i + 1]) >= 0 &&
            hex_value(value.ptr[i + 2]) >= 0) {
            (void)strbuf_char(
                out, (char)(hex_value(value.ptr[i + 1]) << 4 | hex_value(value.ptr[i + 2])));
            i += 2;
        } else {
            (void)strbuf_char(out, at != NULL ? plain[at - letters] : value.ptr[i]);
        }
    }
}

static void
put_member(struct strbuf *out, const char *name, struct slice value)
{
    (void)strbuf_printf(out, "\"%s\": ", name);
    json_quote(out, value);
    (void)strbuf_str(out, ", ");
}

static void
put_fields(struct strbuf *out, struct slice rest)
{
    struct strbuf text = strbuf_new(LOG_LINE_MAX);
    struct slice key, value;
    const char *between = "";

    (void)strbuf_str(out, "\"fields\": {");
    while (log_next_pair(&rest, &key, &value)) {
        if (slice_eq(key, SLICE("event")))
            continue;
        log_value_text(value, &text);
        (void)strbuf_str(out, between);
        json_quote(out, key);
        (void)strbuf_str(out, ": ");
        json_quote(out, strbuf_slice(&text));
        between = ", ";
    }
    (void)strbuf_str(out, "}}");
    strbuf_free(&text);
}

void
log_line_json(struct slice line, const char *service, struct strbuf *out)
{
    struct slice rest = line, time = slice_split(&rest, ' '), origin = slice_split(&rest, ' ');
    struct slice level = slice_split(&rest, ' '), program = slice_split(&origin, '[');
    struct slice pid = slice_split(&origin, ']');
    uint64_t number;

    (void)strbuf_char(out, '{');
    put_member(out, "time", time);
    put_member(out, "service", slice_of(service));
    put_member(out, "program", program);
    if (parse_u64(pid, INT64_MAX, &number) == 0)
        (void)strbuf_printf(out, "\"pid\": %llu, ", (unsigned long long)number);
    else
        (void)strbuf_str(out, "\"pid\": null, ");
    put_member(out, "level", level);
    put_member(out, "event", log_line_value(line, "event"));
    put_fields(out, rest);
}
