/*
 * lib/oper/settings.c - posthorn.conf by its typed table. Values may come from the network. What is
 * changed is put in force at once, or nothing is changed. No setting is a secret: those are in
 * files that settings name.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/conf/conf_edit.h"
#include "lib/oper/in_force.h"
#include "lib/oper/settings.h"

enum { ERRORS_MAX = 65536, VALUE_MAX = 8192, EDITS_MAX = OBJECT_FIELDS_MAX };

static const char *const type_names[] = {
    [CONF_BOOL] = "bool",     [CONF_INT] = "int",       [CONF_SIZE] = "size",
    [CONF_DURATION] = "time", [CONF_STRING] = "string", [CONF_HOST] = "string",
    [CONF_LIST] = "list",     [CONF_ENUM] = "enum",     [CONF_ADDRESSES] = "list",
    [CONF_NETWORKS] = "list", [CONF_CLIENTS] = "list",  [CONF_MILTERS] = "list",
    [CONF_POLICIES] = "list",
};

void
oper_setting_row(const struct conf *conf, enum conf_id id,
                 void (*use)(void *arg, const struct object_field *fields, uint32_t count),
                 void *arg)
{
    struct strbuf name = strbuf_new(256), value = strbuf_new(VALUE_MAX);

    (void)strbuf_printf(&name, "%s.%s", conf_settings[id].section, conf_settings[id].name);
    conf_print_value(conf, id, &value);
    use(arg,
        (const struct object_field[]){
            {SLICE("name"), strbuf_slice(&name)},
            {SLICE("value"), strbuf_slice(&value)},
            {SLICE("set"), slice_of(conf_is_set(conf, id) ? "yes" : "no")},
            {SLICE("type"), slice_of(type_names[conf_settings[id].type])},
            {SLICE("default"), slice_of(conf_settings[id].dflt)}},
        5);
    strbuf_free(&name);
    strbuf_free(&value);
}

/* ---- reading ---- */

/* NULL, and the answer says why. */
static struct conf *
load(struct oper *op)
{
    struct strbuf errors = strbuf_new(ERRORS_MAX);
    struct conf *conf = conf_load(op->inst->conf_path, &errors);

    if (conf == NULL)
        oper_fail_line(op, OPER_REFUSED, strbuf_slice(&errors));
    strbuf_free(&errors);
    return conf;
}

void
oper_settings_list(struct oper *op)
{
    struct slice section = oper_field(op, "within");
    struct conf *conf = load(op);
    bool found = false;

    for (int id = 0; conf != NULL && id < CONF_ID_COUNT; id++) {
        if (section.len > 0 && !slice_eq(section, slice_of(conf_settings[id].section)))
            continue;
        found = true;
        oper_setting_row(conf, (enum conf_id)id, oper_list_row, op);
    }
    if (conf != NULL && !found)
        oper_fail(op, OPER_UNKNOWN, "there is no section '%.*s'",
                  (int)slice_sub(section, 0, 64).len, section.ptr);
    conf_free(&conf);
}

/* -1, and the answer says why. */
static int
find(struct oper *op, struct slice name)
{
    int id = conf_find(name);

    if (id < 0)
        oper_fail(op, OPER_UNKNOWN, "there is no setting '%.*s'", (int)slice_sub(name, 0, 128).len,
                  name.ptr);
    return id;
}

void
oper_settings_show(struct oper *op)
{
    int id = find(op, op->request->name);
    struct conf *conf = id < 0 ? NULL : load(op);

    if (conf != NULL)
        oper_setting_row(conf, (enum conf_id)id, oper_list_row, op);
    conf_free(&conf);
}

/* ---- changing ---- */

struct edits {
    struct conf_edit items[EDITS_MAX];
    size_t count;
};

static void
edits_free(struct edits *edits)
{
    for (size_t i = 0; i < edits->count; i++)
        free((char *)(uintptr_t)edits->items[i].value);
    free(edits);
}

static int
add_edit(struct oper *op, struct edits *edits, struct slice name, const struct slice *value)
{
    int id = find(op, name);

    if (id < 0)
        return -1;
    if (edits->count == EDITS_MAX) {
        oper_fail(op, OPER_BAD, "too many settings at once");
        return -1;
    }
    edits->items[edits->count++] =
        (struct conf_edit){(enum conf_id)id, value == NULL ? NULL : xslicedup(*value)};
    return 0;
}

/* Free with edits_free(). NULL, and the answer says why. */
static struct edits *
take_edits(struct oper *op)
{
    struct edits *edits = xcalloc(1, sizeof(*edits));
    int rc = 0;

    for (uint32_t i = 0; i < op->request->field_count && rc == 0; i++) {
        struct slice name = op->request->fields[i].name, rest = op->request->fields[i].value;

        if (!slice_eq(name, SLICE("unset"))) {
            rc = add_edit(op, edits, name, &op->request->fields[i].value);
            continue;
        }
        while (rest.len > 0 && rc == 0) {
            name = slice_split(&rest, ' ');
            if (name.len > 0)
                rc = add_edit(op, edits, name, NULL);
        }
    }
    if (rc == 0 && edits->count == 0)
        oper_fail(op, OPER_BAD, "no setting is given");
    if (op->result == 0)
        return edits;
    edits_free(edits);
    return NULL;
}

void
oper_settings_check(struct oper *op)
{
    struct strbuf errors = strbuf_new(ERRORS_MAX), text = strbuf_new(CONF_FILE_MAX);
    struct edits *edits = take_edits(op);

    if (edits != NULL &&
        conf_edit_prepare(op->inst->conf_path, edits->items, edits->count, &text, &errors) < 0)
        oper_fail_line(op, OPER_BAD, strbuf_slice(&errors));
    if (edits != NULL)
        edits_free(edits);
    strbuf_free(&text);
    strbuf_free(&errors);
}

/* The value in force before, and the one that holds now, of each. */
static void
tell_changes(struct oper *op, const struct edits *edits, const struct conf *before)
{
    struct conf *after = load(op);

    for (size_t i = 0; before != NULL && after != NULL && i < edits->count; i++) {
        enum conf_id id = edits->items[i].id;
        struct strbuf name = strbuf_new(256), old = strbuf_new(VALUE_MAX),
                      new = strbuf_new(VALUE_MAX);

        (void)strbuf_printf(&name, "%s.%s", conf_settings[id].section, conf_settings[id].name);
        conf_print_value(before, id, &old);
        conf_print_value(after, id, &new);
        oper_tell(op, strbuf_slice(&name), strbuf_slice(&old), strbuf_slice(&new));
        strbuf_free(&name);
        strbuf_free(&old);
        strbuf_free(&new);
    }
    conf_free(&after);
}

static int
put_in_force(struct oper *op, const struct edits *edits, struct strbuf *why)
{
    const char *path = op->inst->conf_path;
    struct strbuf before = strbuf_new(CONF_FILE_MAX), after = strbuf_new(CONF_FILE_MAX);
    int rc = -1;

    if (read_file(AT_FDCWD, path, &before) < 0)
        (void)strbuf_printf(why, "%s: %s", path, strerror(errno));
    else if (conf_edit_prepare(path, edits->items, edits->count, &after, why) == 0)
        rc = in_force_replace(op->inst, path, strbuf_slice(&before), strbuf_slice(&after), why);
    strbuf_free(&before);
    strbuf_free(&after);
    return rc;
}

/* Under the lock. */
static void
set_all(struct oper *op)
{
    struct strbuf why = strbuf_new(ERRORS_MAX);
    struct conf *before = load(op);
    struct edits *edits = before == NULL ? NULL : take_edits(op);
    int rc;

    if (edits != NULL) {
        rc = put_in_force(op, edits, &why);
        if (rc != -1)
            tell_changes(op, edits, before);
        in_force_answer(op, rc, &why);
        edits_free(edits);
    }
    conf_free(&before);
    strbuf_free(&why);
}

void
oper_settings_set(struct oper *op)
{
    int lock = in_force_lock(op);

    if (lock < 0)
        return;
    oper_settings_check(op); /* a value that a setting does not take is the caller's mistake */
    if (op->result == 0)
        set_all(op);
    close_keep_errno(lock);
}
