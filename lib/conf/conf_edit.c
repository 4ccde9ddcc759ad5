/*
 * lib/conf/conf_edit.c - changes one line of posthorn.conf and keeps the rest.
 *
 * The file is trusted as far as the administrator is. Replaces it atomically; touches nothing else.
 */
#include "lib/conf/conf_edit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/conf/conf_line.h"

/* Where a setting stands in the text, or may go: byte offsets of line starts. */
struct place {
    size_t line, line_end; /* its line; line == line_end: it has none */
    size_t insert;         /* where a new line goes */
    bool section_found;
    struct slice comment; /* behind its value */
};

/* "#name = ..." or "# name = ...": a default shown as a comment. */
static bool
shows_setting(struct slice comment, const char *name, struct strbuf *scratch)
{
    struct conf_line inner;

    if (comment.len == 0)
        return false;
    inner = conf_line_parse(slice_sub(comment, 1, comment.len), scratch);
    return inner.kind == CONF_LINE_SETTING && slice_eq(inner.name, slice_of(name));
}

static struct place
find_place(struct slice text, const struct conf_setting *s)
{
    struct place place = {.insert = text.len};
    struct strbuf scratch = strbuf_new(CONF_VALUE_MAX);
    struct slice rest = text;
    bool inside = false, shown = false;

    while (rest.len > 0) {
        size_t start = text.len - rest.len;
        struct conf_line line = conf_line_parse(slice_split(&rest, '\n'), &scratch);
        size_t end = text.len - rest.len;

        if (line.kind == CONF_LINE_SECTION) {
            inside = slice_eq(line.name, slice_of(s->section));
            place.section_found = place.section_found || inside;
        }
        if (!inside)
            continue;
        if (line.kind == CONF_LINE_SETTING && slice_eq(line.name, slice_of(s->name))) {
            place.line = start;
            place.line_end = end;
            place.comment = line.comment;
            break;
        }
        if (line.kind == CONF_LINE_BLANK && shows_setting(line.comment, s->name, &scratch)) {
            place.insert = end;
            shown = true;
        } else if (!shown && (line.kind != CONF_LINE_BLANK || line.comment.len > 0)) {
            place.insert = end;
        }
    }
    strbuf_free(&scratch);
    return place;
}

static void
append_setting(struct strbuf *out, const struct conf_setting *s, struct slice value,
               struct slice comment)
{
    (void)strbuf_printf(out, "%s = ", s->name);
    conf_line_quote(value, out);
    if (comment.len > 0) {
        (void)strbuf_str(out, "  ");
        (void)strbuf_append(out, comment);
    }
    (void)strbuf_char(out, '\n');
}

/* `part` as whole lines: the file's last line may lack its newline. */
static void
append_lines(struct strbuf *out, struct slice part)
{
    (void)strbuf_append(out, part);
    if (part.len > 0 && part.ptr[part.len - 1] != '\n')
        (void)strbuf_char(out, '\n');
}

void
conf_edit_text(struct slice text, enum conf_id id, struct slice value, struct strbuf *out)
{
    const struct conf_setting *s = &conf_settings[id];
    struct place place = find_place(text, s);
    bool replace = place.line_end > place.line;

    append_lines(out, slice_sub(text, 0, replace ? place.line : place.insert));
    if (!place.section_found)
        (void)strbuf_printf(out, "%s[%s]\n", text.len > 0 ? "\n" : "", s->section);
    append_setting(out, s, value, place.comment);
    append_lines(out, slice_sub(text, replace ? place.line_end : place.insert, text.len));
}

void
conf_edit_unset(struct slice text, enum conf_id id, struct strbuf *out)
{
    struct place place = find_place(text, &conf_settings[id]);

    (void)strbuf_append(out, slice_sub(text, 0, place.line));
    (void)strbuf_append(out, slice_sub(text, place.line_end, text.len));
}

unsigned
conf_edit_find(struct slice text, enum conf_id id, struct slice *line)
{
    struct place place = find_place(text, &conf_settings[id]);
    struct slice before = slice_sub(text, 0, place.line);
    struct slice behind = slice_sub(text, place.line, place.line_end);
    unsigned number = 1;

    if (place.line == place.line_end)
        return 0;
    while (before.len > 0) {
        (void)slice_split(&before, '\n');
        number++;
    }
    *line = slice_split(&behind, '\n');
    return number;
}

static int
fail(struct strbuf *errors, const char *path, const char *what)
{
    (void)strbuf_printf(errors, "%s: %s\n", path, what);
    return -1;
}

/* A second line in a value would be a setting of its own. */
static bool
is_one_line(const char *value)
{
    for (; *value != '\0'; value++)
        if ((unsigned char)*value < 0x20)
            return false;
    return true;
}

/* `text` becomes what it is with all of `edits`. 0, or -1 with a line in `errors`. */
static int
apply(struct strbuf *text, const char *path, const struct conf_edit *edits, size_t count,
      struct strbuf *errors)
{
    for (size_t i = 0; i < count; i++) {
        struct strbuf changed = strbuf_new(CONF_FILE_MAX);

        if (edits[i].value != NULL && !is_one_line(edits[i].value)) {
            strbuf_free(&changed);
            return fail(errors, path, "expected a value of one line, without control characters");
        }
        if (edits[i].value != NULL)
            conf_edit_text(strbuf_slice(text), edits[i].id, slice_of(edits[i].value), &changed);
        else
            conf_edit_unset(strbuf_slice(text), edits[i].id, &changed);
        strbuf_free(text);
        *text = changed;
        if (changed.overflow)
            return fail(errors, path, "the file would grow past 1 MiB");
    }
    return 0;
}

int
conf_edit_prepare(const char *path, const struct conf_edit *edits, size_t count,
                  struct strbuf *text, struct strbuf *errors)
{
    struct conf *conf;

    if (read_file(AT_FDCWD, path, text) < 0)
        return fail(errors, path, strerror(errno));
    if (apply(text, path, edits, count, errors) < 0)
        return -1;
    conf = conf_parse(strbuf_slice(text), path, errors);
    if (conf == NULL)
        return -1;
    conf_free(&conf);
    return 0;
}

int
conf_edit_file_all(const char *path, const struct conf_edit *edits, size_t count,
                   struct strbuf *errors)
{
    struct strbuf text = strbuf_new(CONF_FILE_MAX);
    struct stat st;
    int rc = conf_edit_prepare(path, edits, count, &text, errors);

    if (rc == 0) {
        rc = stat(path, &st);
        if (rc == 0)
            rc = replace_file(AT_FDCWD, path, strbuf_slice(&text), st.st_mode & 0777);
        if (rc < 0)
            (void)fail(errors, path, strerror(errno));
    }
    strbuf_free(&text);
    return rc;
}

/* Beside the file, which is another one after each change; nobody else can open it and hold us up.
 */
int
conf_edit_lock(const char *path)
{
    const char *slash = strrchr(path, '/'), *file = slash == NULL ? path : slash + 1;
    char *name = xasprintf("%.*s.%s.lock", (int)(file - path), path, file);
    int fd = open(name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

    free(name);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0) {
        close_keep_errno(fd);
        fd = -1;
    }
    return fd;
}

const char *
conf_edit_list_value(enum conf_id id, const char *value)
{
    return value[0] == '\0' && conf_settings[id].dflt[0] == '\0' ? NULL : value;
}

int
conf_edit_file(const char *path, enum conf_id id, const char *value, struct strbuf *errors)
{
    int lock = conf_edit_lock(path), rc;

    if (lock < 0)
        return fail(errors, path,
                    errno == EWOULDBLOCK ? "another change is being put in force"
                                         : strerror(errno));
    rc = conf_edit_file_all(path, &(const struct conf_edit){id, value}, 1, errors);
    close_keep_errno(lock);
    return rc;
}
