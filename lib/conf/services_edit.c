/*
 * lib/conf/services_edit.c - changes one line of services.conf and keeps the rest. The value may
 * come from the network. Reads one file.
 */
#include "lib/conf/services_edit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "lib/base/io.h"
#include "lib/conf/conf_line.h"

/* Offsets: the key's line, or where it goes. */
struct place {
    size_t line, line_end; /* equal: it has none */
    size_t insert;         /* behind the section's last line that is not blank */
    bool section_found;
    struct slice comment; /* behind the value */
};

static struct place
find_place(struct slice text, const char *section, const char *key)
{
    struct place place = {0};
    struct strbuf value = strbuf_new(CONF_VALUE_MAX);
    struct slice rest = text;
    bool inside = false;

    while (rest.len > 0) {
        size_t start = text.len - rest.len;
        struct conf_line line = conf_line_parse(slice_split(&rest, '\n'), &value);
        size_t end = text.len - rest.len;

        if (line.kind == CONF_LINE_SECTION) {
            inside = slice_eq(line.name, slice_of(section));
            place.section_found = place.section_found || inside;
        }
        if (!inside || line.kind == CONF_LINE_BLANK)
            continue;
        place.insert = end;
        if (line.kind == CONF_LINE_SETTING && slice_eq(line.name, slice_of(key))) {
            place.line = start;
            place.line_end = end;
            place.comment = line.comment;
            break;
        }
    }
    strbuf_free(&value);
    return place;
}

static bool
is_one_line(struct slice value)
{
    for (size_t i = 0; i < value.len; i++)
        if ((unsigned char)value.ptr[i] < 0x20 || value.ptr[i] == 0x7f)
            return false;
    return true;
}

static int
fail(struct strbuf *errors, const char *name, const char *what)
{
    (void)strbuf_printf(errors, "%s: %s\n", name, what);
    return -1;
}

int
services_edit_read(const char *path, struct strbuf *text, struct strbuf *errors)
{
    if (read_file(AT_FDCWD, path, text) == 0)
        return 0;
    if (errno == ENOENT && strbuf_str(text, services_default_text))
        return 0;
    return fail(errors, path, strerror(errno));
}

int
services_edit(struct strbuf *text, const char *section, const char *key, struct slice value,
              struct strbuf *errors)
{
    struct slice old = strbuf_slice(text);
    struct place place = find_place(old, section, key);
    size_t from = place.line_end > 0 ? place.line : place.insert;
    struct strbuf changed = strbuf_new(text->max);

    if (!place.section_found || !is_one_line(value)) {
        strbuf_free(&changed);
        return fail(errors, key,
                    place.section_found ? "expected a value of one line"
                                        : "there is no such service in services.conf");
    }
    (void)strbuf_append(&changed, slice_sub(old, 0, from));
    if (from > 0 && old.ptr[from - 1] != '\n')
        (void)strbuf_char(&changed, '\n');
    if (value.len > 0) {
        (void)strbuf_printf(&changed, "%s = ", key);
        conf_line_quote(value, &changed);
        (void)strbuf_str(&changed, place.comment.len > 0 ? "  " : "");
        (void)strbuf_append(&changed, place.comment);
        (void)strbuf_char(&changed, '\n');
    }
    (void)strbuf_append(&changed,
                        slice_sub(old, place.line_end > 0 ? place.line_end : from, old.len));
    strbuf_free(text);
    *text = changed;
    return text->overflow ? fail(errors, key, "the file would grow too long") : 0;
}
