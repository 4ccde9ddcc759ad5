/*
 * lib/conf/list_edit.c - entries of a list's text, added and taken out. No I/O.
 */
#include "lib/conf/list_edit.h"

#include "lib/conf/list_file.h"

static bool
has_entry(struct slice text, struct slice entry)
{
    while (text.len > 0)
        if (slice_eq_nocase(list_file_entry(slice_split(&text, '\n')), entry))
            return true;
    return false;
}

bool
list_edit_add(struct strbuf *text, struct slice entry)
{
    if (has_entry(strbuf_slice(text), entry))
        return false;
    if (text->len > 0 && !strbuf_ends_with(text, "\n"))
        (void)strbuf_char(text, '\n'); /* overflow is remembered */
    (void)strbuf_append(text, entry);
    (void)strbuf_char(text, '\n');
    return true;
}

bool
list_edit_remove(struct strbuf *text, struct slice entry)
{
    struct strbuf kept = strbuf_new(LIST_FILE_MAX);
    struct slice rest = strbuf_slice(text);
    bool found = false;

    while (rest.len > 0) {
        struct slice line = slice_cut_after(&rest, '\n');

        if (slice_eq_nocase(list_file_entry(line), entry))
            found = true;
        else
            (void)strbuf_append(&kept, line); /* no longer than what there was */
    }
    strbuf_free(text);
    *text = kept;
    return found;
}
