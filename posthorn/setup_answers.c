/*
 * posthorn/setup_answers.c - a file with the answers for `setup`. Written by an administrator; may
 * hold passwords, and is wiped from memory but for those.
 */
#include "posthorn/setup_answers.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/suggest.h"
#include "lib/conf/conf_line.h"

enum { FILE_MAX = 65536, WORD_MAX = 512 };

struct reading {
    struct setup *setup;
    const char *path;
    unsigned line;
    struct slice section;  /* empty: answers */
    struct strbuf seen;    /* "domain\nhostname\n" */
    unsigned bind_options; /* addresses that options gave: those of the file do not count then */
    bool has_secret, is_private, failed;
};

__attribute__((format(printf, 2, 3))) static void
mistake(struct reading *r, const char *format, ...)
{
    struct strbuf text = strbuf_new((size_t)WORD_MAX * 4);
    va_list args;

    va_start(args, format);
    (void)strbuf_vprintf(&text, format, args); /* what does not fit is cut */
    va_end(args);
    (void)cli_fail(r->setup->cli, "%s:%u: %s", r->path, r->line, strbuf_cstr(&text));
    strbuf_free(&text);
    r->failed = true;
}

static void
take_text(const char **to, const char *value)
{
    if (*to == NULL)
        *to = xstrdup(value);
}

/* An answer that is a setting by another name: what --set says of that counts more. */
static void
take_named(struct reading *r, const char **to, enum conf_id id, const char *value)
{
    if (!setup_setting_is_option(r->setup, id))
        take_text(to, value);
}

static void
take_secret(struct reading *r, struct setup_password *to, const char *value)
{
    r->has_secret = true;
    if (to->file == NULL && to->secret == NULL)
        to->secret = xstrdup(value);
}

static void
take_yes_no(struct reading *r, bool *to, const char *value)
{
    if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
        mistake(r, "expected yes or no, not '%s'", value);
    else
        *to = *to || strcmp(value, "yes") == 0;
}

static void
take_addresses(struct reading *r, const char *value)
{
    struct cli_list *list = &r->setup->bind;
    struct slice rest = slice_of(value), word;

    if (setup_setting_is_option(r->setup, SYSTEM_BIND))
        return;
    while (r->bind_options == 0 && rest.len > 0) {
        word = slice_split(&rest, ' ');
        if (word.len > 0 && list->count < CLI_LIST_MAX)
            list->items[list->count++] = xslicedup(word);
    }
}

static void
unknown(struct reading *r, struct slice name)
{
    static const char *const names[] = {"domain",
                                        "hostname",
                                        "port_offset",
                                        "bind",
                                        "profile",
                                        "start",
                                        "admin_password",
                                        "admin_password_file",
                                        "postmaster_password",
                                        "postmaster_password_file"};
    struct suggest suggest = suggest_begin(name);

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        suggest_offer(&suggest, names[i]);
    if (suggest.best != NULL)
        mistake(r, "'%.*s' is no answer; is it '%s'?", (int)name.len, name.ptr, suggest.best);
    else
        mistake(r, "'%.*s' is no answer; settings stand below their [section]", (int)name.len,
                name.ptr);
}

static void
take_answer(struct reading *r, struct slice name, const char *value)
{
    struct setup *s = r->setup;

    if (value[0] == '\0')
        mistake(r, "expected a value behind '='");
    else if (slice_eq(name, SLICE("domain")))
        take_text(&s->domain, value);
    else if (slice_eq(name, SLICE("hostname")))
        take_named(r, &s->hostname, SYSTEM_HOSTNAME, value);
    else if (slice_eq(name, SLICE("port_offset")))
        take_named(r, &s->port_offset, SYSTEM_PORT_OFFSET, value);
    else if (slice_eq(name, SLICE("profile")))
        take_text(&s->profile_name, value);
    else if (slice_eq(name, SLICE("bind")))
        take_addresses(r, value);
    else if (slice_eq(name, SLICE("start")))
        take_yes_no(r, &s->start, value);
    else if (slice_eq(name, SLICE("admin_password_file")))
        take_text(&s->admin.file, value);
    else if (slice_eq(name, SLICE("postmaster_password_file")))
        take_text(&s->postmaster.file, value);
    else if (slice_eq(name, SLICE("admin_password")))
        take_secret(r, &s->admin, value);
    else if (slice_eq(name, SLICE("postmaster_password")))
        take_secret(r, &s->postmaster, value);
    else
        unknown(r, name);
}

/* What an option says of it comes later in the list and counts. */
static void
take_setting(struct reading *r, struct slice name, struct slice value)
{
    struct strbuf dotted = strbuf_new(WORD_MAX);
    int id;

    (void)strbuf_printf(&dotted, "%.*s.%.*s", (int)r->section.len, r->section.ptr, (int)name.len,
                        name.ptr); /* what is too long is unknown */
    id = conf_find(strbuf_slice(&dotted));
    if (id < 0)
        mistake(r, "there is no setting %s", strbuf_cstr(&dotted));
    else if (setup_setting_add(r->setup, (enum conf_id)id, value, SETUP_FROM_FILE) < 0)
        mistake(r, "too many settings");
    strbuf_free(&dotted);
}

static bool
was_seen(struct reading *r, struct slice name)
{
    struct slice all = strbuf_slice(&r->seen);

    while (all.len > 0)
        if (slice_eq(slice_split(&all, '\n'), name))
            return true;
    (void)strbuf_append(&r->seen, name); /* as long as the file at most */
    (void)strbuf_char(&r->seen, '\n');
    return false;
}

static void
take_line(struct reading *r, struct slice text, struct strbuf *value)
{
    struct conf_line line = conf_line_parse(text, value);

    switch (line.kind) {
    case CONF_LINE_SECTION:
        r->section = line.name;
        break;
    case CONF_LINE_BAD:
        mistake(r, "%s", line.problem);
        break;
    case CONF_LINE_SETTING:
        if (r->section.len > 0)
            take_setting(r, line.name, strbuf_slice(value));
        else if (was_seen(r, line.name))
            mistake(r, "'%.*s' is there twice", (int)line.name.len, line.name.ptr);
        else
            take_answer(r, line.name, strbuf_cstr(value));
        break;
    case CONF_LINE_BLANK:
        break;
    }
}

static int
read_answers(struct reading *r, struct strbuf *text)
{
    struct stat st;

    if (stat(r->path, &st) < 0)
        return -1;
    r->is_private = (st.st_mode & 077) == 0;
    return read_file(AT_FDCWD, r->path, text);
}

int
setup_answers_read(struct setup *setup, const char *path)
{
    struct reading r = {.setup = setup,
                        .path = path,
                        .seen = strbuf_new(FILE_MAX),
                        .bind_options = (unsigned)setup->bind.count};
    struct strbuf text = strbuf_new(FILE_MAX), value = strbuf_new(CONF_VALUE_MAX);
    struct slice rest;

    (void)strbuf_room(&text, FILE_MAX); /* growing would leave copies of passwords behind */
    if (read_answers(&r, &text) < 0) {
        r.failed = true;
        (void)cli_fail(setup->cli, "%s: %s", path, strerror(errno));
    }
    for (rest = strbuf_slice(&text); rest.len > 0;) {
        r.line++;
        take_line(&r, slice_split(&rest, '\n'), &value);
    }
    if (r.has_secret && !r.is_private) {
        r.failed = true;
        (void)cli_fail(setup->cli, "%s holds a password and others may read it: chmod 600 %s", path,
                       path);
    }
    setup_wipe(&text);
    setup_wipe(&value);
    strbuf_free(&r.seen);
    if (r.failed)
        (void)cli_fail(setup->cli, "nothing was made");
    return r.failed ? CLI_USAGE : CLI_OK;
}
