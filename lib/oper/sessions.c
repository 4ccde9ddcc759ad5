/*
 * lib/oper/sessions.c - who is connected now, and that they go. Reads the tables below run/stats
 * and /proc; signals sessions.
 */
#include "lib/oper/sessions.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/oper/oper.h"
#include "lib/sys/session_table.h"

enum { STAT_MAX = 4096, ANCESTORS = 3 };

struct search {
    const struct sessions_wanted *wanted;
    void (*each)(void *arg, const struct object_field *fields, uint32_t count); /* NULL: end them */
    void *arg;
    unsigned ended;
};

/* ---- is it ours? ---- */

/* Name and parent of a process: "12 (smtpd) S 11 ...". */
static bool
look_up(pid_t pid, char name[32], pid_t *parent)
{
    struct strbuf text = strbuf_new(STAT_MAX);
    char path[64];
    struct slice line, comm;
    uint64_t number = 0;
    bool good;

    (void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    good = read_file(AT_FDCWD, path, &text) == 0;
    line = strbuf_slice(&text);
    comm = slice_sub(line, slice_index(line, '(') + 1, slice_rindex(line, ')'));
    line = slice_sub(line, slice_rindex(line, ')') + 2, line.len);
    (void)slice_split(&line, ' '); /* the state */
    good = good && parse_u64(slice_split(&line, ' '), INT32_MAX, &number) == 0;
    (void)snprintf(name, 32, "%.*s", (int)comm.len, comm.ptr);
    *parent = (pid_t)number;
    strbuf_free(&text);
    return good;
}

/* A session's process is a child of the forker, that of the service's parent, that of master: three
 * of one program, and nobody else may be ended by a table that somebody has forged. */
static bool
is_below_master(pid_t pid)
{
    char program[32] = "", name[32] = "";

    for (int i = 0; i < ANCESTORS; i++) {
        if (!look_up(pid, i == 0 ? program : name, &pid) || pid <= 1)
            return false;
        if (i > 0 && strcmp(program, name) != 0)
            return false;
    }
    return look_up(pid, name, &pid) && strcmp(name, "master") == 0;
}

/* ---- the sessions ---- */

static bool
has_word(struct slice words, const char *wanted)
{
    while (words.len > 0)
        if (slice_eq(slice_split(&words, ' '), slice_of(wanted)))
            return true;
    return false;
}

static bool
matches(const char *wanted, const char *value)
{
    return wanted == NULL || wanted[0] == '\0' || slice_eq(slice_of(wanted), slice_of(value));
}

static bool
is_wanted(const struct sessions_wanted *wanted, const struct session_row *row)
{
    return (wanted->sessions.len == 0 || has_word(wanted->sessions, row->id)) &&
           matches(wanted->service, row->label) && matches(wanted->client, row->client_ip) &&
           (wanted->user == NULL || wanted->user[0] == '\0' ||
            slice_eq_nocase(slice_of(wanted->user), slice_of(row->user)));
}

static void
use_row(const struct search *search, const struct session_row *row)
{
    struct strbuf since = strbuf_new(64);
    char port[8], seconds[24];

    (void)clock_rfc3339(row->since_ms, &since); /* fits */
    (void)snprintf(port, sizeof(port), "%u", row->client_port);
    (void)snprintf(seconds, sizeof(seconds), "%lld",
                   (long long)((clock_real_ms() - row->since_ms) / 1000));
    search->each(search->arg,
                 (const struct object_field[]){{SLICE("session"), slice_of(row->id)},
                                               {SLICE("service"), slice_of(row->label)},
                                               {SLICE("client"), slice_of(row->client_ip)},
                                               {SLICE("port"), slice_of(port)},
                                               {SLICE("tls"), slice_of(row->tls ? "yes" : "no")},
                                               {SLICE("user"), slice_of(row->user)},
                                               {SLICE("since"), strbuf_slice(&since)},
                                               {SLICE("seconds"), slice_of(seconds)}},
                 8);
    strbuf_free(&since);
}

static void
take_row(void *arg, const struct session_row *row)
{
    struct search *search = arg;

    if (!is_wanted(search->wanted, row) || !is_below_master(row->pid))
        return;
    if (search->each != NULL)
        use_row(search, row);
    else if (kill(row->pid, SIGTERM) == 0) /* else it has ended by itself */
        search->ended++;
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int
is_table(const struct dirent *entry)
{
    return slice_starts(slice_of(entry->d_name), SLICE(SESSION_TABLE_PREFIX));
}

static int
search_tables(const struct instance *inst, struct search *search)
{
    struct dirent **names = NULL;
    char *path = xasprintf("%s/stats", inst->run);
    int dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), saved;
    int count = dirfd < 0 ? -1 : scandir(path, &names, is_table, by_name);

    saved = errno;
    for (int i = 0; i < count; i++) {
        /* one that cannot be read has just been taken away: its service is no more */
        (void)session_table_read(dirfd, names[i]->d_name + strlen(SESSION_TABLE_PREFIX), take_row,
                                 search);
        free(names[i]);
    }
    free(names);
    close_keep_errno(dirfd);
    free(path);
    errno = saved;
    return count < 0 ? -1 : 0;
}

int
sessions_each(const struct instance *inst, const struct sessions_wanted *wanted,
              void (*each)(void *arg, const struct object_field *fields, uint32_t count), void *arg)
{
    struct search search = {.wanted = wanted, .each = each, .arg = arg};

    return search_tables(inst, &search);
}

int
sessions_end(const struct instance *inst, const struct sessions_wanted *wanted, unsigned *ended)
{
    struct search search = {.wanted = wanted};
    int rc = search_tables(inst, &search);

    *ended = search.ended;
    return rc;
}

/* ---- the operations ---- */

void
oper_connections_list(struct oper *op)
{
    char *service = xslicedup(oper_field(op, "within"));
    const struct sessions_wanted wanted = {.service = service};

    if (sessions_each(op->inst, &wanted, oper_list_row, op) < 0)
        oper_fail(op, OPER_REFUSED, "the tables of sessions cannot be read: %s", strerror(errno));
    free(service);
}

void
oper_connections_kick(struct oper *op)
{
    char *client = xslicedup(oper_field(op, "client")), *user = xslicedup(oper_field(op, "user")),
         number[16];
    const struct sessions_wanted wanted = {
        .client = client, .user = user, .sessions = oper_field(op, "sessions")};
    unsigned ended = 0;

    if ((wanted.sessions.len > 0) + (client[0] != '\0') + (user[0] != '\0') != 1) {
        oper_fail(op, OPER_BAD, "expected either sessions or a user or a client");
    } else if (sessions_end(op->inst, &wanted, &ended) < 0) {
        oper_fail(op, OPER_REFUSED, "the tables of sessions cannot be read: %s", strerror(errno));
    } else if (ended == 0) {
        oper_fail(op, OPER_UNKNOWN, "there is no such session");
    } else {
        (void)snprintf(number, sizeof(number), "%u", ended);
        object_add(&op->data, &(const struct object_field){SLICE("sessions"), slice_of(number)}, 1);
        for (uint32_t i = 0; i < op->request->field_count; i++)
            oper_tell(op, op->request->fields[i].name, SLICE(""), op->request->fields[i].value);
    }
    free(client);
    free(user);
}
