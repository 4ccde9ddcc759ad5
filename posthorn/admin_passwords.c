/*
 * posthorn/admin_passwords.c - passwords of administrators that were written by hand. Handles
 * secrets: every buffer that held one is wiped.
 */
#include "posthorn/admin_passwords.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "posthorn/accounts.h"

enum { FILE_MAX = 65536 };

static void
wipe(struct strbuf *secret)
{
    if (secret->ptr != NULL)
        mem_wipe(secret->ptr, secret->cap);
    strbuf_free(secret);
}

/* 0, or -1 after the message. */
static int
set_password(struct cli *cli, struct accounts *accounts, struct slice name, struct slice password)
{
    const struct object_field field = {SLICE("new_password"), password};
    const struct accountd_admin request = {.verb = SLICE("passwd"),
                                           .kind = SLICE("admin"),
                                           .name = name,
                                           .fields = &field,
                                           .field_count = 1};
    struct accountd_admin_reply reply;

    if (accounts_do(accounts, &request, &reply) != CLI_OK)
        return -1;
    cli_warn(cli, "the password of administrator %.*s has been set", (int)name.len, name.ptr);
    return 0;
}

/* One line, without its end. False: it has to stay. */
static bool
take_line(struct cli *cli, struct accounts *accounts, const char *path, unsigned number,
          struct slice line)
{
    struct slice password = slice_trim(line), name = slice_split(&password, ' ');

    password = slice_trim(password);
    if (name.len == 0 || name.ptr[0] == '#')
        return name.len == 0;
    if (password.len > 0 && set_password(cli, accounts, name, password) == 0)
        return true;
    cli_warn(cli, "%s:%u: %s; the line stays", path, number,
             password.len > 0 ? "it was not set" : "expected 'NAME PASSWORD'");
    return false;
}

static void
take_all(struct cli *cli, const char *path, struct slice text)
{
    struct accounts *accounts = accounts_open(cli);
    struct strbuf left = strbuf_new(FILE_MAX);
    bool is_over = true;

    (void)strbuf_room(&left, FILE_MAX); /* growing would leave copies behind */
    for (unsigned number = 1; accounts != NULL && text.len > 0; number++) {
        struct slice line = slice_split(&text, '\n');

        if (take_line(cli, accounts, path, number, line))
            continue;
        (void)strbuf_append(&left, line); /* no more than there was */
        (void)strbuf_char(&left, '\n');
        is_over = is_over && slice_starts(slice_trim(line), SLICE("#"));
    }
    if (accounts != NULL && is_over && unlink(path) < 0)
        cli_warn(cli, "%s: %s; remove it", path, strerror(errno));
    else if (accounts != NULL && !is_over &&
             replace_file(AT_FDCWD, path, strbuf_slice(&left), 0600) < 0)
        cli_warn(cli, "%s: %s", path, strerror(errno));
    accounts_close(&accounts);
    wipe(&left);
}

void
admin_passwords_take(struct cli *cli)
{
    char *path = xasprintf("%s/" ADMIN_PASSWORDS_FILE, cli->inst.db);
    struct strbuf text = strbuf_new(FILE_MAX);
    struct stat st;

    (void)strbuf_room(&text, FILE_MAX);
    if (lstat(path, &st) < 0) {
        if (errno != ENOENT)
            cli_warn(cli, "%s: %s", path, strerror(errno));
    } else if (!S_ISREG(st.st_mode) || (st.st_mode & 077) != 0 ||
               (st.st_uid != geteuid() && st.st_uid != 0)) {
        cli_warn(cli,
                 "%s is not looked at: it has to be a file of root's or yours that nobody else "
                 "may read (chmod 600)",
                 path);
    } else if (read_file(AT_FDCWD, path, &text) < 0) {
        cli_warn(cli, "%s: %s", path, strerror(errno));
    } else {
        take_all(cli, path, strbuf_slice(&text));
    }
    wipe(&text);
    free(path);
}
