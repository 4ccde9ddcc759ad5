/*
 * lib/conf/conf_edit.h - changes one line of posthorn.conf and keeps the rest, comments included.
 */
#ifndef POSTHORN_LIB_CONF_CONF_EDIT_H
#define POSTHORN_LIB_CONF_CONF_EDIT_H

#include "lib/conf/conf.h"

/* `text` with the setting's line replaced; without one it goes behind the line that shows it as a
 * comment (`#name = ...`), else to the end of its section, else into a new section. A comment
 * behind the old value stays. The buffer's overflow tells of a file that grew too long. */
void conf_edit_text(struct slice text, enum conf_id id, struct slice value, struct strbuf *out);
/* Takes the setting's line out: the default holds again. */
void conf_edit_unset(struct slice text, enum conf_id id, struct strbuf *out);

/* The same in a file (`value` NULL: unset). The new text is read as a whole first: a file with
 * errors never replaces the old one. 0, or -1 with lines in `errors`. */
int conf_edit_file(const char *path, enum conf_id id, const char *value, struct strbuf *errors);
/* Of whoever changes posthorn.conf or services.conf, from reading the old text until the new one is
 * in force: a descriptor, closed to end it. -1 with errno: EWOULDBLOCK: another change is on its
 * way. conf_edit_file() has it for as long as it takes; those below leave it to the caller. */
int conf_edit_lock(const char *path);
/* The value of a list that may have become empty: NULL, unset, only where that means empty. */
const char *conf_edit_list_value(enum conf_id id, const char *value);
/* Several at once: all of them, or none. */
struct conf_edit {
    enum conf_id id;
    const char *value; /* NULL: unset */
};
int conf_edit_file_all(const char *path, const struct conf_edit *edits, size_t count,
                       struct strbuf *errors);
/* The text that the file would have then, read as a whole; nothing is written. */
int conf_edit_prepare(const char *path, const struct conf_edit *edits, size_t count,
                      struct strbuf *text, struct strbuf *errors);

/* The line of `text` that sets it, from 1, and the line itself without its newline. 0: none does.
 */
unsigned conf_edit_find(struct slice text, enum conf_id id, struct slice *line);

#endif
