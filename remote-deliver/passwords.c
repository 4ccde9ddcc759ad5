/*
 * remote-deliver/passwords.c - reads the file of what we log in with at other servers.
 *
 * Written by the administrator, read once, by path, before the sandbox; the text is wiped from
 * memory, and no line of it stands in an error.
 */
#include "remote-deliver/passwords.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/io.h"
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

/* All of a file that is for its owner's eyes. NULL, or what is wrong with it. */
static const char *
read_private(int fd, struct strbuf *text)
{
    struct stat st;
    char *room;

    if (fd < 0 || fstat(fd, &st) < 0)
        return strerror(errno);
    if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return "others than its owner have access: chmod 600 it";
    if (!S_ISREG(st.st_mode) || st.st_size > PASSWORDS_FILE_MAX)
        return "not a file of at most 64 KiB";
    room = strbuf_room(text, (size_t)st.st_size);
    if (room == NULL || read_exact(fd, room, (size_t)st.st_size) < 0)
        return strerror(errno);
    strbuf_grew(text, (size_t)st.st_size);
    return NULL;
}

static int
read_file_of_passwords(const char *path, struct strbuf *text, struct strbuf *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    const char *trouble = read_private(fd, text);

    if (trouble != NULL)
        (void)strbuf_printf(error, "%s: %s", path, trouble);
    close_keep_errno(fd);
    return trouble == NULL ? 0 : -1;
}

int
passwords_read(struct host *hosts, size_t count, const char *path, struct strbuf *error)
{
    struct strbuf text = strbuf_new(PASSWORDS_FILE_MAX);
    size_t users = 0;
    int rc = 0;

    for (size_t i = 0; i < count; i++)
        users += hosts[i].route.user != NULL;
    if (users > 0)
        rc = read_file_of_passwords(path, &text, error);
    if (rc == 0)
        rc = take_lines(hosts, count, path, strbuf_slice(&text), error);
    for (size_t i = 0; i < count && rc == 0; i++) {
        if (hosts[i].route.user == NULL || hosts[i].password != NULL)
            continue;
        (void)strbuf_printf(error, "%s: no password for user %s at %s", path, hosts[i].route.user,
                            hosts[i].route.name);
        rc = -1;
    }
    if (text.ptr != NULL)
        mem_wipe(text.ptr, text.cap);
    strbuf_free(&text);
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
