/*
 * posthorn/importer.h - puts messages into a store, whatever they came from.
 *
 * What the manifest says of a message counts, where there is one and the content is what it says;
 * else what the source says.
 */
#ifndef POSTHORN_POSTHORN_IMPORTER_H
#define POSTHORN_POSTHORN_IMPORTER_H

#include "posthorn/manifest.h"
#include "posthorn/store_job.h"

struct importer {
    struct store *store;
    const struct manifest *manifest; /* NULL: there is none */
    struct store_job_output *out;
    const char *uidl_format; /* of POP3 on the server that it comes from; NULL: as it looks */
    char *folder;            /* canonical name; NULL: none is begun */
    uint32_t uidnext;        /* of the folder where it came from; 0: not known */
    bool fresh;              /* nothing was in the folder: it can have what the source says */
    struct map *names;       /* unique names that were given out in the folder */
    struct mailbox_append *append;
    uint32_t pending;
    uint64_t pending_bytes;
    uint64_t messages; /* of the folder, durable or pending */
};

struct import_message {
    struct slice content;     /* as the source has it */
    struct slice path;        /* below the source, for the manifest */
    size_t nth;               /* of that path */
    uint32_t uid;             /* 0: not known */
    struct slice unique_name; /* for POP3; empty: not known */
    uint32_t flags;
    const struct slice *keywords;
    uint32_t keyword_count;
    int64_t internal_ms;
};

/* Folders of the manifest are made, with their use and subscription. -1 after the message. */
int importer_make_folders(struct importer *im);
/* Begins a folder, made if need be; the one before is ended. `uidvalidity`, `uidnext` 0: not known.
 */
int importer_folder(struct importer *im, struct slice name, uint32_t uidvalidity, uint32_t uidnext);
int importer_message(struct importer *im, const struct import_message *m);
/* Ends the last folder: all is durable. */
int importer_end(struct importer *im);

/* ---- import_source.c ---- */
/* Reads all of a source. -1 after the message. */
int import_source_read(struct importer *im, int dirfd, const char *format);
/* "maildir", "mbox", "eml", or NULL: it looks like none. */
const char *import_source_format(int dirfd, const struct manifest *manifest);

/* ---- import_mbox.c ---- */
int import_mbox_read(struct importer *im, const char *path, struct slice text);

#endif
