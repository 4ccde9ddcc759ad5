/*
 * lib/conf/profile.c - sample configurations for common circumstances. Their texts are built
 * in.
 */
#include "lib/conf/profile.h"

#include <string.h>

#include "lib/base/mem.h"
#include "lib/conf/conf_line.h"

const struct profile profiles[] = {
    {"fixed-line", "a host with a fixed address, which the whole Internet reaches",
     profile_fixed_line},
    {"dynamic", "a dial-up line or an address that changes; the provider has the mailbox",
     profile_dynamic},
    {"lan", "mail between people in one house; nothing goes out and nothing comes in", profile_lan},
    {"headquarters", "an organisation whose branches have servers of their own",
     profile_headquarters},
    {"branch", "a branch office that uses the domain of the headquarters", profile_branch},
    {"nat", "a private address behind a router that translates addresses, or behind a proxy",
     profile_nat},
    {NULL, NULL, NULL},
};

const struct profile *
profile_find(const char *name)
{
    for (const struct profile *p = profiles; p->name != NULL; p++)
        if (strcmp(p->name, name) == 0)
            return p;
    return NULL;
}

bool
profile_setting(struct slice *text, struct slice *section, enum conf_id *id, struct strbuf *value,
                struct strbuf *error)
{
    while (text->len > 0) {
        struct conf_line line = conf_line_parse(slice_split(text, '\n'), value);
        struct strbuf name = strbuf_new(256);
        int found;

        if (line.kind == CONF_LINE_SECTION)
            *section = line.name;
        if (line.kind != CONF_LINE_SETTING)
            continue;
        (void)strbuf_printf(&name, "%.*s.%.*s", (int)section->len, section->ptr, (int)line.name.len,
                            line.name.ptr); /* what is too long is unknown */
        found = conf_find(strbuf_slice(&name));
        if (found < 0)
            (void)strbuf_printf(error, "no setting %s", strbuf_cstr(&name));
        strbuf_free(&name);
        if (found < 0)
            return false;
        *id = (enum conf_id)found;
        return true;
    }
    return false;
}

/* The next line that begins with `mark`, without it. */
static bool
next_marked(struct slice *text, struct slice mark, struct slice *rest)
{
    while (text->len > 0) {
        struct slice line = slice_split(text, '\n');

        if (slice_starts(line, mark)) {
            *rest = slice_trim(slice_sub(line, mark.len, line.len));
            return true;
        }
    }
    return false;
}

bool
profile_question(struct slice *text, enum conf_id *id, struct slice *what)
{
    struct slice rest;
    int found;

    if (!next_marked(text, SLICE("#?"), &rest))
        return false;
    found = conf_find(slice_split(&rest, ' '));
    assert_always(found >= 0); /* the texts are ours */
    *id = (enum conf_id)found;
    *what = slice_trim(rest);
    return true;
}

bool
profile_property(struct slice *text, struct slice *words, struct slice *name, struct slice *value)
{
    while (words->len == 0)
        if (!next_marked(text, SLICE("#@"), words))
            return false;
    *value = slice_split(words, ' ');
    *name = slice_split(value, '=');
    return true;
}
