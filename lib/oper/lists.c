/*
 * lib/oper/lists.c - the lists of posthorn.conf, in the file itself or in a list file: what
 * `posthorn list` shows and changes. Entries may come from the network. What is changed is put in
 * force at once, or nothing is changed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/conf/conf_edit.h"
#include "lib/conf/list_edit.h"
#include "lib/oper/in_force.h"
#include "lib/oper/list_change.h"

enum { ERRORS_MAX = 65536, LIST_MODE = 0644, NUMBER_MAX = 24, NAME_BYTES_MAX = 256 };

struct list {
    struct conf *conf;
    enum conf_id id;
    struct list_kind kind;
    char *path;         /* of its list file; NULL: it has none */
    struct strbuf text; /* an entry a line */
};

static void
list_close(struct list *list)
{
    conf_free(&list->conf);
    free(list->path);
    strbuf_free(&list->text);
}

static int
list_read(struct oper *op, struct list *list)
{
    size_t count = lists_find(list->id) != NULL ? 0 : conf_list_count(list->conf, list->id);

    if (list->path != NULL && read_file(AT_FDCWD, list->path, &list->text) < 0) {
        oper_fail(op, OPER_REFUSED, "%s: %s", list->path, strerror(errno));
        return -1;
    }
    for (size_t i = 0; i < count; i++)
        (void)strbuf_printf(&list->text, "%s\n", conf_list_item(list->conf, list->id, i));
    return 0;
}

/* 0, or -1 and the answer says why; list_close() in any case. */
static int
list_open(struct oper *op, struct list *list, struct slice name)
{
    struct strbuf errors = strbuf_new(ERRORS_MAX);
    int id = conf_find(name), rc = -1;

    *list = (struct list){.text = strbuf_new(LIST_FILE_MAX)};
    if (id < 0 || lists_kind((enum conf_id)id, &list->kind) < 0) {
        oper_fail(op, OPER_UNKNOWN, "there is no list '%.*s'", (int)slice_sub(name, 0, 128).len,
                  name.ptr);
    } else {
        list->id = (enum conf_id)id;
        list->conf = conf_load(op->inst->conf_path, &errors);
        if (list->conf == NULL)
            oper_fail_line(op, OPER_REFUSED, strbuf_slice(&errors));
        else if (lists_find(list->id) != NULL)
            list->path = lists_path(list->conf, op->inst, list->id);
        rc = list->conf == NULL ? -1 : list_read(op, list);
    }
    strbuf_free(&errors);
    return rc;
}

/* Its entries, checked. NULL, and the answer says why. */
static struct list_file *
list_parse(struct oper *op, const struct list *list)
{
    const char *name = list->path != NULL ? list->path : op->inst->conf_path;
    struct strbuf errors = strbuf_new(ERRORS_MAX);
    struct list_file *file = list->text.overflow ? NULL
                                                 : list_file_parse(strbuf_slice(&list->text), name,
                                                                   &list->kind, &errors);

    if (file == NULL)
        oper_fail_line(op, OPER_REFUSED,
                       list->text.overflow ? SLICE("the list is too long") : strbuf_slice(&errors));
    strbuf_free(&errors);
    return file;
}

/* ---- reading ---- */

void
oper_lists_list(struct oper *op)
{
    struct strbuf name = strbuf_new(NAME_BYTES_MAX);
    struct list_kind kind;

    for (int id = 0; id < CONF_ID_COUNT; id++) {
        if (lists_kind((enum conf_id)id, &kind) < 0)
            continue;
        strbuf_clear(&name);
        (void)strbuf_printf(&name, "%s.%s", conf_settings[id].section, conf_settings[id].name);
        oper_list_row(
            op,
            (const struct object_field[]){{SLICE("list"), strbuf_slice(&name)},
                                          {SLICE("help"), slice_of(conf_settings[id].help)}},
            2);
    }
    strbuf_free(&name);
}

void
oper_lists_entries(struct oper *op)
{
    struct list_file *file = NULL;
    struct list list;

    if (list_open(op, &list, oper_field(op, "within")) == 0)
        file = list_parse(op, &list);
    for (size_t i = 0; file != NULL && i < file->count; i++)
        oper_list_row(op, &(const struct object_field){SLICE("entry"), file->entries[i].text}, 1);
    list_file_free(&file);
    list_close(&list);
}

/* ---- changing ---- */

/* There is an entry, and each may be added. 0, or -1 and the answer says why. */
static int
check_entries(struct oper *op, const struct list_kind *kind)
{
    struct slice rest = oper_field(op, "entries");
    size_t count = 0;

    while (rest.len > 0) {
        struct slice entry = list_file_entry(slice_split(&rest, '\n'));
        const char *expected = entry.len == 0 || kind == NULL ? NULL : kind->expected(entry);

        if (expected != NULL) {
            oper_fail(op, OPER_BAD, "expected %s, not '%.*s'", expected,
                      (int)slice_sub(entry, 0, 128).len, entry.ptr);
            return -1;
        }
        count += entry.len > 0;
    }
    if (count > 0)
        return 0;
    oper_fail(op, OPER_BAD, "entries: none is given");
    return -1;
}

/* As in_force_replace(). */
static int
replace(const struct oper *op, const char *path, struct slice after, struct strbuf *why)
{
    struct strbuf before = strbuf_new(LIST_FILE_MAX);
    int rc = read_file(AT_FDCWD, path, &before);

    if (rc < 0)
        (void)strbuf_printf(why, "%s: %s", path, strerror(errno));
    else
        rc = in_force_replace(op->inst, path, strbuf_slice(&before), after, why);
    strbuf_free(&before);
    return rc;
}

static int
set_value(const struct oper *op, const struct list *list, const char *value, struct strbuf *why)
{
    const struct conf_edit change = {list->id, value};
    struct strbuf text = strbuf_new(CONF_FILE_MAX);
    int rc = conf_edit_prepare(op->inst->conf_path, &change, 1, &text, why);

    if (rc == 0)
        rc = replace(op, op->inst->conf_path, strbuf_slice(&text), why);
    strbuf_free(&text);
    return rc;
}

/* A setting that has the entries itself. */
static int
write_setting(const struct oper *op, const struct list *list, const struct list_file *file,
              struct strbuf *why)
{
    struct strbuf value = strbuf_new(LIST_FILE_MAX);
    int rc = -1;

    for (size_t i = 0; i < file->count; i++) {
        (void)strbuf_str(&value, i > 0 ? " " : "");
        (void)strbuf_append(&value, file->entries[i].text);
    }
    if (file->count > CONF_LIST_MAX)
        (void)strbuf_printf(why, "%zu entries: expected at most %d", file->count, CONF_LIST_MAX);
    else
        rc = set_value(op, list, conf_edit_list_value(list->id, strbuf_cstr(&value)), why);
    strbuf_free(&value);
    return rc;
}

/* With the mode that the command line gives it, whatever the umask. 0, or -1 with errno. */
static int
make_dir(const char *dir)
{
    int fd, rc;

    if (mkdir(dir, 0755) < 0)
        return errno == EEXIST ? 0 : -1;
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    rc = fd < 0 ? -1 : fchmod(fd, 0755);
    close_keep_errno(fd);
    return rc;
}

/* A list that has no file yet gets lists/NAME.txt, and the setting names it. */
static int
write_new_file(const struct oper *op, const struct list *list, struct strbuf *why)
{
    char *name = xasprintf("lists/%s.txt", conf_settings[list->id].name);
    char *dir = xasprintf("%s/lists", op->inst->etc);
    char *path = xasprintf("%s/%s", op->inst->etc, name);
    int rc = -1;

    if (access(path, F_OK) == 0) {
        (void)strbuf_printf(why, "%s is there, but no list: have the setting name it", path);
    } else if (make_dir(dir) < 0 ||
               replace_file(AT_FDCWD, path, strbuf_slice(&list->text), LIST_MODE) < 0) {
        (void)strbuf_printf(why, "%s: %s", path, strerror(errno));
    } else {
        rc = set_value(op, list, name, why);
        if (rc == -1) /* else the configuration on disk names it */
            unlink_keep_errno(AT_FDCWD, path);
    }
    free(name);
    free(dir);
    free(path);
    return rc;
}

static void
tell_entries(struct oper *op, bool is_add)
{
    struct slice rest = oper_field(op, "entries");

    while (rest.len > 0) {
        struct slice entry = list_file_entry(slice_split(&rest, '\n'));

        if (entry.len > 0)
            oper_tell(op, SLICE("entry"), is_add ? SLICE("") : entry, is_add ? entry : SLICE(""));
    }
}

/* Under the lock. */
static void
change_it(struct oper *op, struct slice name, const struct list_change *change)
{
    struct strbuf why = strbuf_new(ERRORS_MAX);
    struct list_file *file = NULL;
    struct list list;
    int rc = list_open(op, &list, name);

    if (rc == 0)
        rc = change->edit(op, &list.kind, &list.text);
    if (rc == 0)
        file = list_parse(op, &list);
    if (file != NULL) {
        rc = lists_find(list.id) == NULL ? write_setting(op, &list, file, &why)
             : list.path == NULL         ? write_new_file(op, &list, &why)
                                         : replace(op, list.path, strbuf_slice(&list.text), &why);
        if (rc != -1)
            change->tell(op);
        in_force_answer(op, rc, &why);
    }
    list_file_free(&file);
    list_close(&list);
    strbuf_free(&why);
}

void
list_change(struct oper *op, struct slice name, const struct list_change *change)
{
    int lock = in_force_lock(op);

    if (lock < 0)
        return;
    change_it(op, name, change);
    close_keep_errno(lock);
}

/* What is there already stays. */
static int
edit_add(struct oper *op, const struct list_kind *kind, struct strbuf *text)
{
    if (check_entries(op, kind) < 0)
        return -1;
    (void)list_edit_add_all(text, oper_field(op, "entries"));
    return 0;
}

/* All of them, or none. */
static int
edit_remove(struct oper *op, const struct list_kind *kind, struct strbuf *text)
{
    struct slice missing;

    (void)kind; /* what is no entry is not in the list */
    if (check_entries(op, NULL) < 0)
        return -1;
    if (list_edit_remove_all(text, oper_field(op, "entries"), &missing) == 0)
        return 0;
    oper_fail(op, OPER_UNKNOWN, "'%.*s' is not in the list; nothing was changed",
              (int)slice_sub(missing, 0, 128).len, missing.ptr);
    return -1;
}

static void
tell_added(struct oper *op)
{
    tell_entries(op, true);
}

static void
tell_removed(struct oper *op)
{
    tell_entries(op, false);
}

void
oper_lists_add(struct oper *op)
{
    list_change(op, op->request->name, &(const struct list_change){edit_add, tell_added});
}

void
oper_lists_remove(struct oper *op)
{
    list_change(op, op->request->name, &(const struct list_change){edit_remove, tell_removed});
}
