/*
 * lib/conf/conf_new.c - the posthorn.conf of a new instance. No I/O.
 */
#include "lib/conf/conf_new.h"

#include <string.h>

#include "lib/conf/conf_line.h"

/* Comment lines, broken between words. */
static void
append_comment(struct strbuf *out, struct slice text)
{
    size_t width = 0;

    while (text.len > 0) {
        struct slice word = slice_split(&text, ' ');

        if (width > 0 && width + 1 + word.len > CONF_LINE_WIDTH) {
            (void)strbuf_char(out, '\n');
            width = 0;
        }
        width += (size_t)(width == 0 ? 2 : 1) + word.len;
        (void)strbuf_str(out, width == word.len + 2 ? "# " : " ");
        (void)strbuf_append(out, word);
    }
    (void)strbuf_char(out, '\n');
}

static void
append_setting(struct strbuf *out, enum conf_id id)
{
    struct strbuf about = strbuf_new(4096);

    (void)strbuf_printf(&about, "%s. Takes ", conf_settings[id].help);
    conf_expected(id, &about);
    (void)strbuf_char(&about, '.');
    append_comment(out, strbuf_slice(&about));
    (void)strbuf_printf(out, "#%s = ", conf_settings[id].name);
    conf_line_quote(slice_of(conf_settings[id].dflt), out);
    (void)strbuf_str(out, "\n\n");
    strbuf_free(&about);
}

void
conf_new_text(struct strbuf *out)
{
    (void)strbuf_str(out, conf_new_head);
    (void)strbuf_char(out, '\n');
    for (int first = 0; first < CONF_ID_COUNT; first++) {
        const char *section = conf_settings[first].section;
        int earlier = 0;

        while (strcmp(conf_settings[earlier].section, section) != 0)
            earlier++;
        if (earlier < first)
            continue; /* listed with the first of its section */
        (void)strbuf_printf(out, "[%s]\n\n", section);
        for (int id = first; id < CONF_ID_COUNT; id++)
            if (strcmp(conf_settings[id].section, section) == 0)
                append_setting(out, (enum conf_id)id);
    }
}
