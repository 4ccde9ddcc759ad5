/*
 * lib/conf/conf_line.h - one line of posthorn.conf taken apart, for the reader and the editor.
 *
 *     # a comment
 *     [section]
 *     name = value        # white space and '#' end an unquoted value
 *     name = "va # lue"   # between quotes \" and \\ stand for themselves
 */
#ifndef POSTHORN_LIB_CONF_CONF_LINE_H
#define POSTHORN_LIB_CONF_CONF_LINE_H

#include "lib/base/strbuf.h"

#define CONF_VALUE_MAX 4096 /* bytes of one value */

enum conf_line_kind {
    CONF_LINE_BLANK, /* nothing, or a comment */
    CONF_LINE_SECTION,
    CONF_LINE_SETTING,
    CONF_LINE_BAD /* `problem` says what was expected */
};

struct conf_line {
    enum conf_line_kind kind;
    struct slice name;    /* of the section or the setting; borrows from the line */
    struct slice comment; /* from its '#' on, or empty; borrows from the line */
    const char *problem;  /* static text */
};

/* Takes `text` (without its newline) apart; the value, unquoted, goes to `value` (cleared first).
 */
struct conf_line conf_line_parse(struct slice text, struct strbuf *value);
/* Appends `value` as it has to stand in the file: quoted only when it must be. */
void conf_line_quote(struct slice value, struct strbuf *out);

#endif
