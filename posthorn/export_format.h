/*
 * posthorn/export_format.h - the forms in which `store export` writes a mailbox.
 *
 * maildir: Maildir++ with dovecot-keywords, dovecot-uidlist and subscriptions. mbox: one mboxrd
 * file per folder, flags in Status, X-Status and X-Keywords. eml: one directory per folder, one
 * file per message.
 * Lines end with LF in the first two, unless a message has other line ends than CRLF.
 */
#ifndef POSTHORN_POSTHORN_EXPORT_FORMAT_H
#define POSTHORN_POSTHORN_EXPORT_FORMAT_H

#include "posthorn/manifest.h"

struct export_folder {
    int root;          /* the export's directory */
    struct slice name; /* of the folder */
    struct mailbox *mailbox;
    uint32_t uidvalidity, uidnext;
    int fd;                /* of its directory, or of its file */
    char *path;            /* of that, below root; "" is root */
    struct strbuf uidlist; /* maildir */
};

struct export_format {
    const char *name;
    /* -1 with errno. */
    int (*begin)(struct export_folder *f);
    /* `m` has everything but the path, which is appended to `path`. */
    int (*message)(struct export_folder *f, const struct manifest_message *m, uint64_t keywords,
                   struct slice content, struct strbuf *path);
    int (*end)(struct export_folder *f);
    /* What belongs to the whole: `folders`. */
    int (*finish)(int root, const struct manifest_folder *folders, size_t count);
};

const struct export_format *export_format_find(const char *name); /* NULL: none */

/* What a mbox message begins with, so that an import knows what was put in front. */
#define MBOX_MARK "X-Posthorn-Export: 1\n"

/* ---- pieces, for tests ---- */
int export_write_file(int dirfd, const char *name, struct slice content, int64_t mtime_ms);
/* `content` with LF, if all its lines end with CRLF; else as it is. */
void export_lines(struct slice content, struct strbuf *out);

#endif
