/*
 * lib/oper/host.c - what the server runs on: product, operating system, memory, disks, uptimes.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "lib/base/io.h"
#include "lib/base/parse.h"
#include "lib/oper/master_call.h"
#include "lib/oper/oper.h"

enum { FIELDS = 14, NUMBER_SIZE = 24, STATUS_MS = 5000, OS_RELEASE_MAX = 65536 };

struct host {
    struct object_field fields[FIELDS];
    char numbers[FIELDS][NUMBER_SIZE];
    uint32_t count;
};

static void
add_text(struct host *host, const char *name, struct slice value)
{
    host->fields[host->count++] = (struct object_field){slice_of(name), value};
}

static void
add_number(struct host *host, const char *name, uint64_t value)
{
    char *text = host->numbers[host->count];

    (void)snprintf(text, NUMBER_SIZE, "%llu", (unsigned long long)value);
    add_text(host, name, slice_of(text));
}

/* PRETTY_NAME of os-release(5), without its quotes. */
static void
read_system(struct strbuf *out)
{
    struct strbuf text = strbuf_new(OS_RELEASE_MAX);
    struct slice rest;

    if (read_file(AT_FDCWD, "/etc/os-release", &text) < 0) {
        strbuf_clear(&text);
        (void)read_file(AT_FDCWD, "/usr/lib/os-release", &text); /* then it is "Linux" */
    }
    for (rest = strbuf_slice(&text); rest.len > 0;) {
        struct slice value = slice_split(&rest, '\n'), name = slice_split(&value, '=');

        if (!slice_eq(name, SLICE("PRETTY_NAME")))
            continue;
        if (slice_starts(value, SLICE("\"")) && slice_ends(value, SLICE("\"")) && value.len >= 2)
            value = slice_sub(value, 1, value.len - 1);
        (void)strbuf_append(out, value);
        break;
    }
    if (out->len == 0)
        (void)strbuf_str(out, "Linux");
    strbuf_free(&text);
}

static void
add_disk(struct host *host, const char *path, const char *total, const char *available)
{
    struct statvfs st;

    if (statvfs(path, &st) < 0)
        memset(&st, 0, sizeof(st));
    add_number(host, total, (uint64_t)st.f_blocks * st.f_frsize);
    add_number(host, available, (uint64_t)st.f_bavail * st.f_frsize);
}

/* Seconds since the suite was started; empty if master does not answer. */
static void
read_uptime(const struct oper *op, struct strbuf *out)
{
    static struct object_field fields[OBJECT_FIELDS_MAX];
    struct master_call *master = master_call_new(op->inst);
    struct master_reply reply;
    int count;

    if (master != NULL && master_call_ask(master, "status", "", STATUS_MS, &reply) == 0 &&
        (count = object_next(&reply.data, fields)) > 0)
        (void)strbuf_append(out, object_get(fields, (uint32_t)count, "uptime"));
    master_call_free(&master);
}

/* The first line of a small file of the kernel's. */
static void
read_line(const char *path, struct strbuf *out)
{
    struct strbuf text = strbuf_new(OS_RELEASE_MAX);
    struct slice rest;

    if (read_file(AT_FDCWD, path, &text) == 0) {
        rest = strbuf_slice(&text);
        (void)strbuf_append(out, slice_split(&rest, '\n')); /* what is too long is left out */
    }
    strbuf_free(&text);
}

/* "MemTotal:       16384 kB" of /proc/meminfo, in bytes. */
static uint64_t
memory(struct slice text, const char *name)
{
    uint64_t kilobytes = 0;

    while (text.len > 0) {
        struct slice value = slice_split(&text, '\n');

        if (!slice_eq(slice_split(&value, ':'), slice_of(name)))
            continue;
        value = slice_trim(value);
        (void)parse_u64(slice_split(&value, ' '), UINT64_MAX / 1024, &kilobytes); /* else 0 */
        break;
    }
    return kilobytes * 1024;
}

static void
add_memory(struct host *host)
{
    struct strbuf text = strbuf_new(OS_RELEASE_MAX);

    (void)read_file(AT_FDCWD, "/proc/meminfo", &text); /* else zeros */
    add_number(host, "memory_bytes", memory(strbuf_slice(&text), "MemTotal"));
    add_number(host, "memory_free_bytes", memory(strbuf_slice(&text), "MemAvailable"));
    strbuf_free(&text);
}

void
oper_host_show(struct oper *op)
{
    struct strbuf system = strbuf_new(1024), kernel = strbuf_new(256), name = strbuf_new(256),
                  up = strbuf_new(256), uptime = strbuf_new(64);
    struct host host = {.count = 0};
    struct slice seconds;

    read_system(&system);
    read_line("/proc/sys/kernel/osrelease", &kernel);
    read_line("/proc/sys/kernel/hostname", &name);
    read_line("/proc/uptime", &up);
    read_uptime(op, &uptime);
    seconds = strbuf_slice(&up);
    add_text(&host, "version", SLICE(POSTHORN_VERSION));
    add_text(&host, "directory", slice_of(op->inst->root == NULL ? "/" : op->inst->root));
    add_text(&host, "database", slice_of(op->inst->db));
    add_text(&host, "system", strbuf_slice(&system));
    add_text(&host, "kernel", strbuf_slice(&kernel));
    add_text(&host, "hostname", strbuf_slice(&name));
    add_memory(&host);
    add_disk(&host, "/", "disk_bytes", "disk_free_bytes");
    add_disk(&host, op->inst->store, "store_bytes", "store_free_bytes");
    add_text(&host, "host_uptime", slice_split(&seconds, '.'));
    add_text(&host, "server_uptime", strbuf_slice(&uptime));
    object_add(&op->data, host.fields, host.count);
    strbuf_free(&system);
    strbuf_free(&kernel);
    strbuf_free(&name);
    strbuf_free(&up);
    strbuf_free(&uptime);
}
