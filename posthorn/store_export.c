/*
 * posthorn/store_export.c - `store export`: a user's mail into a directory, in a form that other
 * programs read.
 *
 * The child reads the store without changing it, and writes below the export's directory alone.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/conf/role.h"
#include "lib/store/annotations.h"
#include "posthorn/export_format.h"
#include "posthorn/store_commands.h"
#include "posthorn/store_job.h"

#define MANIFEST_MAX ((size_t)1 << 32)
#define KEYWORDS_MAX ((size_t)MAILBOX_KEYWORDS_MAX * (MAILBOX_KEYWORD_LEN_MAX + 1))
#define PATH_MAX_BYTES 4096

static const struct column columns[] = {{"folder", COLUMN_TEXT, false},
                                        {"messages", COLUMN_NUMBER, false},
                                        {"bytes", COLUMN_NUMBER, false}};

struct exporting {
    const struct export_format *format;
    struct store *store;
    int root;
    struct manifest_folder *folders;
    size_t count, cap;
    struct strbuf manifest;
    struct store_job_output *out;
    struct table *table;
};

/* ---- the child ---- */

static void
note_folder(void *arg, const struct store_folder *f)
{
    struct exporting *x = arg;

    if (x->count == x->cap) {
        x->cap = x->cap == 0 ? 16 : x->cap * 2;
        x->folders = xreallocarray(x->folders, x->cap, sizeof(*x->folders));
    }
    if (f->exists)
        x->folders[x->count++] = (struct manifest_folder){
            .name = slice_of(xstrdup(f->name)), .use = f->use, .subscribed = f->subscribed};
}

static bool
fits_a_line(const char *word)
{
    for (; *word != '\0'; word++)
        if ((unsigned char)*word <= ' ' || *word == 0x7f)
            return false;
    return true;
}

static void
keyword_names(struct mailbox *mb, uint64_t bits, struct strbuf *out)
{
    for (unsigned bit = 0; bit < MAILBOX_KEYWORDS_MAX; bit++) {
        const char *name = (bits >> bit & 1) != 0 ? mailbox_keyword(mb, bit) : NULL;

        if (name != NULL && fits_a_line(name))
            (void)strbuf_printf(out, "%s%s", out->len > 0 ? " " : "", name);
    }
}

static int
export_message(struct exporting *x, struct export_folder *f, uint32_t seq)
{
    const struct message *m = mailbox_message(f->mailbox, seq);
    struct strbuf path = strbuf_new(PATH_MAX_BYTES), keywords = strbuf_new(KEYWORDS_MAX);
    struct strbuf unique = strbuf_new(MAILBOX_UNIQUE_NAME_MAX);
    struct message_facts facts;
    char *content = NULL;
    int fd = mailbox_open_message(f->mailbox, seq), rc = -1;

    if (fd >= 0 && mailbox_message_facts(f->mailbox, seq, &facts) == 0) {
        content = xmalloc((size_t)m->size + 1);
        rc = pread_exact(fd, content, (size_t)m->size, 0);
    }
    if (rc == 0 && (m->flags & MESSAGE_NAMED) != 0)
        rc = mailbox_unique_name(f->mailbox, seq, &unique);
    if (rc == 0) {
        struct manifest_message line = {.email_id = slice_of(facts.email_id),
                                        .uid = m->uid,
                                        .crc = facts.crc,
                                        .flags = m->flags,
                                        .size = m->size,
                                        .internal_ms = m->internal_ms};

        keyword_names(f->mailbox, m->keywords, &keywords);
        line.keywords = strbuf_slice(&keywords);
        line.unique_name = strbuf_slice(&unique);
        rc = x->format->message(f, &line, m->keywords, slice_make(content, (size_t)m->size), &path);
        line.path = strbuf_slice(&path);
        manifest_put_message(&x->manifest, &line);
    } else if (errno == ENOENT && mailbox_sync(f->mailbox, false, NULL) == 0 &&
               mailbox_is_expunged(f->mailbox, seq)) {
        rc = 0; /* by a session, just now */
    }
    xfree(&content);
    close_keep_errno(fd);
    strbuf_free(&path);
    strbuf_free(&keywords);
    strbuf_free(&unique);
    return rc;
}

static void
tell(struct exporting *x, const struct manifest_folder *folder, uint32_t messages, uint64_t bytes)
{
    struct strbuf count = strbuf_new(24), size = strbuf_new(24);

    (void)strbuf_u64(&count, messages);
    (void)strbuf_u64(&size, bytes);
    store_job_row(x->out,
                  (struct object_field[]){{SLICE("folder"), folder->name},
                                          {SLICE("messages"), strbuf_slice(&count)},
                                          {SLICE("bytes"), strbuf_slice(&size)}},
                  3);
    strbuf_free(&count);
    strbuf_free(&size);
}

static void
put_annotations(struct exporting *x, const struct annotation_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->list[i].value.ptr != NULL)
            manifest_put_annotation(&x->manifest, set->list[i].name, set->list[i].value);
}

/* `folder` empty: the user's of the server. */
static int
export_annotations(struct exporting *x, struct slice folder)
{
    const struct annotation_place place = {
        .store = folder.len == 0 ? NULL : x->store, .folder = folder, .own = x->store};
    struct annotation_sets sets;
    int rc = annotations_read(&place, &sets);

    put_annotations(x, &sets.shared);
    put_annotations(x, &sets.private);
    annotations_free(&sets);
    return rc;
}

static int
export_folder(struct exporting *x, struct manifest_folder *folder)
{
    struct export_folder f = {.root = x->root, .name = folder->name, .fd = -1};
    struct mailbox_info info;
    uint32_t count;
    int rc = -1;

    f.mailbox = mailbox_open(x->store, folder->name, true, false);
    if (f.mailbox == NULL && errno == ENOENT) { /* never used: it has no journal */
        manifest_put_folder(&x->manifest, folder);
        return 0;
    }
    if (f.mailbox == NULL)
        return -1;
    mailbox_get_info(f.mailbox, &info);
    count = mailbox_count(f.mailbox);
    f.uidvalidity = folder->uidvalidity = info.uidvalidity;
    f.uidnext = folder->uidnext = info.uidnext;
    manifest_put_folder(&x->manifest, folder);
    rc = export_annotations(x, folder->name);
    if (rc == 0)
        rc = x->format->begin(&f);
    for (uint32_t seq = 1; rc == 0 && seq <= count; seq++)
        rc = export_message(x, &f, seq);
    if (rc == 0)
        rc = x->format->end(&f);
    if (rc == 0)
        tell(x, folder, count, info.bytes);
    mailbox_close(&f.mailbox);
    close_keep_errno(f.fd);
    xfree(&f.path);
    strbuf_free(&f.uidlist);
    return rc;
}

static int
export_all(struct exporting *x)
{
    int rc = store_list(x->store, note_folder, x);

    manifest_put_format(&x->manifest, x->format->name);
    if (rc == 0)
        rc = export_annotations(x, SLICE(""));
    for (size_t i = 0; i < x->count && rc == 0; i++) {
        rc = export_folder(x, &x->folders[i]);
        if (rc < 0)
            return store_job_fail(x->out, "%.*s: %s", (int)x->folders[i].name.len,
                                  x->folders[i].name.ptr, strerror(errno));
    }
    if (rc == 0)
        rc = x->format->finish(x->root, x->folders, x->count);
    if (rc == 0 && x->manifest.overflow) {
        errno = EFBIG;
        rc = -1;
    }
    if (rc == 0) /* in the end: what has a manifest is whole */
        rc = replace_file(x->root, MANIFEST_NAME, strbuf_slice(&x->manifest), 0600);
    return rc == 0 ? syncfs(x->root) : rc;
}

static int
work(void *arg, int mail_fd, int other_fd, struct store_job_output *out)
{
    struct exporting *x = arg;
    const struct store_options options = {.read_only = true};
    int rc;

    x->out = out;
    x->root = other_fd;
    x->manifest = strbuf_new(MANIFEST_MAX);
    x->store = store_open(mail_fd, &options);
    if (x->store == NULL)
        return -1;
    rc = export_all(x);
    store_close(&x->store);
    strbuf_free(&x->manifest);
    for (size_t i = 0; i < x->count; i++)
        free((void *)(uintptr_t)x->folders[i].name.ptr);
    xfree(&x->folders);
    return rc;
}

/* ---- the parent ---- */

static void
take(void *arg, const struct object_field *fields, uint32_t count)
{
    struct exporting *x = arg;

    table_add(x->table, fields, count);
}

static bool
is_empty(int fd)
{
    int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = copy < 0 ? NULL : fdopendir(copy);
    struct dirent *e;
    bool empty = dir != NULL;

    while (empty && (e = readdir(dir)) != NULL)
        empty = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
    if (dir != NULL)
        (void)closedir(dir);
    return empty;
}

/* A new or empty directory, which the mail user then owns. */
static int
open_target(struct cli *cli, const struct conf *conf, const char *path)
{
    bool made = mkdir(path, 0700) == 0;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    struct role role;

    if (fd < 0) {
        (void)cli_fail(cli, "%s: %s", path, strerror(errno));
    } else if (!is_empty(fd)) {
        (void)cli_fail(cli, "%s: there is something in it already", path);
        (void)close(fd);
        return -1;
    } else if (made && geteuid() == 0 && role_find(conf, USERS_MAIL, &role) == 0 &&
               fchown(fd, role.uid, role.gid) < 0) {
        (void)cli_fail(cli, "%s: %s", path, strerror(errno));
        (void)close(fd);
        return -1;
    }
    return fd;
}

int
store_cmd_export(struct cli *cli, int argc, char **argv)
{
    const char *user = NULL, *format = "maildir";
    const struct cli_option options[] = {{"--user", CLI_TEXT, &user},
                                         {"--format", CLI_TEXT, &format}};
    struct exporting x = {0};
    struct store_job job = {
        .work = work, .row = take, .arg = &x, .other_writable = true, .missing_is_fine = true};
    struct store_users users;
    struct conf *conf;
    int rc;

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 1, 1) != 0)
        return CLI_USAGE;
    x.format = export_format_find(format);
    if (user == NULL || x.format == NULL)
        return cli_usage(cli, "expected --user ADDRESS, and a format: maildir, mbox or eml");
    conf = store_job_conf(cli);
    rc = conf == NULL ? CLI_FAILED : store_users_get(cli, user, &users);
    if (rc == CLI_OK) {
        job.other_fd = open_target(cli, conf, argv[0]);
        rc = CLI_FAILED;
        if (job.other_fd >= 0) {
            x.table = table_new(columns, ARRAY_LEN(columns));
            rc = store_job_run(cli, conf, &users.list[0], &job);
            table_print(&x.table, cli->json);
            (void)close(job.other_fd);
        }
        store_users_free(&users);
    }
    conf_free(&conf);
    return rc;
}
