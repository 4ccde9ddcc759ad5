/*
 * posthorn/sandbox_report.c - every process of the suite, and what it has given up.
 *
 * The kernel's word (/proc) for user, root, capabilities, no_new_privs and seccomp; for Landlock,
 * which /proc does not show, the process table that the daemons keep in shared memory. That memory
 * may have been written by a session that was taken over: it is shown, not believed for anything.
 */
#include "posthorn/sandbox_report.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/sys/stats.h"
#include "posthorn/output.h"

#define STATUS_MAX 16384
#define PROCESSES_MAX 32768

struct process {
    pid_t pid, parent;
    bool ours;
};

struct report {
    struct process *processes; /* all of the machine, by pid as /proc lists them */
    size_t count;
    struct stats_process *rows;
    char (*services)[64]; /* of rows, by index */
    size_t row_count;
};

static const struct column columns[] = {
    {"pid", COLUMN_NUMBER, false},          {"service", COLUMN_TEXT, false},
    {"program", COLUMN_TEXT, false},        {"role", COLUMN_TEXT, false},
    {"state", COLUMN_TEXT, false},          {"user", COLUMN_TEXT, false},
    {"chroot", COLUMN_TEXT, false},         {"capabilities", COLUMN_TEXT, false},
    {"no_new_privs", COLUMN_BOOL, false},   {"seccomp", COLUMN_TEXT, false},
    {"landlock_abi", COLUMN_NUMBER, false}, {"landlock_layers", COLUMN_NUMBER, false},
};

/* The value of "Name:\tvalue" in /proc/PID/status. */
static struct slice
status_field(struct slice text, const char *name)
{
    while (text.len > 0) {
        struct slice line = slice_split(&text, '\n');

        if (slice_eq(slice_split(&line, ':'), slice_of(name)))
            return slice_trim(line);
    }
    return SLICE("");
}

static bool
read_proc(pid_t pid, const char *file, struct strbuf *out)
{
    char path[64];

    strbuf_clear(out);
    (void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
    return read_file(AT_FDCWD, path, out) == 0;
}

static void
list_processes(struct report *r)
{
    struct strbuf text = strbuf_new(STATUS_MAX);
    DIR *proc = opendir("/proc");
    const struct dirent *entry;
    uint64_t pid, parent;

    r->processes = xcalloc(PROCESSES_MAX, sizeof(*r->processes));
    while (proc != NULL && r->count < PROCESSES_MAX && (entry = readdir(proc)) != NULL) {
        if (parse_u64(slice_of(entry->d_name), INT_MAX, &pid) < 0 ||
            !read_proc((pid_t)pid, "status", &text) ||
            parse_u64(status_field(strbuf_slice(&text), "PPid"), INT_MAX, &parent) < 0)
            continue;
        r->processes[r->count++] = (struct process){.pid = (pid_t)pid, .parent = (pid_t)parent};
    }
    if (proc != NULL)
        (void)closedir(proc); /* nothing was written through it */
    strbuf_free(&text);
}

static bool
is_ours(const struct report *r, pid_t pid)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->processes[i].pid == pid)
            return r->processes[i].ours;
    return false;
}

/* Marks master and, generation by generation, what descends from it. */
static void
mark_family(struct report *r, pid_t master)
{
    bool more = true;

    for (size_t i = 0; i < r->count; i++)
        r->processes[i].ours = r->processes[i].pid == master;
    while (more) {
        more = false;
        for (size_t i = 0; i < r->count; i++) {
            if (r->processes[i].ours || !is_ours(r, r->processes[i].parent))
                continue;
            r->processes[i].ours = true;
            more = true;
        }
    }
}

static void
read_service(struct report *r, int dirfd, const char *service)
{
    struct stats *stats = stats_open(dirfd, service, false);
    size_t got;

    if (stats == NULL)
        return;
    got = stats_processes(stats, r->rows + r->row_count, PROCESSES_MAX - r->row_count);
    for (size_t i = 0; i < got; i++)
        (void)snprintf(r->services[r->row_count + i], sizeof(r->services[0]), "%.63s", service);
    r->row_count += got;
    stats_close(&stats);
}

static void
read_tables(const struct cli *cli, struct report *r)
{
    char *path = xasprintf("%s/stats", cli->inst.run);
    DIR *dir = opendir(path);
    const struct dirent *entry;

    r->rows = xcalloc(PROCESSES_MAX, sizeof(*r->rows));
    r->services = xcalloc(PROCESSES_MAX, sizeof(*r->services));
    while (dir != NULL && (entry = readdir(dir)) != NULL)
        if (entry->d_name[0] != '.')
            read_service(r, dirfd(dir), entry->d_name);
    if (dir != NULL)
        (void)closedir(dir); /* nothing was written through it */
    free(path);
}

static void
put_user(struct slice uids, struct strbuf *out)
{
    struct slice first = slice_split(&uids, '\t');
    const struct passwd *pw;
    uint64_t uid;

    if (parse_u64(first, UINT32_MAX, &uid) < 0)
        return;
    pw = getpwuid((uid_t)uid);
    if (pw != NULL)
        (void)strbuf_str(out, pw->pw_name);
    else
        (void)strbuf_u64(out, uid);
}

static void
put_root(pid_t pid, struct strbuf *out)
{
    char path[64], target[PATH_MAX];
    ssize_t len;

    (void)snprintf(path, sizeof(path), "/proc/%d/root", pid);
    len = readlink(path, target, sizeof(target));
    if (len < 0)
        (void)strbuf_str(out, "?");
    else if (len == 1)
        (void)strbuf_str(out, "none");
    else
        (void)strbuf_append(out, slice_make(target, (size_t)len));
}

/* By bit, as in <linux/capability.h>. */
static const char *const capability_names[] = {
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
    "mac_override",
    "mac_admin",
    "syslog",
    "wake_alarm",
    "block_suspend",
    "audit_read",
    "perfmon",
    "bpf",
    "checkpoint_restore",
};

/* "none", "all", or the names. */
static void
put_capabilities(struct slice hex, struct strbuf *out)
{
    uint64_t held, all = (1ull << ARRAY_LEN(capability_names)) - 1;
    char text[32] = "";
    const char *comma = "";

    (void)snprintf(text, sizeof(text), "%.*s", (int)(hex.len > 16 ? 16 : hex.len), hex.ptr);
    held = strtoull(text, NULL, 16);
    if (held == 0 || (held & all) == all)
        (void)strbuf_str(out, held == 0 ? "none" : "all");
    for (size_t bit = 0; bit < 64 && held != 0 && (held & all) != all; bit++) {
        if ((held >> bit & 1) == 0)
            continue;
        if (bit < ARRAY_LEN(capability_names))
            (void)strbuf_printf(out, "%s%s", comma, capability_names[bit]);
        else
            (void)strbuf_printf(out, "%s%zu", comma, bit);
        comma = ",";
    }
}

static const char *
seccomp_name(struct slice mode)
{
    if (slice_eq(mode, SLICE("2")))
        return "filter";
    return slice_eq(mode, SLICE("1")) ? "strict" : "off";
}

static const struct stats_process *
find_row(const struct report *r, pid_t pid, const char **service)
{
    for (size_t i = 0; i < r->row_count; i++) {
        if (r->rows[i].pid != pid)
            continue;
        *service = r->services[i];
        return &r->rows[i];
    }
    return NULL;
}

/* The service of a process that has no row of its own: that of its nearest ancestor. */
static const char *
service_of(const struct report *r, pid_t pid, pid_t master)
{
    const char *service = "";

    for (size_t depth = 0; depth < 8 && pid > 1; depth++) {
        pid_t parent = 0;

        if (pid == master)
            return "master";
        if (find_row(r, pid, &service) != NULL)
            return service;
        for (size_t i = 0; i < r->count; i++)
            if (r->processes[i].pid == pid)
                parent = r->processes[i].parent;
        pid = parent;
    }
    return "";
}

static void
add_process(const struct report *r, struct table *table, pid_t pid, pid_t master)
{
    struct strbuf text = strbuf_new(STATUS_MAX), user = strbuf_new(256),
                  root = strbuf_new(PATH_MAX);
    struct strbuf caps = strbuf_new(256);
    const char *service = service_of(r, pid, master), *ignored;
    const struct stats_process *row = find_row(r, pid, &ignored);
    char number[24], abi[24] = "", layers[24] = "";
    struct slice status;

    if (read_proc(pid, "status", &text)) { /* else it has just ended */
        status = strbuf_slice(&text);
        put_user(status_field(status, "Uid"), &user);
        put_root(pid, &root);
        put_capabilities(status_field(status, "CapPrm"), &caps);
        (void)snprintf(number, sizeof(number), "%d", pid);
        if (row != NULL) {
            (void)snprintf(abi, sizeof(abi), "%d", row->landlock_abi);
            (void)snprintf(layers, sizeof(layers), "%u", row->landlock_layers);
        }
        table_add(table,
                  (const struct object_field[]){
                      {SLICE("pid"), slice_of(number)},
                      {SLICE("service"), slice_of(service)},
                      {SLICE("program"), status_field(status, "Name")},
                      {SLICE("role"), slice_of(row == NULL ? "" : row->role)},
                      {SLICE("state"), slice_of(row == NULL ? "" : row->state)},
                      {SLICE("user"), strbuf_slice(&user)},
                      {SLICE("chroot"), strbuf_slice(&root)},
                      {SLICE("capabilities"), strbuf_slice(&caps)},
                      {SLICE("no_new_privs"), status_field(status, "NoNewPrivs")},
                      {SLICE("seccomp"), slice_of(seccomp_name(status_field(status, "Seccomp")))},
                      {SLICE("landlock_abi"), slice_of(abi)},
                      {SLICE("landlock_layers"), slice_of(layers)},
                  },
                  12);
    }
    strbuf_free(&text);
    strbuf_free(&user);
    strbuf_free(&root);
    strbuf_free(&caps);
}

int
sandbox_report_print(struct cli *cli, pid_t master)
{
    struct report r = {0};
    struct table *table = table_new(columns, ARRAY_LEN(columns));

    list_processes(&r);
    mark_family(&r, master);
    read_tables(cli, &r);
    for (size_t i = 0; i < r.count; i++)
        if (r.processes[i].ours)
            add_process(&r, table, r.processes[i].pid, master);
    table_print(&table, cli->json);
    free(r.processes);
    free(r.rows);
    free(r.services);
    return CLI_OK;
}
