/*
 * posthorn/manifest.h - posthorn.manifest, which an export writes beside the messages.
 *
 * It carries what the formats have no place for, so that an import gives back exactly what was
 * exported. Lines of fields that are parted by tabs:
 *     posthorn-export 1 FORMAT
 *     folder UIDVALIDITY USE subscribed|- NAME
 *     uidnext UIDNEXT
 *     message PATH UID SIZE CRC INTERNALDATE-ms FLAGS EMAIL-ID KEYWORDS [UNIQUE-NAME]
 *     annotation NAME VALUE
 * A message belongs to the folder before it, and so do uidnext and an annotation (RFC 5464), whose
 * VALUE is in base64; those before the first folder are the user's of the server. PATH is below the
 * export's directory (mbox: the file, messages in its order), in a Maildir without what follows
 * ":2,". FLAGS are letters of Maildir.
 */
#ifndef POSTHORN_POSTHORN_MANIFEST_H
#define POSTHORN_POSTHORN_MANIFEST_H

#include "lib/base/arena.h"
#include "lib/store/mailbox.h"

#define MANIFEST_NAME "posthorn.manifest"
#define MANIFEST_FLAGS_SIZE 8

struct manifest_message {
    struct slice path, email_id, keywords; /* parted by spaces */
    struct slice unique_name;              /* that it came with; or empty */
    uint32_t uid, crc, flags;
    uint64_t size;
    int64_t internal_ms;
    size_t folder;     /* its index */
    const char *begin; /* mbox: keeps the order */
};
struct manifest_folder {
    struct slice name;
    uint32_t uidvalidity, uidnext; /* 0: not known */
    enum store_use use;
    bool subscribed;
};
struct manifest_annotation {
    struct slice name, value;
    size_t folder; /* its index; MANIFEST_SERVER */
};
#define MANIFEST_SERVER SIZE_MAX
struct manifest {
    char *text;
    struct arena arena; /* decoded values */
    struct slice format;
    struct manifest_folder *folders;
    size_t folder_count, folder_cap;
    struct manifest_message *messages; /* sorted by path */
    size_t message_count, message_cap;
    struct manifest_annotation *annotations; /* as they come: those of a folder together */
    size_t annotation_count, annotation_cap;
};

/* Reads it from the directory. 0; 1: there is none; -1 with errno: EBADMSG, a line makes no sense.
 */
int manifest_read(int dirfd, struct manifest *m);
void manifest_free(struct manifest *m);
/* The n-th message at that path. NULL: there is none. */
const struct manifest_message *manifest_find(const struct manifest *m, struct slice path, size_t n);

/* ---- writing ---- */
void manifest_put_format(struct strbuf *out, const char *format);
void manifest_put_folder(struct strbuf *out, const struct manifest_folder *folder);
void manifest_put_annotation(struct strbuf *out, struct slice name, struct slice value);
void manifest_put_message(struct strbuf *out, const struct manifest_message *message);

/* "DFRST" of Maildir, and back. */
void manifest_flags_write(uint32_t flags, char out[MANIFEST_FLAGS_SIZE]);
uint32_t manifest_flags_read(struct slice letters);

#endif
