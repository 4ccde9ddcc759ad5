/*
 * lib/oper/in_force.c - changes of posthorn.conf and services.conf are put in force, or taken back.
 */
#include "lib/oper/in_force.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/conf/conf_edit.h"
#include "lib/conf/list_file.h"
#include "lib/conf/services.h"
#include "lib/oper/master_call.h"
#include "lib/tls/tls_conf.h"

enum { STATUS_MS = 5000, ERRORS_MAX = 65536, ERROR_TEXT_MAX = 1024, NAMES_MAX = 65536 };

int
in_force_lock(struct oper *op)
{
    int fd = conf_edit_lock(op->inst->conf_path);

    if (fd < 0 && errno == EWOULDBLOCK)
        oper_fail(op, OPER_REFUSED, "another change is being put in force: try again");
    else if (fd < 0)
        oper_fail(op, OPER_REFUSED, "the lock of %s: %s", op->inst->conf_path, strerror(errno));
    return fd;
}

/* ---- services that fail ---- */

/* Of objects as in the answer to "status": the names of those that have failed, line by line. */
static void
list_failed(struct slice objects, struct strbuf *names)
{
    struct object_field *fields = xcalloc(OBJECT_FIELDS_MAX, sizeof(*fields));
    int count;

    while ((count = object_next(&objects, fields)) > 0) {
        struct slice name = object_get(fields, (uint32_t)count, "service");

        if (slice_eq(object_get(fields, (uint32_t)count, "state"), SLICE("failed")))
            (void)strbuf_printf(names, "%.*s\n", (int)name.len, name.ptr); /* they fit */
    }
    free(fields);
}

static bool
has_line(struct slice lines, struct slice wanted)
{
    while (lines.len > 0)
        if (slice_eq(slice_split(&lines, '\n'), wanted))
            return true;
    return false;
}

/* 1 with the first service that complains and had not failed before; 0: there is none. */
static int
find_complaint(struct slice objects, struct slice failed, struct strbuf *why)
{
    struct object_field *fields = xcalloc(OBJECT_FIELDS_MAX, sizeof(*fields));
    int count, rc = 0;

    while (rc == 0 && (count = object_next(&objects, fields)) > 0) {
        struct slice name = object_get(fields, (uint32_t)count, "service");
        struct slice state = object_get(fields, (uint32_t)count, "state");
        struct slice error = object_get(fields, (uint32_t)count, "error");

        if (error.len == 0 || slice_eq(state, SLICE("stopped")) || has_line(failed, name))
            continue;
        error = slice_sub(slice_split(&error, '\n'), 0, ERROR_TEXT_MAX);
        (void)strbuf_printf(
            why, "%.*s: %s%.*s", (int)name.len, name.ptr,
            slice_eq(state, SLICE("failed")) ? "" : "the new configuration was not taken: ",
            (int)error.len, error.ptr);
        rc = 1;
    }
    free(fields);
    return rc;
}

/* Nothing if master does not answer: the reload will say so. */
static void
ask_failed(const struct instance *inst, struct strbuf *names)
{
    struct master_call *master = master_call_new(inst);
    struct master_reply reply;

    if (master != NULL && master_call_ask(master, "status", "", STATUS_MS, &reply) == 0)
        list_failed(reply.data, names);
    master_call_free(&master);
}

/* ---- reload ---- */

/* master sees errors in the settings alone; a certificate with another's key would leave the suite
 * without TLS. */
static int
check_certificate(const struct instance *inst, struct strbuf *why)
{
    struct strbuf errors = strbuf_new(ERRORS_MAX);
    struct services *services = services_load(inst->services_path, &errors);
    struct conf *conf = conf_load(inst->conf_path, &errors);
    int rc = 0;

    for (size_t i = 0; conf != NULL && services != NULL && rc == 0 && i < services->count; i++)
        if (strcmp(services->rows[i].program, "keyd") == 0)
            rc = tls_conf_check(conf, inst, why);
    conf_free(&conf);
    services_free(&services);
    strbuf_free(&errors);
    return rc;
}

int
in_force_reload(const struct instance *inst, struct slice failed, struct strbuf *why)
{
    struct master_call *master;
    struct master_reply reply;
    int rc = -1;

    if (check_certificate(inst, why) < 0)
        return -1;
    master = master_call_new(inst);
    if (master == NULL || master_call_ask(master, "reload", "", OPER_WAIT_MS, &reply) < 0) {
        (void)strbuf_str(why, "master does not answer");
    } else if (reply.result == MASTER_REFUSED) {
        struct slice line = slice_trim(slice_split(&reply.text, '\n'));

        (void)strbuf_append(why, slice_sub(line, 0, ERROR_TEXT_MAX));
    } else {
        rc = reply.result == MASTER_PARTLY ? find_complaint(reply.data, failed, why) : 0;
    }
    master_call_free(&master);
    return rc;
}

/* ---- a changed file ---- */

/* Back to what was in force a moment ago. False: that is not what is on disk. */
static bool
take_back(const struct instance *inst, const char *path, struct slice before, struct slice after,
          mode_t mode, struct strbuf *why)
{
    struct strbuf now = strbuf_new(LIST_FILE_MAX), ignored = strbuf_new(ERRORS_MAX);
    bool back = false;

    if (read_file(AT_FDCWD, path, &now) < 0 || !slice_eq(strbuf_slice(&now), after))
        (void)strbuf_printf(why, "; %s has been changed by somebody else meanwhile, and stays",
                            path);
    else if (replace_file(AT_FDCWD, path, before, mode) < 0)
        (void)strbuf_printf(why, "; %s cannot be changed back: %s", path, strerror(errno));
    else
        back = true;
    if (back)
        (void)in_force_reload(inst, SLICE(""), &ignored);
    strbuf_free(&now);
    strbuf_free(&ignored);
    return back;
}

int
in_force_replace(const struct instance *inst, const char *path, struct slice before,
                 struct slice after, struct strbuf *why)
{
    struct strbuf failed = strbuf_new(NAMES_MAX);
    struct stat st;
    mode_t mode = stat(path, &st) == 0 ? st.st_mode & 0777 : 0644;
    int rc = -1;

    ask_failed(inst, &failed);
    if (replace_file(AT_FDCWD, path, after, mode) < 0)
        (void)strbuf_printf(why, "%s: %s", path, strerror(errno));
    else if (in_force_reload(inst, strbuf_slice(&failed), why) == 0)
        rc = 0;
    else if (!take_back(inst, path, before, after, mode, why))
        rc = -2;
    strbuf_free(&failed);
    return rc;
}

void
in_force_answer(struct oper *op, int rc, const struct strbuf *why)
{
    struct strbuf line = strbuf_new(ERRORS_MAX);

    if (rc == -2)
        (void)strbuf_str(&line, "not in force, and changed on disk all the same: ");
    (void)strbuf_append(&line, strbuf_slice(why)); /* oper_fail_line() takes less */
    if (rc < 0)
        oper_fail_line(op, OPER_REFUSED, strbuf_slice(&line));
    strbuf_free(&line);
}
