/*
 * lib/conf/list_file.c - list files: one entry a line.
 *
 * Written by the administrator, or imported from wherever: a file with an error is refused whole,
 * with a line for each. Opens the one file that list_file_load is given.
 */
#include "lib/conf/list_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"

struct source {
    const char *name;
    unsigned line;
    size_t error_count, room;
    struct strbuf *errors;
};

static bool
is_white(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* A '#' begins a comment at the start of a line and behind white space: all that is trimmed off an
 * entry, or one could begin with it. */
static size_t
comment_start(struct slice line)
{
    for (size_t i = 0; i < line.len; i++)
        if (line.ptr[i] == '#' && (i == 0 || is_white(line.ptr[i - 1])))
            return i;
    return line.len;
}

struct slice
list_file_entry(struct slice line)
{
    return slice_trim(slice_sub(line, 0, comment_start(line)));
}

static bool
is_text(struct slice entry)
{
    for (size_t i = 0; i < entry.len; i++)
        if (((unsigned char)entry.ptr[i] < 0x20 && entry.ptr[i] != '\t') || entry.ptr[i] == 0x7f)
            return false;
    return parse_is_utf8(entry);
}

static const char *
expected(const struct list_kind *kind, struct slice entry)
{
    if (entry.len > LIST_ENTRY_MAX)
        return "an entry of at most 1024 bytes";
    if (!is_text(entry))
        return "a line of UTF-8 text";
    return kind == NULL ? NULL : kind->expected(entry);
}

static void
report(struct source *src, const char *what, struct slice entry)
{
    /* the entry may hold anything: only what is text is shown */
    struct slice shown = is_text(entry) ? slice_sub(entry, 0, 200) : SLICE("");

    if (++src->error_count <= LIST_ERRORS_MAX)
        (void)strbuf_printf(src->errors, "%s:%u: expected %s, not '%.*s'\n", src->name, src->line,
                            what, (int)shown.len, shown.ptr);
}

static void
add(struct list_file *list, struct source *src, struct slice entry)
{
    if (list->count == src->room) {
        src->room = src->room == 0 ? 16 : 2 * src->room;
        list->entries = xreallocarray(list->entries, src->room, sizeof(*list->entries));
    }
    list->entries[list->count++] = (struct list_entry){.text = entry, .line = src->line};
}

static void
take_line(struct list_file *list, struct source *src, const struct list_kind *kind,
          struct slice line)
{
    struct slice entry = list_file_entry(line);
    const char *what;

    if (entry.len == 0)
        return;
    what = list->count == LIST_ENTRIES_MAX ? "at most 100000 entries" : expected(kind, entry);
    if (what != NULL)
        report(src, what, entry);
    else
        add(list, src, entry);
}

struct list_file *
list_file_parse(struct slice text, const char *name, const struct list_kind *kind,
                struct strbuf *errors)
{
    struct list_file *list = xcalloc(1, sizeof(*list));
    struct source src = {.name = name, .errors = errors};
    struct slice rest;

    list->bytes = xslicedup(text);
    rest = slice_make(list->bytes, text.len);
    while (rest.len > 0) {
        src.line++;
        take_line(list, &src, kind, slice_split(&rest, '\n'));
    }
    if (src.error_count > LIST_ERRORS_MAX)
        (void)strbuf_printf(errors, "%s: and %zu more errors\n", name,
                            src.error_count - LIST_ERRORS_MAX);
    if (src.error_count > 0)
        list_file_free(&list);
    return list;
}

struct list_file *
list_file_load(const char *path, const struct list_kind *kind, struct strbuf *errors)
{
    struct strbuf text = strbuf_new(LIST_FILE_MAX);
    struct list_file *list = NULL;

    if (read_file(AT_FDCWD, path, &text) < 0)
        (void)strbuf_printf(errors, "%s: %s\n", path, strerror(errno));
    else
        list = list_file_parse(strbuf_slice(&text), path, kind, errors);
    strbuf_free(&text);
    return list;
}

void
list_file_free(struct list_file **listp)
{
    if (*listp == NULL)
        return;
    free((*listp)->entries);
    free((*listp)->bytes);
    xfree(listp);
}
