/*
 * posthorn/config_doc.c - the reference of the settings, from their one table: as text for the
 * terminal, as manual page, as sample file. Reads nothing, prints on stdout.
 */
#include "posthorn/config_doc.h"

#include <stdio.h>
#include <string.h>

#include "lib/conf/conf.h"
#include "lib/conf/conf_new.h"

static bool
is_asked_for(const struct conf_setting *s, const char *name)
{
    size_t section_len = strlen(s->section);

    if (name == NULL || strcmp(name, s->section) == 0)
        return true;
    return strncmp(name, s->section, section_len) == 0 && name[section_len] == '.' &&
           strcmp(name + section_len + 1, s->name) == 0;
}

size_t
config_doc_text(const char *name)
{
    const char *section = "";
    size_t count = 0;

    for (int id = 0; id < CONF_ID_COUNT; id++) {
        const struct conf_setting *s = &conf_settings[id];
        struct strbuf expected = strbuf_new(1024);

        if (!is_asked_for(s, name))
            continue;
        if (strcmp(section, s->section) != 0)
            (void)printf("%s[%s]\n", section[0] != '\0' ? "\n" : "", s->section);
        section = s->section;
        conf_expected((enum conf_id)id, &expected);
        (void)printf("%s = %s\n    %s.\n    Takes %s.\n", s->name, s->dflt, s->help,
                     strbuf_cstr(&expected));
        strbuf_free(&expected);
        count++;
    }
    return count;
}

/* A backslash and a control character at the start of a line mean something to roff. */
static void
put_roff(const char *text)
{
    if (text[0] == '.' || text[0] == '\'')
        (void)fputs("\\&", stdout);
    for (; *text != '\0'; text++) {
        if (*text == '\\')
            (void)fputs("\\e", stdout);
        else
            (void)putchar(*text);
    }
    (void)putchar('\n');
}

static void
put_setting(enum conf_id id)
{
    const struct conf_setting *s = &conf_settings[id];
    struct strbuf expected = strbuf_new(1024);

    (void)printf(".It Cm %s\n", s->name);
    (void)strbuf_printf(&expected, "%s.", s->help);
    put_roff(strbuf_cstr(&expected));
    strbuf_clear(&expected);
    (void)puts(".br");
    (void)strbuf_str(&expected, "Takes ");
    conf_expected(id, &expected);
    if (s->dflt[0] != '\0')
        (void)strbuf_printf(&expected, "; the default is %s", s->dflt);
    (void)strbuf_char(&expected, '.');
    put_roff(strbuf_cstr(&expected));
    strbuf_free(&expected);
}

void
config_doc_man(void)
{
    static const char head[] =
        ".\\\" Made by `posthorn config doc --man` from lib/conf/settings.def.\n"
        ".Dd November 23, 2026\n.Dt POSTHORN.CONF 5\n.Os Posthorn\n.Sh NAME\n.Nm posthorn.conf\n"
        ".Nd settings of the Posthorn mail server\n.Sh DESCRIPTION\n"
        "A text file of sections, settings and comments:\n.Bd -literal -offset indent\n"
        "# a comment\n[section]\nname = value      # a comment behind it\n"
        "name = \"a value # in quotes\"\n.Ed\n.Pp\n"
        "Sizes are written as 512K, 20M or 3G (powers of 1024), times as 90s, 15m, 2h or 5d,\n"
        "switches as yes or no, lists as words separated by white space.\n.Pp\n"
        ".Ql posthorn config set section.name value\nchanges one line and keeps the rest;\n"
        ".Ql posthorn config check\nfinds errors;\n.Ql posthorn reload\n"
        "puts the file in force, unless there is an error in it.\n.Sh SETTINGS\n";
    const char *section = "";

    (void)fputs(head, stdout);
    for (int id = 0; id < CONF_ID_COUNT; id++) {
        if (strcmp(section, conf_settings[id].section) != 0)
            (void)printf("%s.Ss [%s]\n.Bl -tag -width Ds\n", section[0] != '\0' ? ".El\n" : "",
                         conf_settings[id].section);
        section = conf_settings[id].section;
        put_setting((enum conf_id)id);
    }
    (void)puts(".El\n.Sh SEE ALSO\n.Xr posthorn 8 ,\n.Xr services.conf 5");
}

void
config_doc_sample(void)
{
    struct strbuf text = strbuf_new(CONF_FILE_MAX);

    conf_new_text(&text);
    (void)fputs(strbuf_cstr(&text), stdout);
    strbuf_free(&text);
}
