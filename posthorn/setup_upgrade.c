/*
 * posthorn/setup_upgrade.c - `setup --upgrade`: gives an instance that an older version made what
 * this one needs besides: users, directories, files, sections of services.conf.
 *
 * Adds only: what is there stays as the administrator has it, and a second run finds nothing to do.
 * Runs with the caller's rights.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/conf/conf_edit.h"
#include "lib/conf/role.h"
#include "lib/conf/services.h"
#include "lib/conf/services_edit.h"
#include "posthorn/config_check.h"
#include "posthorn/output.h"
#include "posthorn/setup.h"

#define ERRORS_MAX 65536

static void
tell(struct table *done, const char *what, const char *name, const char *detail)
{
    const struct object_field fields[] = {{SLICE("added"), slice_of(what)},
                                          {SLICE("name"), slice_of(name)},
                                          {SLICE("detail"), slice_of(detail)}};

    table_add(done, fields, (uint32_t)ARRAY_LEN(fields));
}

void
setup_tell_made(const struct setup *setup, const char *what, const char *name, const char *detail)
{
    if (setup->made != NULL)
        tell(setup->made, what, name, detail);
}

/* ---- users ---- */

/* An instance whose users are numbers gets further numbers, behind those that it has. 0: its users
 * have names. */
static uid_t
first_free_number(const struct conf *conf)
{
    uid_t highest = 0;

    for (int id = 0; id < CONF_ID_COUNT; id++) {
        struct role role;

        if (strcmp(conf_settings[id].section, "users") == 0 &&
            strchr(conf_str(conf, (enum conf_id)id), ':') != NULL &&
            role_find(conf, (enum conf_id)id, &role) == 0 && role.uid > highest)
            highest = role.uid;
    }
    return highest == 0 ? 0 : highest + 1;
}

static int
find_users(struct setup *setup, const struct conf *conf)
{
    uid_t next = first_free_number(conf);

    for (int id = 0; id < CONF_ID_COUNT && setup->user_count < SETUP_USERS_MAX; id++) {
        struct setup_user *user = &setup->users[setup->user_count];
        struct role role = {0, 0};

        if (strcmp(conf_settings[id].section, "users") != 0)
            continue;
        user->setting = (enum conf_id)id;
        user->name = conf_str(conf, (enum conf_id)id);
        user->numeric = setup->is_root && role_find(conf, (enum conf_id)id, &role) < 0;
        if (user->numeric && next == 0)
            return cli_fail(setup->cli,
                            "users.%s: there is no user '%s': 'systemd-sysusers' makes those of "
                            "sysusers.d/posthorn.conf",
                            conf_settings[id].name, user->name);
        user->uid = user->numeric ? next : role.uid;
        user->gid = user->numeric ? next++ : role.gid;
        setup->user_count++;
    }
    return CLI_OK;
}

/* The numbers that were taken, into posthorn.conf. */
static int
write_users(const struct setup *setup, struct table *done)
{
    struct strbuf errors = strbuf_new(ERRORS_MAX);
    int rc = CLI_OK;

    for (size_t i = 0; i < setup->user_count && rc == CLI_OK; i++) {
        const struct setup_user *user = &setup->users[i];
        const char *name = conf_settings[user->setting].name;
        char numbers[32];

        if (!user->numeric)
            continue;
        (void)snprintf(numbers, sizeof(numbers), "%u:%u", (unsigned)user->uid, (unsigned)user->gid);
        if (conf_edit_file(setup->cli->inst.conf_path, user->setting, numbers, &errors) < 0)
            rc = cli_fail(setup->cli, "%s", strbuf_cstr(&errors));
        else
            tell(done, "user", name, numbers);
    }
    strbuf_free(&errors);
    return rc;
}

/* ---- services ---- */

/* The paragraph of the built-in services.conf that has the section: its comments and its lines. */
static struct slice
shipped_section(const char *name)
{
    char *head = xasprintf("[%s]\n", name);
    const char *text = services_default_text, *at = strstr(text, head), *begin = at, *end;

    free(head);
    if (at == NULL)
        return SLICE("");
    while (begin > text && !(begin[-1] == '\n' && (begin - 1 == text || begin[-2] == '\n')))
        begin--;
    end = strstr(at, "\n\n");
    return slice_make(begin, end == NULL ? strlen(begin) : (size_t)(end + 1 - begin));
}

/* One that listens is added switched off: what this host offers to others nobody but its
 * administrator widens. */
static int
add_section(const struct service_row *row, struct strbuf *text, struct strbuf *errors)
{
    if (!strbuf_append(text, SLICE("\n")) || !strbuf_append(text, shipped_section(row->name)))
        return -1;
    if (row->listen_count == 0 || !row->automatic)
        return 0;
    return services_edit(text, row->name, "startup", SLICE("disabled"), errors);
}

/* The value of a key of a shipped section, or "". */
static struct slice
shipped_value(const char *section, const char *key)
{
    struct slice rest = shipped_section(section);
    char *start = xasprintf("%s = ", key);
    struct slice value = SLICE("");

    while (rest.len > 0) {
        struct slice line = slice_split(&rest, '\n');

        if (slice_starts(line, slice_of(start)))
            value = slice_sub(line, strlen(start), SIZE_MAX);
    }
    free(start);
    return value;
}

/* What services say to each other changes between versions: sockets that a section lacks. */
static int
add_sockets(const struct service_row *shipped, const struct service_row *row, struct strbuf *text,
            struct table *done, struct strbuf *errors)
{
    const struct {
        const char *key;
        bool lacks;
    } sockets[] = {
        {"socket", shipped->socket.name[0] != '\0' && row->socket.name[0] == '\0'},
        {"datagrams", shipped->datagrams.name[0] != '\0' && row->datagrams.name[0] == '\0'}};
    int rc = 0;

    for (size_t i = 0; i < ARRAY_LEN(sockets) && rc == 0; i++) {
        if (!sockets[i].lacks)
            continue;
        rc = services_edit(text, row->name, sockets[i].key,
                           shipped_value(row->name, sockets[i].key), errors);
        tell(done, "socket", row->name, sockets[i].key);
    }
    return rc;
}

static int
add_services(const struct services *shipped, struct strbuf *text, struct table *done,
             struct strbuf *errors)
{
    struct services *here = services_parse(strbuf_slice(text), "services.conf", errors);
    int rc = here == NULL ? -1 : 0;

    for (size_t i = 0; rc == 0 && i < shipped->count; i++) {
        const struct service_row *row = &shipped->rows[i];
        const struct service_row *old = services_find(here, row->name);

        if (old != NULL) {
            rc = add_sockets(row, old, text, done, errors);
            continue;
        }
        rc = add_section(row, text, errors);
        tell(done, "service", row->name,
             row->listen_count > 0 ? "switched off (startup = disabled): it listens on a port"
                                   : "starts with the others");
    }
    services_free(&here);
    return rc;
}

/* The file as it is then is read as a whole before it takes the old one's place. */
static int
replace_services(const struct setup *setup, const struct strbuf *text, struct strbuf *errors)
{
    const char *path = setup->cli->inst.services_path;
    struct services *checked = services_parse(strbuf_slice(text), path, errors);
    int rc = checked == NULL ? -1 : replace_file(AT_FDCWD, path, strbuf_slice(text), 0644);

    if (checked != NULL && rc < 0)
        (void)strbuf_printf(errors, "%s: %s\n", path, strerror(errno));
    services_free(&checked);
    return rc;
}

static int
write_services(const struct setup *setup, struct table *done)
{
    const char *path = setup->cli->inst.services_path;
    struct strbuf text = strbuf_new(CONF_FILE_MAX), errors = strbuf_new(ERRORS_MAX);
    struct services *shipped =
        services_parse(slice_of(services_default_text), "services.conf", &errors);
    size_t rows = table_rows(done);
    int lock = access(path, F_OK) == 0 ? conf_edit_lock(path) : -1, rc = CLI_OK;

    if (lock < 0 && errno != ENOENT)
        rc = cli_fail(setup->cli, "%s: %s", path, strerror(errno));
    else if (lock >= 0 &&
             (shipped == NULL || services_edit_read(path, &text, &errors) < 0 ||
              add_services(shipped, &text, done, &errors) < 0 ||
              (table_rows(done) > rows && replace_services(setup, &text, &errors) < 0)))
        rc = cli_fail(setup->cli, "%s: %s", path, strbuf_cstr(&errors));
    if (rc != CLI_OK)
        table_cut(done, 0, rows); /* the file is as it was */
    close_keep_errno(lock);
    services_free(&shipped);
    strbuf_free(&text);
    strbuf_free(&errors);
    return rc;
}

/* ---- all of it ---- */

static int
complete(struct setup *setup, const struct conf *conf, struct table *done)
{
    int rc = find_users(setup, conf);

    setup->keep = true;
    setup->made = done;
    if (rc == CLI_OK)
        rc = setup_directories(setup);
    if (rc == CLI_OK)
        rc = setup_try_users(setup);
    if (rc == CLI_OK)
        rc = setup_seal_keys(setup);
    if (rc == CLI_OK)
        rc = setup_templates(setup);
    if (rc == CLI_OK)
        rc = write_users(setup, done);
    if (rc == CLI_OK)
        rc = write_services(setup, done);
    return rc;
}

int
setup_upgrade(struct setup *setup)
{
    static const struct column columns[] = {{"added", COLUMN_TEXT, false},
                                            {"name", COLUMN_TEXT, false},
                                            {"detail", COLUMN_TEXT, false}};
    struct conf *conf = config_check_read(setup->cli);
    struct table *done;
    int rc;

    if (conf == NULL)
        return CLI_FAILED;
    done = table_new(columns, ARRAY_LEN(columns));
    rc = complete(setup, conf, done);
    if (rc == CLI_OK && table_rows(done) == 0 && !setup->cli->json)
        (void)printf("nothing was missing\n");
    if (rc == CLI_OK || table_rows(done) > 0) /* what was done before a failure, too */
        table_print(&done, setup->cli->json);
    else
        table_free(&done);
    setup->made = NULL;
    conf_free(&conf);
    return rc;
}
