/*
 * lib/conf/services.c - reads services.conf into a table, and tells every error with its line.
 *
 * Input: a file that only the administrator can write; checked so that a slip is named, not obeyed.
 */
#include "lib/conf/services.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/conf/conf_line.h"

struct parser {
    struct services *services;
    struct service_row *row; /* of the section that the line is in; NULL: none yet */
    unsigned seen;           /* names that the section has had, bit per row of `keys` */
    const char *name;
    unsigned line;
    struct strbuf *errors;
    bool failed;
};

__attribute__((format(printf, 2, 3))) static int
fail(struct parser *p, const char *format, ...)
{
    va_list args;

    (void)strbuf_printf(p->errors, "%s:%u: ", p->name, p->line);
    va_start(args, format);
    (void)strbuf_vprintf(p->errors, format, args);
    va_end(args);
    (void)strbuf_char(p->errors, '\n');
    p->failed = true;
    return -1;
}

/* The next word of *text; empty at the end. Commas separate as well. */
static struct slice
next_word(struct slice *text)
{
    size_t from = 0, to;

    while (from < text->len && strchr(" \t,", text->ptr[from]) != NULL)
        from++;
    for (to = from; to < text->len && strchr(" \t,", text->ptr[to]) == NULL; to++) {
    }
    *text = slice_sub(*text, from, text->len);
    return slice_split(text, text->len > to - from ? text->ptr[to - from] : '\0');
}

/* [a-z][a-z0-9.-]*: safe as a file's name and in the environment. */
static int
copy_name(struct parser *p, struct slice from, char to[SERVICE_NAME_MAX + 1])
{
    bool good =
        from.len > 0 && from.len <= SERVICE_NAME_MAX && from.ptr[0] >= 'a' && from.ptr[0] <= 'z';

    for (size_t i = 0; good && i < from.len; i++)
        good = strchr("abcdefghijklmnopqrstuvwxyz0123456789.-", from.ptr[i]) != NULL;
    if (!good)
        return fail(p, "'%.*s': expected a name of a-z, 0-9, '-' and '.', at most %d long",
                    (int)(from.len > 60 ? 60 : from.len), from.ptr, SERVICE_NAME_MAX);
    memcpy(to, from.ptr, from.len);
    to[from.len] = '\0';
    return 0;
}

static int
find_role(struct parser *p, struct slice name)
{
    for (int id = 0; id < CONF_ID_COUNT; id++)
        if (strcmp(conf_settings[id].section, "users") == 0 &&
            slice_eq(name, slice_of(conf_settings[id].name)))
            return id;
    return fail(p, "'%.*s': expected the name of a setting in [users]", (int)name.len, name.ptr);
}

static int
set_program(struct parser *p, struct slice value)
{
    return copy_name(p, value, p->row->program);
}

static int
set_user(struct parser *p, struct slice value)
{
    p->row->user = find_role(p, value);
    return p->row->user < 0 ? -1 : 0;
}

static int
set_startup(struct parser *p, struct slice value)
{
    p->row->always = slice_eq(value, SLICE("always"));
    p->row->automatic = p->row->always || slice_eq(value, SLICE("automatic"));
    if (!p->row->automatic && !slice_eq(value, SLICE("disabled")))
        return fail(p, "startup: expected automatic, always or disabled");
    return 0;
}

static int
set_overlap(struct parser *p, struct slice value)
{
    return parse_bool(value, &p->row->overlap) == 0 ? 0 : fail(p, "overlap: expected yes or no");
}

static int
set_listen(struct parser *p, struct slice value)
{
    for (struct slice word; (word = next_word(&value)).len > 0;) {
        struct slice label = slice_split(&word, ':');
        struct service_listen *listen = &p->row->listens[p->row->listen_count];
        uint64_t port;

        if (p->row->listen_count == SERVICE_LISTENS_MAX)
            return fail(p, "listen: at most %d ports", SERVICE_LISTENS_MAX);
        if (parse_u64(word, 65535, &port) < 0 || port == 0)
            return fail(p, "listen: expected label:port with a port from 1 to 65535");
        if (copy_name(p, label, listen->label) < 0)
            return -1;
        if (port == 25 && slice_eq(label, SLICE("lmtp")))
            return fail(p, "listen: LMTP must not be on port 25 (RFC 2033 section 5)");
        listen->port = (uint16_t)port;
        p->row->listen_count++;
    }
    return 0;
}

static int
set_bind(struct parser *p, struct slice value)
{
    for (struct slice word; (word = next_word(&value)).len > 0;) {
        char *text = xslicedup(word);
        unsigned char address[sizeof(struct in6_addr)];

        if (p->row->bind_count == SERVICE_BINDS_MAX ||
            (inet_pton(AF_INET, text, address) != 1 && inet_pton(AF_INET6, text, address) != 1)) {
            free(text);
            return fail(p, "bind: expected at most %d IP addresses", SERVICE_BINDS_MAX);
        }
        p->row->binds[p->row->bind_count++] = text;
    }
    return 0;
}

static int
parse_mode(struct slice text, mode_t *mode)
{
    mode_t value = 0;

    if (text.len < 3 || text.len > 4)
        return -1;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '7')
            return -1;
        value = value * 8 + (mode_t)(text.ptr[i] - '0');
    }
    if (value > 0777)
        return -1;
    *mode = value;
    return 0;
}

/* NAME MODE [datagram] [group=ROLE] */
static int
read_socket(struct parser *p, struct service_socket *socket, struct slice value)
{
    struct slice name = next_word(&value), word;

    if (copy_name(p, name, socket->name) < 0)
        return -1;
    if (parse_mode(next_word(&value), &socket->mode) < 0)
        return fail(p, "socket: expected an octal mode such as 0600 behind the name");
    while ((word = next_word(&value)).len > 0) {
        if (slice_eq(word, SLICE("datagram"))) {
            socket->is_datagram = true;
        } else if (slice_starts(word, SLICE("group="))) {
            socket->group = find_role(p, slice_sub(word, 6, word.len));
            if (socket->group < 0)
                return -1;
        } else {
            return fail(p, "socket: expected NAME MODE [datagram] [group=ROLE]");
        }
    }
    return 0;
}

static int
set_socket(struct parser *p, struct slice value)
{
    return read_socket(p, &p->row->socket, value);
}

static int
set_datagrams(struct parser *p, struct slice value)
{
    p->row->datagrams.is_datagram = true;
    return read_socket(p, &p->row->datagrams, value);
}

static const struct {
    const char *name;
    int (*set)(struct parser *p, struct slice value);
} keys[] = {
    {"program", set_program}, {"user", set_user},           {"startup", set_startup},
    {"listen", set_listen},   {"bind", set_bind},           {"socket", set_socket},
    {"overlap", set_overlap}, {"datagrams", set_datagrams},
};

static void
end_section(struct parser *p)
{
    if (p->row != NULL && p->row->program[0] == '\0') {
        unsigned here = p->line;

        p->line = p->row->line;
        (void)fail(p, "[%s] has no program", p->row->name);
        p->line = here;
    }
}

static void
begin_section(struct parser *p, struct slice name)
{
    struct service_row *row = &p->services->rows[p->services->count];

    end_section(p);
    p->row = NULL;
    p->seen = 0;
    if (p->services->count == SERVICES_MAX) {
        (void)fail(p, "at most %d services", SERVICES_MAX);
        return;
    }
    *row = (struct service_row){
        .automatic = true, .user = -1, .socket.group = -1, .datagrams.group = -1, .line = p->line};
    if (copy_name(p, name, row->name) < 0)
        return;
    if (services_find(p->services, row->name) != NULL) {
        (void)fail(p, "[%s] is there twice", row->name);
        return;
    }
    p->services->count++;
    p->row = row;
}

static void
set_value(struct parser *p, struct slice name, struct slice value)
{
    if (p->row == NULL) {
        if (p->services->count == 0 && !p->failed)
            (void)fail(p, "expected a [service] before the first setting");
        return; /* inside a section that was refused: one error is enough */
    }
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (!slice_eq(name, slice_of(keys[i].name)))
            continue;
        if (p->seen & 1u << i)
            (void)fail(p, "'%s' is there twice", keys[i].name);
        p->seen |= 1u << i;
        (void)keys[i].set(p, value); /* remembered as failed */
        return;
    }
    (void)fail(
        p, "'%.*s': expected program, user, startup, listen, bind, socket, datagrams or overlap",
        (int)(name.len > 60 ? 60 : name.len), name.ptr);
}

static void
parse_line(struct parser *p, struct slice text, struct strbuf *value)
{
    struct conf_line line = conf_line_parse(text, value);

    switch (line.kind) {
    case CONF_LINE_BLANK:
        return;
    case CONF_LINE_SECTION:
        begin_section(p, line.name);
        return;
    case CONF_LINE_SETTING:
        set_value(p, line.name, strbuf_slice(value));
        return;
    case CONF_LINE_BAD:
        (void)fail(p, "%s", line.problem);
        return;
    }
}

/* Two services with one socket, or one port on the same addresses, would take it from each other.
 */
static bool
has_socket(const struct service_row *row, const struct service_socket *socket)
{
    return socket->name[0] != '\0' && (strcmp(row->socket.name, socket->name) == 0 ||
                                       strcmp(row->datagrams.name, socket->name) == 0);
}

static void
check_sockets(struct parser *p)
{
    const struct services *s = p->services;

    for (size_t j = 0; j < s->count; j++) {
        const struct service_row *row = &s->rows[j];

        p->line = row->line;
        if (row->socket.name[0] != '\0' && strcmp(row->socket.name, row->datagrams.name) == 0)
            (void)fail(p, "[%s] has one name for two sockets", row->name);
        for (size_t i = 0; i < j; i++)
            if (has_socket(&s->rows[i], &row->socket) || has_socket(&s->rows[i], &row->datagrams))
                (void)fail(p, "[%s] has the same socket as [%s]", row->name, s->rows[i].name);
    }
}

struct services *
services_parse(struct slice text, const char *name, struct strbuf *errors)
{
    struct parser p = {.name = name, .errors = errors};
    struct strbuf value = strbuf_new(CONF_VALUE_MAX);

    p.services = xcalloc(1, sizeof(*p.services));
    while (text.len > 0) {
        p.line++;
        parse_line(&p, slice_split(&text, '\n'), &value);
    }
    end_section(&p);
    check_sockets(&p);
    strbuf_free(&value);
    if (p.failed)
        services_free(&p.services);
    return p.services;
}

struct services *
services_load(const char *path, struct strbuf *errors)
{
    struct strbuf text = strbuf_new(CONF_FILE_MAX);
    struct services *services = NULL;

    if (read_file(AT_FDCWD, path, &text) == 0)
        services = services_parse(strbuf_slice(&text), path, errors);
    else if (errno == ENOENT)
        services = services_parse(slice_of(services_default_text), path, errors);
    else
        (void)strbuf_printf(errors, "%s: %s\n", path, strerror(errno));
    strbuf_free(&text);
    return services;
}

void
services_free(struct services **servicesp)
{
    struct services *s = *servicesp;

    if (s == NULL)
        return;
    for (size_t i = 0; i < s->count; i++)
        for (size_t b = 0; b < s->rows[i].bind_count; b++)
            free(s->rows[i].binds[b]);
    xfree(servicesp);
}

const struct service_row *
services_find(const struct services *services, const char *name)
{
    for (size_t i = 0; i < services->count; i++)
        if (strcmp(services->rows[i].name, name) == 0)
            return &services->rows[i];
    return NULL;
}

size_t
service_binds(const struct service_row *row, const struct conf *conf, const char **out, size_t max)
{
    size_t count = row->bind_count > 0 ? row->bind_count : conf_list_count(conf, SYSTEM_BIND);

    if (count > max)
        count = max;
    for (size_t i = 0; i < count; i++)
        out[i] = row->bind_count > 0 ? row->binds[i] : conf_list_item(conf, SYSTEM_BIND, i);
    return count;
}

int
services_check_ports(const struct services *services, const char *name, uint64_t offset,
                     struct strbuf *errors)
{
    int rc = 0;

    for (size_t i = 0; i < services->count; i++) {
        const struct service_row *row = &services->rows[i];

        for (size_t l = 0; l < row->listen_count; l++) {
            if (row->listens[l].port + offset <= 65535)
                continue;
            (void)strbuf_printf(errors,
                                "%s:%u: [%s] port %u plus system.port_offset is over 65535\n", name,
                                row->line, row->name, row->listens[l].port);
            rc = -1;
        }
    }
    return rc;
}
