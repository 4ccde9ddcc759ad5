/*
 * lib/oper/services.c - services: the table, starting and stopping, their rows in services.conf.
 *
 * Values may come from the network. Asks master; writes services.conf.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/conf/services_edit.h"
#include "lib/oper/in_force.h"
#include "lib/oper/master_call.h"
#include "lib/oper/services.h"
#include "lib/queue/queue_pressure.h"

enum { STATUS_MS = 5000, ERRORS_MAX = 65536, ERROR_TEXT_MAX = 1024 };

/* ---- list ---- */

/* What services.conf says: on the heap for as long as the row is written. */
struct words {
    struct strbuf bind, ports;
};

static const char *
startup_of(const struct service_row *row)
{
    return row->always ? "always" : row->automatic ? "automatic" : "disabled";
}

static void
list_words(const struct service_row *row, struct words *words)
{
    for (size_t i = 0; row != NULL && i < row->bind_count; i++)
        (void)strbuf_printf(&words->bind, "%s%s", i > 0 ? " " : "", row->binds[i]);
    for (size_t i = 0; row != NULL && i < row->listen_count; i++)
        (void)strbuf_printf(&words->ports, "%s%s:%u", i > 0 ? " " : "", row->listens[i].label,
                            row->listens[i].port);
}

/* What smtpd goes by, as queue-manager has left it in the queue; "" if mail is taken. */
static const char *
intake_trouble(const struct instance *inst)
{
    char *path = xasprintf("%s/trigger", inst->queue);
    unsigned pressure = queue_pressure_read(path);

    free(path);
    if ((pressure & QUEUE_PRESSURE_DISK) != 0)
        return "takes no mail: a disk is below disk.hard_limit or disk.hard_files";
    if ((pressure & QUEUE_PRESSURE_LENGTH) != 0)
        return "takes no mail: more waits for delivery than queue.max_messages";
    return "";
}

/* An error has the name of who has a port that we want, as far as we can see that. A service that
 * runs and takes no mail says so. */
static void
complete_error(const struct instance *inst, struct object_field *fields, uint32_t count,
               struct strbuf *error)
{
    bool is_smtp = slice_eq(object_get(fields, count, "program"), SLICE("smtpd"));

    for (uint32_t i = 0; i < count; i++) {
        if (!slice_eq(fields[i].name, SLICE("error")))
            continue;
        if (fields[i].value.len > 0)
            master_call_name_holders(fields[i].value, error);
        else if (is_smtp)
            (void)strbuf_str(error, intake_trouble(inst)); /* it fits */
        fields[i].value = strbuf_slice(error);
    }
}

static void
use_service(const struct instance *inst, const struct services *services,
            struct object_field *fields, uint32_t count, const struct service_reader *reader)
{
    struct strbuf error = strbuf_new(OBJECT_VALUE_MAX);
    char name[SERVICE_NAME_MAX + 1];
    struct slice given = object_get(fields, count, "service");
    struct words words = {strbuf_new(4096), strbuf_new(4096)};
    const struct service_row *row;

    (void)snprintf(name, sizeof(name), "%.*s", (int)given.len, given.ptr);
    row = services == NULL ? NULL : services_find(services, name);
    list_words(row, &words);
    fields[count++] =
        (struct object_field){SLICE("startup"), slice_of(row == NULL ? "" : startup_of(row))};
    fields[count++] = (struct object_field){SLICE("bind"), strbuf_slice(&words.bind)};
    fields[count++] = (struct object_field){SLICE("ports"), strbuf_slice(&words.ports)};
    complete_error(inst, fields, count, &error);
    reader->use(reader->arg, fields, count);
    strbuf_free(&words.bind);
    strbuf_free(&words.ports);
    strbuf_free(&error);
}

int
services_each(const struct instance *inst, struct slice data, const struct service_reader *reader)
{
    static struct object_field fields[OBJECT_FIELDS_MAX];
    struct strbuf errors = strbuf_new(ERRORS_MAX);
    struct services *services = services_load(inst->services_path, &errors);
    int count;

    while ((count = object_next(&data, fields)) > 0)
        use_service(inst, services, fields, (uint32_t)count, reader);
    services_free(&services);
    strbuf_free(&errors);
    return count;
}

void
oper_services_list(struct oper *op)
{
    const struct service_reader reader = {oper_list_row, op};
    struct master_call *master = master_call_new(op->inst);
    struct master_reply reply;

    if (master == NULL || master_call_ask(master, "status", "", STATUS_MS, &reply) < 0)
        oper_fail(op, OPER_AWAY, "master does not answer");
    else
        (void)services_each(op->inst, reply.data, &reader); /* damaged: the rest is left out */
    master_call_free(&master);
}

/* ---- what master does ---- */

/* 0, or -1 with the reason. */
static int
ask_master(const struct instance *inst, const char *verb, const char *name, struct strbuf *why)
{
    struct master_call *master = master_call_new(inst);
    struct master_reply reply;
    int rc = 0;

    if (master == NULL || master_call_ask(master, verb, name, OPER_WAIT_MS, &reply) < 0) {
        (void)strbuf_str(why, "master does not answer");
        rc = -1;
    } else if (reply.result != 0) {
        struct slice line = slice_trim(slice_split(&reply.text, '\n'));

        (void)strbuf_append(why, slice_sub(line, 0, ERROR_TEXT_MAX));
        rc = -1;
    }
    master_call_free(&master);
    return rc;
}

static void
reload(struct oper *op)
{
    struct strbuf why = strbuf_new(ERRORS_MAX);
    int rc = in_force_reload(op->inst, SLICE(""), &why);

    if (rc >= 0)
        oper_tell(op, SLICE(""), SLICE(""), SLICE(""));
    if (rc > 0)
        oper_fail(op, OPER_REFUSED, "the configuration is in force, but %s", strbuf_cstr(&why));
    else if (rc < 0)
        oper_fail_line(op, OPER_REFUSED, strbuf_slice(&why));
    strbuf_free(&why);
}

void
oper_services_do(struct oper *op)
{
    struct strbuf why = strbuf_new(ERRORS_MAX), verb = strbuf_new(64);
    struct slice given = op->request->name;
    char name[SERVICE_NAME_MAX + 1];
    int rc;

    (void)snprintf(name, sizeof(name), "%.*s", (int)given.len, given.ptr);
    if (slice_eq(op->request->verb, SLICE("reload"))) {
        reload(op);
        goto out;
    }
    if (given.len == 0 || given.len > SERVICE_NAME_MAX) {
        oper_fail(op, OPER_BAD, "expected the name of a service");
        goto out;
    }
    (void)strbuf_printf(&verb, "service-%.*s", (int)op->request->verb.len, op->request->verb.ptr);
    rc = ask_master(op->inst, strbuf_cstr(&verb), name, &why);
    if (rc < 0)
        oper_fail_line(op, OPER_REFUSED, strbuf_slice(&why));
    else
        oper_tell(op, SLICE(""), SLICE(""), SLICE(""));
out:
    strbuf_free(&why);
    strbuf_free(&verb);
}

/* ---- services.conf ---- */

static int
set_all(struct oper *op, const char *name, struct strbuf *before, struct strbuf *after,
        struct strbuf *why)
{
    static const char *const keys[][2] = {
        {"startup", "startup"}, {"bind", "bind"}, {"ports", "listen"}};
    struct services *services;
    bool known;

    if (services_edit_read(op->inst->services_path, before, why) < 0)
        return -1;
    (void)strbuf_append(after, strbuf_slice(before));
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        bool given = false;

        for (uint32_t f = 0; f < op->request->field_count; f++)
            given = given || slice_eq(op->request->fields[f].name, slice_of(keys[i][0]));
        if (given && services_edit(after, name, keys[i][1], oper_field(op, keys[i][0]), why) < 0)
            return -1;
    }
    services = services_parse(strbuf_slice(after), "services.conf", why);
    known = services != NULL && services_find(services, name) != NULL;
    if (services != NULL && !known)
        (void)strbuf_str(why, "there is no such service in services.conf");
    services_free(&services);
    return known ? 0 : -1;
}

/* What holds now and what did, of each that was given. */
static void
tell_service(struct oper *op, const char *name, struct slice before)
{
    struct strbuf errors = strbuf_new(ERRORS_MAX);
    struct services *services = services_parse(before, "services.conf", &errors);
    const struct service_row *row = services == NULL ? NULL : services_find(services, name);
    struct words words = {strbuf_new(4096), strbuf_new(4096)};

    list_words(row, &words);
    for (uint32_t i = 0; i < op->request->field_count; i++) {
        struct slice property = op->request->fields[i].name, old = SLICE("");

        if (slice_eq(property, SLICE("startup")) && row != NULL)
            old = slice_of(startup_of(row));
        else if (slice_eq(property, SLICE("bind")))
            old = strbuf_slice(&words.bind);
        else if (slice_eq(property, SLICE("ports")))
            old = strbuf_slice(&words.ports);
        oper_tell(op, property, old, op->request->fields[i].value);
    }
    strbuf_free(&words.bind);
    strbuf_free(&words.ports);
    services_free(&services);
    strbuf_free(&errors);
}

/* Under the lock. */
static void
set_service(struct oper *op, const char *name)
{
    struct strbuf before = strbuf_new(CONF_FILE_MAX), after = strbuf_new(CONF_FILE_MAX),
                  why = strbuf_new(ERRORS_MAX);
    int rc;

    if (set_all(op, name, &before, &after, &why) < 0) {
        oper_fail_line(op, OPER_BAD, strbuf_slice(&why));
    } else {
        rc = in_force_replace(op->inst, op->inst->services_path, strbuf_slice(&before),
                              strbuf_slice(&after), &why);
        if (rc != -1)
            tell_service(op, name, strbuf_slice(&before));
        in_force_answer(op, rc, &why);
        if (rc == 0 && slice_eq(oper_field(op, "restart"), SLICE("yes")) &&
            ask_master(op->inst, "service-restart", name, &why) < 0)
            oper_fail(op, OPER_REFUSED, "changed, but it does not start: %s", strbuf_cstr(&why));
    }
    strbuf_free(&before);
    strbuf_free(&after);
    strbuf_free(&why);
}

void
oper_services_set(struct oper *op)
{
    struct slice given = op->request->name;
    char name[SERVICE_NAME_MAX + 1];
    int lock;

    (void)snprintf(name, sizeof(name), "%.*s", (int)given.len, given.ptr);
    if (given.len == 0 || given.len > SERVICE_NAME_MAX) {
        oper_fail(op, OPER_BAD, "expected the name of a service");
        return;
    }
    lock = in_force_lock(op);
    if (lock >= 0)
        set_service(op, name);
    close_keep_errno(lock);
}
