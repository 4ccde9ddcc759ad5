/*
 * lib/conf/conf_cite.c - finds the line behind a decision. Reads posthorn.conf and the list files
 * that it names; what a log says is taken for a name and a number, no more.
 */
#include "lib/conf/conf_cite.h"

#include <fcntl.h>
#include <stdlib.h>

#include "lib/base/io.h"
#include "lib/base/json.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/conf/conf_edit.h"
#include "lib/conf/lists.h"
#include "lib/conf/monitor_rules.h"

enum { CITES_MAX = 10000, FILES_MAX = 64, KEY_MAX = 128 };

struct conf_citer {
    const struct conf *conf;
    const struct instance *inst;
    struct map *cites; /* "smtp.deny:3" */
    struct map *files; /* by name, struct strbuf */
};

struct conf_citer *
conf_citer_new(const struct conf *conf, const struct instance *inst)
{
    struct conf_citer *c = xcalloc(1, sizeof(*c));

    *c = (struct conf_citer){
        .conf = conf, .inst = inst, .cites = map_new(CITES_MAX), .files = map_new(FILES_MAX)};
    return c;
}

static void
drop_cite(void *value)
{
    struct conf_cite *cite = value;

    free(cite->file);
    free(cite->text);
    free(cite);
}

static void
drop_file(void *value)
{
    strbuf_free(value);
    free(value);
}

void
conf_citer_free(struct conf_citer **citerp)
{
    if (*citerp == NULL)
        return;
    map_free(&(*citerp)->cites, drop_cite);
    map_free(&(*citerp)->files, drop_file);
    xfree(citerp);
}

/* Empty if it cannot be read: then no line of it can be cited. */
static struct slice
file_text(struct conf_citer *c, const char *path)
{
    void **at = map_at(c->files, slice_of(path));
    struct strbuf *text;

    if (at == NULL)
        return SLICE("");
    if (*at == NULL) {
        text = xcalloc(1, sizeof(*text));
        *text = strbuf_new(LIST_FILE_MAX);
        if (read_file(AT_FDCWD, path, text) < 0)
            strbuf_clear(text);
        *at = text;
    }
    return strbuf_slice(*at);
}

static struct slice
line_at(struct slice text, unsigned number)
{
    while (number > 1 && text.len > 0) {
        (void)slice_split(&text, '\n');
        number--;
    }
    return slice_split(&text, '\n');
}

/* Takes `path`. */
static void
cite_line(struct conf_citer *c, char *path, unsigned line, struct conf_cite *cite)
{
    struct slice text = line_at(file_text(c, path), line);

    cite->file = path;
    cite->line = text.len > 0 ? line : 0;
    cite->text = xslicedup(slice_trim(text));
}

static void
cite_setting(struct conf_citer *c, enum conf_id id, struct conf_cite *cite)
{
    struct strbuf text = strbuf_new(CONF_FILE_MAX);
    struct slice line;

    cite->line = conf_edit_find(file_text(c, c->inst->conf_path), id, &line);
    if (cite->line > 0) {
        cite->file = xstrdup(c->inst->conf_path);
        cite->text = xslicedup(slice_trim(line));
    } else {
        (void)strbuf_printf(&text, "%s.%s = ", conf_settings[id].section, conf_settings[id].name);
        conf_print_value(c->conf, id, &text);
        cite->text = strbuf_steal(&text);
    }
    strbuf_free(&text);
}

/* False: there is no such setting. */
static bool
find(struct conf_citer *c, struct slice setting, unsigned line, struct conf_cite *cite)
{
    int id = conf_find(setting);
    char *path = NULL;

    if (slice_eq(setting, SLICE(MONITOR_RULES_FILE)))
        path = xasprintf("%s/%s", c->inst->etc, MONITOR_RULES_FILE);
    else if (id >= 0 && line > 0 && lists_find((enum conf_id)id) != NULL)
        path = lists_path(c->conf, c->inst, (enum conf_id)id);
    if (path != NULL)
        cite_line(c, path, line, cite);
    else if (id >= 0)
        cite_setting(c, (enum conf_id)id, cite);
    return path != NULL || id >= 0;
}

const struct conf_cite *
conf_cite(struct conf_citer *c, struct slice setting, unsigned line)
{
    struct strbuf key = strbuf_new(KEY_MAX);
    struct conf_cite *cite;
    void **at;

    (void)strbuf_printf(&key, "%.*s:%u", (int)setting.len, setting.ptr, line);
    at = key.overflow ? NULL : map_at(c->cites, strbuf_slice(&key));
    strbuf_free(&key);
    if (at == NULL)
        return NULL; /* too long for a name, or too many */
    if (*at == NULL) {
        cite = xcalloc(1, sizeof(*cite));
        (void)find(c, setting, line, cite);
        *at = cite;
    }
    cite = *at;
    return cite->text == NULL ? NULL : cite;
}

void
conf_cite_print(const struct conf_cite *cite, struct strbuf *out)
{
    if (cite->file == NULL)
        (void)strbuf_printf(out, "%s (default)", cite->text);
    else if (cite->line == 0)
        (void)strbuf_printf(out, "%s: no such line any more", cite->file);
    else
        (void)strbuf_printf(out, "%s:%u: %s", cite->file, cite->line, cite->text);
}

void
conf_cite_json(const struct conf_cite *cite, struct strbuf *out)
{
    (void)strbuf_str(out, "{\"file\": ");
    if (cite->file == NULL) {
        (void)strbuf_str(out, "null, \"line\": null");
    } else {
        json_quote(out, slice_of(cite->file));
        (void)strbuf_printf(out, ", \"line\": %u", cite->line);
    }
    (void)strbuf_str(out, ", \"text\": ");
    json_quote(out, slice_of(cite->text));
    (void)strbuf_char(out, '}');
}
