/*
 * lib/remote/passwords.c - reads the file of what we log in with at other servers.
 *
 * Written by the administrator, read once, by path, before the sandbox; the text is wiped from
 * memory, and no line of it stands in an error.
 */
#include "lib/remote/passwords.h"

#include <string.h>

#include "lib/base/mem.h"

/* False: the line is no "HOST USER PASSWORD", where the password may hold blanks. */
static bool
take_line(struct host *hosts, size_t count, struct slice line)
{
    struct slice host = route_word(&line), user = route_word(&line);

    if (line.len == 0 || line.len > SMTP_LOGIN_MAX || slice_index(line, '\0') < line.len)
        return false;
    for (size_t i = 0; i < count; i++) {
        struct host *h = &hosts[i];

        if (h->route.user == NULL || h->password != NULL ||
            !slice_eq_nocase(host, slice_of(h->route.name)) ||
            !slice_eq(user, slice_of(h->route.user)))
            continue;
        h->password = xslicedup(line);
        h->login = (struct smtp_login){h->route.user, h->password};
    }
    return true;
}

static int
take_lines(struct host *hosts, size_t count, const char *path, struct slice text,
           struct strbuf *error)
{
    for (unsigned number = 1; text.len > 0; number++) {
        struct slice line = slice_trim(slice_split(&text, '\n'));

        if (line.len == 0 || line.ptr[0] == '#' || take_line(hosts, count, line))
            continue;
        (void)strbuf_printf(error, "%s:%u: expected HOST USER PASSWORD", path, number);
        return -1;
    }
    return 0;
}

int
passwords_read(struct host *hosts, size_t count, const struct secret_place *place,
               struct strbuf *error)
{
    struct strbuf text = strbuf_new(SECRET_FILE_MAX);
    size_t users = 0;
    int rc = 0;

    for (size_t i = 0; i < count; i++)
        users += hosts[i].route.user != NULL;
    if (users > 0)
        rc = secret_file_open(place, &text, error);
    if (rc == 0)
        rc = take_lines(hosts, count, place->path, strbuf_slice(&text), error);
    for (size_t i = 0; i < count && rc == 0; i++) {
        if (hosts[i].route.user == NULL || hosts[i].password != NULL)
            continue;
        (void)strbuf_printf(error, "%s: no password for user %s at %s", place->path,
                            hosts[i].route.user, hosts[i].route.name);
        rc = -1;
    }
    secret_wipe(&text);
    return rc;
}

void
host_clear(struct host *host)
{
    if (host->password != NULL)
        mem_wipe(host->password, strlen(host->password));
    xfree(&host->password);
    route_host_clear(&host->route);
}
