/*
 * posthorn/api_profile.c - connection profiles of `api call`. Reads one file, which is the
 * caller's.
 */
#include "posthorn/api_profile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/conf/conf_line.h"

#define FILE_MAX_BYTES 65536
#define TEXT_MAX 1024

struct api_profile
api_profile_new(void)
{
    return (struct api_profile){.server = strbuf_new(TEXT_MAX),
                                .admin = strbuf_new(TEXT_MAX),
                                .certificates = strbuf_new(TEXT_MAX),
                                .password = strbuf_new(TEXT_MAX)};
}

void
api_profile_free(struct api_profile *p)
{
    if (p->password.ptr != NULL)
        mem_wipe(p->password.ptr, p->password.cap);
    strbuf_free(&p->password);
    strbuf_free(&p->server);
    strbuf_free(&p->admin);
    strbuf_free(&p->certificates);
}

/* The caller frees. */
static char *
file_name(void)
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

    if (config != NULL && config[0] == '/')
        return xasprintf("%s/posthorn/profiles.conf", config);
    return xasprintf("%s/.config/posthorn/profiles.conf", home == NULL ? "" : home);
}

static int
set(const struct cli *cli, const char *path, struct api_profile *p, const struct conf_line *line,
    struct slice value)
{
    const struct {
        const char *name;
        struct strbuf *to;
    } known[] = {{"server", &p->server},
                 {"admin", &p->admin},
                 {"certificates", &p->certificates},
                 {"password", &p->password}};

    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (!slice_eq(line->name, slice_of(known[i].name)))
            continue;
        strbuf_clear(known[i].to);
        return strbuf_append(known[i].to, value)
                   ? CLI_OK
                   : cli_fail(cli, "%s: %s is too long", path, known[i].name);
    }
    return cli_fail(cli, "%s: '%.*s': expected server, admin, certificates or password", path,
                    (int)line->name.len, line->name.ptr);
}

static int
parse(const struct cli *cli, const char *path, struct slice text, const char *name,
      struct api_profile *p)
{
    struct strbuf value = strbuf_new(CONF_VALUE_MAX);
    bool here = false, found = false;
    int rc = CLI_OK;

    while (text.len > 0 && rc == CLI_OK) {
        struct conf_line line = conf_line_parse(slice_split(&text, '\n'), &value);

        if (line.kind == CONF_LINE_SECTION) {
            here = slice_eq(line.name, slice_of(name));
            found = found || here;
        } else if (line.kind == CONF_LINE_BAD) {
            rc = cli_fail(cli, "%s: %s", path, line.problem);
        } else if (line.kind == CONF_LINE_SETTING && here) {
            rc = set(cli, path, p, &line, strbuf_slice(&value));
        }
    }
    if (value.ptr != NULL)
        mem_wipe(value.ptr, value.cap);
    strbuf_free(&value);
    if (rc == CLI_OK && !found)
        rc = cli_fail(cli, "%s: there is no profile '%s'", path, name);
    return rc;
}

int
api_profile_load(const struct cli *cli, const char *name, struct api_profile *p)
{
    struct strbuf text = strbuf_new(FILE_MAX_BYTES);
    char *path = file_name();
    struct stat st;
    int rc;

    (void)strbuf_room(&text, FILE_MAX_BYTES); /* growing would leave copies behind */
    if (stat(path, &st) < 0 || read_file(AT_FDCWD, path, &text) < 0)
        rc = cli_fail(cli, "%s: %s", path, strerror(errno));
    else
        rc = parse(cli, path, strbuf_slice(&text), name, p);
    if (rc == CLI_OK && p->password.len > 0 && (st.st_mode & 077) != 0)
        rc = cli_fail(cli, "%s has a password in it, and others can read it: chmod 600 it", path);
    if (text.ptr != NULL)
        mem_wipe(text.ptr, text.cap);
    strbuf_free(&text);
    free(path);
    return rc;
}
