/*
 * posthorn/export_format.c - Maildir++, mbox and .eml, as `store export` writes them.
 *
 * Folder names are of the store, so no level of theirs leads out of the directory.
 */
#include "posthorn/export_format.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/mail/imap_utf7.h"
#include "lib/store/beneath.h"
#include "lib/store/folder_name.h"

#define PATH_MAX_BYTES ((size_t)4096)
#define TEXT_MAX ((size_t)1 << 32)
#define LETTERS 26 /* keywords that a Maildir name can carry */

/* ---- files ---- */

int
export_write_file(int dirfd, const char *name, struct slice content, int64_t mtime_ms)
{
    const struct timespec when = {.tv_sec = mtime_ms / 1000,
                                  .tv_nsec = (mtime_ms % 1000 + 1000) % 1000 * 1000000};
    int fd = beneath_open(dirfd, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
    int rc;

    if (fd < 0)
        return -1;
    rc = write_all(fd, content);
    if (rc == 0)
        rc = futimens(fd, (const struct timespec[2]){when, when});
    close_keep_errno(fd);
    return rc;
}

/* All directories of `path`. */
static int
make_dirs(int root, const char *path)
{
    char *copy = xstrdup(path);
    int rc = 0;

    for (char *at = strchr(copy, '/'); rc == 0 && at != NULL; at = strchr(at + 1, '/')) {
        *at = '\0';
        rc = beneath_make_dir(root, copy);
        *at = '/';
    }
    xfree(&copy);
    return rc;
}

void
export_lines(struct slice content, struct strbuf *out)
{
    bool pure = true;

    for (size_t i = 0; i < content.len && pure; i++) {
        bool lf = content.ptr[i] == '\n', after_cr = i > 0 && content.ptr[i - 1] == '\r';

        pure = lf == after_cr;
    }
    if (content.len > 0 && content.ptr[content.len - 1] == '\r')
        pure = false;
    while (content.len > 0) {
        struct slice line = slice_cut_after(&content, '\n');

        if (pure && slice_ends(line, SLICE("\r\n"))) {
            (void)strbuf_append(out, slice_sub(line, 0, line.len - 2));
            (void)strbuf_char(out, '\n');
        } else {
            (void)strbuf_append(out, line); /* overflow is remembered */
        }
    }
}

/* ---- Maildir++ ---- */

static int
maildir_begin(struct export_folder *f)
{
    static const char *const subs[] = {"cur", "new", "tmp"};
    struct strbuf dir = strbuf_new(PATH_MAX_BYTES);
    int rc = folder_name_to_dir(f->name, &dir);

    f->path = strbuf_steal(&dir);
    if (f->path == NULL)
        f->path = xstrdup("");
    if (rc == 0 && f->path[0] != '\0')
        rc = beneath_make_dir(f->root, f->path);
    if (rc == 0)
        f->fd = beneath_open_dir(f->root, f->path[0] == '\0' ? "." : f->path);
    for (size_t i = 0; i < ARRAY_LEN(subs) && rc == 0 && f->fd >= 0; i++)
        rc = beneath_make_dir(f->fd, subs[i]);
    if (rc == 0 && f->fd >= 0 && f->path[0] != '\0')
        rc = export_write_file(f->fd, "maildirfolder", SLICE(""), 0);
    f->uidlist = strbuf_new(TEXT_MAX);
    (void)strbuf_printf(&f->uidlist, "3 V%u N%u\n", f->uidvalidity, f->uidnext);
    return f->fd < 0 ? -1 : rc;
}

/* A line of dovecot-uidlist; P is what POP3 calls the message, which asks for INBOX alone. */
static void
put_uid(struct export_folder *f, const struct manifest_message *m, const char *name)
{
    struct strbuf unique = strbuf_new(MAILBOX_UNIQUE_NAME_MAX);

    (void)strbuf_printf(&f->uidlist, "%u ", m->uid);
    if (f->path[0] == '\0' &&
        mailbox_unique_name(f->mailbox, mailbox_seq_of_uid(f->mailbox, m->uid), &unique) == 0)
        (void)strbuf_printf(&f->uidlist, "P%s ", strbuf_cstr(&unique));
    (void)strbuf_printf(&f->uidlist, ":%s\n", name); /* overflow is remembered */
    strbuf_free(&unique);
}

static int
maildir_message(struct export_folder *f, const struct manifest_message *m, uint64_t keywords,
                struct slice content, struct strbuf *path)
{
    struct strbuf lines = strbuf_new(TEXT_MAX), name = strbuf_new(PATH_MAX_BYTES);
    char flags[MANIFEST_FLAGS_SIZE];
    int rc;

    export_lines(content, &lines);
    manifest_flags_write(m->flags, flags);
    (void)strbuf_printf(&name, "%lld.U%uV%u.posthorn,S=%zu", (long long)(m->internal_ms / 1000),
                        m->uid, f->uidvalidity, lines.len);
    (void)strbuf_printf(path, "%s%scur/%s", f->path, f->path[0] == '\0' ? "" : "/",
                        strbuf_cstr(&name));
    put_uid(f, m, strbuf_cstr(&name));
    (void)strbuf_printf(&name, ":2,%s", flags);
    for (char bit = 0; bit < LETTERS; bit++)
        if ((keywords >> bit & 1) != 0)
            (void)strbuf_char(&name, (char)('a' + bit));
    {
        char *target = xasprintf("cur/%s", strbuf_cstr(&name));

        rc = export_write_file(f->fd, target, strbuf_slice(&lines), m->internal_ms);
        xfree(&target);
    }
    strbuf_free(&lines);
    strbuf_free(&name);
    return rc;
}

static int
maildir_end(struct export_folder *f)
{
    struct strbuf keywords = strbuf_new(PATH_MAX_BYTES * 4);
    int rc;

    for (unsigned bit = 0; bit < LETTERS; bit++)
        if (mailbox_keyword(f->mailbox, bit) != NULL)
            (void)strbuf_printf(&keywords, "%u %s\n", bit, mailbox_keyword(f->mailbox, bit));
    rc = replace_file(f->fd, "dovecot-uidlist", strbuf_slice(&f->uidlist), 0600);
    if (rc == 0 && keywords.len > 0)
        rc = replace_file(f->fd, "dovecot-keywords", strbuf_slice(&keywords), 0600);
    strbuf_free(&keywords);
    return rc;
}

/* Dovecot's second form: a line per folder, levels parted by tabs. */
static int
maildir_finish(int root, const struct manifest_folder *folders, size_t count)
{
    struct strbuf text = strbuf_new(TEXT_MAX);
    int rc;

    (void)strbuf_str(&text, "V\t2\n\n");
    for (size_t i = 0; i < count; i++) {
        struct strbuf name = strbuf_new(PATH_MAX_BYTES);

        if (folders[i].subscribed && imap_utf7_encode(folders[i].name, &name) == 0) {
            for (size_t k = 0; k < name.len; k++)
                (void)strbuf_char(&text, name.ptr[k] == '/' ? '\t' : name.ptr[k]);
            (void)strbuf_char(&text, '\n');
        }
        strbuf_free(&name);
    }
    rc = replace_file(root, "subscriptions", strbuf_slice(&text), 0600);
    strbuf_free(&text);
    return rc;
}

/* ---- mboxrd ---- */

static int
mbox_begin(struct export_folder *f)
{
    f->path = xasprintf("%.*s.mbox", (int)f->name.len, f->name.ptr);
    if (make_dirs(f->root, f->path) < 0)
        return -1;
    f->fd = beneath_open(f->root, f->path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    return f->fd < 0 ? -1 : 0;
}

static void
mbox_head(const struct manifest_message *m, struct strbuf *out)
{
    time_t when = (time_t)(m->internal_ms / 1000);
    struct tm tm = {0};
    char date[64] = "";

    (void)gmtime_r(&when, &tm);
    (void)strftime(date, sizeof(date), "%a %b %e %H:%M:%S %Y", &tm);
    (void)strbuf_printf(
        out, "From MAILER-DAEMON %s\nStatus: %sO\nX-Status: %s%s%s%s\n", date,
        (m->flags & MESSAGE_SEEN) != 0 ? "R" : "", (m->flags & MESSAGE_ANSWERED) != 0 ? "A" : "",
        (m->flags & MESSAGE_DELETED) != 0 ? "D" : "", (m->flags & MESSAGE_FLAGGED) != 0 ? "F" : "",
        (m->flags & MESSAGE_DRAFT) != 0 ? "T" : "");
    if (m->keywords.len > 0)
        (void)strbuf_printf(out, "X-Keywords: %.*s\n", (int)m->keywords.len, m->keywords.ptr);
    (void)strbuf_str(out, MBOX_MARK);
}

/* Lines that begin with From, quoted or not, get one more '>' in front. */
static bool
wants_quote(struct slice line)
{
    while (line.len > 0 && line.ptr[0] == '>')
        line = slice_sub(line, 1, line.len);
    return slice_starts(line, SLICE("From "));
}

static int
mbox_message(struct export_folder *f, const struct manifest_message *m, uint64_t keywords,
             struct slice content, struct strbuf *path)
{
    struct strbuf lines = strbuf_new(TEXT_MAX), out = strbuf_new(TEXT_MAX);
    struct slice rest;
    int rc;

    (void)keywords;
    export_lines(content, &lines);
    mbox_head(m, &out);
    for (rest = strbuf_slice(&lines); rest.len > 0;) {
        struct slice line = slice_cut_after(&rest, '\n');

        if (wants_quote(line))
            (void)strbuf_char(&out, '>');
        (void)strbuf_append(&out, line);
    }
    if (!strbuf_ends_with(&out, "\n"))
        (void)strbuf_char(&out, '\n');
    (void)strbuf_char(&out, '\n');
    (void)strbuf_str(path, f->path);
    rc = out.overflow ? -1 : write_all(f->fd, strbuf_slice(&out));
    if (out.overflow)
        errno = EFBIG;
    strbuf_free(&lines);
    strbuf_free(&out);
    return rc;
}

static int
nothing_to_end(struct export_folder *f)
{
    (void)f;
    return 0;
}

static int
nothing_to_finish(int root, const struct manifest_folder *folders, size_t count)
{
    (void)root;
    (void)folders;
    (void)count;
    return 0;
}

/* ---- .eml ---- */

static int
eml_begin(struct export_folder *f)
{
    char *with_slash = xasprintf("%.*s/", (int)f->name.len, f->name.ptr);
    int rc = make_dirs(f->root, with_slash);

    f->path = xslicedup(f->name);
    if (rc == 0)
        f->fd = beneath_open_dir(f->root, f->path);
    xfree(&with_slash);
    return rc < 0 || f->fd < 0 ? -1 : 0;
}

static int
eml_message(struct export_folder *f, const struct manifest_message *m, uint64_t keywords,
            struct slice content, struct strbuf *path)
{
    char name[32];

    (void)keywords;
    (void)snprintf(name, sizeof(name), "%u.eml", m->uid);
    (void)strbuf_printf(path, "%s/%s", f->path, name);
    return export_write_file(f->fd, name, content, m->internal_ms);
}

static const struct export_format formats[] = {
    {"maildir", maildir_begin, maildir_message, maildir_end, maildir_finish},
    {"mbox", mbox_begin, mbox_message, nothing_to_end, nothing_to_finish},
    {"eml", eml_begin, eml_message, nothing_to_end, nothing_to_finish},
};

const struct export_format *
export_format_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(formats); i++)
        if (strcmp(formats[i].name, name) == 0)
            return &formats[i];
    return NULL;
}
