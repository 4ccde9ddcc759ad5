/*
 * remote-deliver/relays.c - parses the list of relay hosts and reads the file of their passwords.
 *
 * Both are written by the administrator. The file is read once, by path, before the sandbox; it is
 * wiped from memory, and no line of it stands in an error.
 */
#include "remote-deliver/relays.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/mail/address.h"

enum { SMTPS_PORT = 465 }; /* RFC 8314 section 3.3 */

/* ---- one word of the list ---- */

static bool
take_prefix(struct slice *text, struct slice prefix)
{
    if (!slice_starts_nocase(*text, prefix))
        return false;
    *text = slice_sub(*text, prefix.len, text->len);
    return true;
}

/* "[2001:db8::1]:26", "192.0.2.1:26", "host:26", each with or without the port. 0, or -1. */
static int
split_port(struct slice text, struct slice *name, struct slice *port)
{
    struct address_ip ip;

    *name = text;
    *port = SLICE("");
    if (text.len > 0 && text.ptr[0] == '[') { /* an IPv6 address has colons of its own */
        size_t end = slice_index(text, ']');

        *name = slice_sub(text, 1, end);
        *port = slice_sub(text, end + 1, text.len);
        if (end == text.len || (port->len > 0 && port->ptr[0] != ':') || port->len == 1)
            return -1;
        *port = slice_sub(*port, 1, port->len);
    } else if (address_ip_parse(text, &ip) < 0) {
        *name = slice_sub(text, 0, slice_index(text, ':'));
        *port = slice_sub(text, name->len + 1, text.len);
        if (name->len + 1 == text.len)
            return -1;
    }
    return 0;
}

static int
parse_host(struct slice text, uint16_t default_port, struct relay_host *out)
{
    struct address_ip ip;
    struct slice name, port;
    uint64_t number = default_port;

    if (split_port(text, &name, &port) < 0 || name.len >= sizeof(out->name) ||
        (address_ip_parse(name, &ip) < 0 && !address_is_domain(name, false)))
        return -1;
    if (port.len > 0 && (parse_u64(port, UINT16_MAX, &number) < 0 || number == 0))
        return -1;
    memcpy(out->name, name.ptr, name.len);
    out->port = (uint16_t)number;
    return 0;
}

int
relay_parse(struct slice text, uint16_t default_port, struct relay_host *out)
{
    size_t at;

    memset(out, 0, sizeof(*out));
    out->tls_at_once = take_prefix(&text, SLICE("smtps://"));
    if (out->tls_at_once)
        default_port = SMTPS_PORT;
    else
        (void)take_prefix(&text, SLICE("smtp://")); /* with or without: the same */
    at = slice_rindex(text, '@');
    if (at < text.len) {
        if (at == 0 || at >= sizeof(out->user))
            return -1;
        memcpy(out->user, text.ptr, at);
        text = slice_sub(text, at + 1, text.len);
    }
    return parse_host(text, default_port, out);
}

/* ---- passwords ---- */

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The next word of a line; *line goes on behind the blanks that follow it. */
static struct slice
take_word(struct slice *line)
{
    struct slice word = *line;
    size_t next;

    word.len = 0;
    while (word.len < line->len && !is_blank(line->ptr[word.len]))
        word.len++;
    next = word.len;
    while (next < line->len && is_blank(line->ptr[next]))
        next++;
    *line = slice_sub(*line, next, line->len);
    return word;
}

/* False: the line is no "HOST USER PASSWORD", where the password may hold blanks. */
static bool
take_line(struct relay_host *hosts, size_t count, struct slice line)
{
    struct slice host = take_word(&line), user = take_word(&line);

    if (line.len == 0 || line.len > SMTP_LOGIN_MAX || slice_index(line, '\0') < line.len)
        return false;
    for (size_t i = 0; i < count; i++) {
        struct relay_host *h = &hosts[i];

        if (!slice_eq_nocase(host, slice_of(h->name)) || !slice_eq(user, slice_of(h->user)))
            continue;
        memcpy(h->password, line.ptr, line.len);
        h->password[line.len] = '\0';
        h->login = (struct smtp_login){h->user, h->password};
    }
    return true;
}

static int
take_lines(struct relay_host *hosts, size_t count, const char *path, struct slice text,
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
    if (!S_ISREG(st.st_mode) || st.st_size > RELAYS_FILE_MAX)
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
relays_read_passwords(struct relay_host *hosts, size_t count, const char *path,
                      struct strbuf *error)
{
    struct strbuf text = strbuf_new(RELAYS_FILE_MAX);
    size_t users = 0;
    int rc = 0;

    for (size_t i = 0; i < count; i++)
        users += hosts[i].user[0] != '\0';
    if (users > 0)
        rc = read_file_of_passwords(path, &text, error);
    if (rc == 0)
        rc = take_lines(hosts, count, path, strbuf_slice(&text), error);
    for (size_t i = 0; i < count && rc == 0; i++) {
        if (hosts[i].user[0] == '\0' || hosts[i].password[0] != '\0')
            continue;
        (void)strbuf_printf(error, "%s: no password for user %s at relay host %s", path,
                            hosts[i].user, hosts[i].name);
        rc = -1;
    }
    if (text.ptr != NULL)
        mem_wipe(text.ptr, text.cap);
    strbuf_free(&text);
    return rc;
}
