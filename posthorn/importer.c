/*
 * posthorn/importer.c - puts messages into a store, whatever they came from.
 */
#include "posthorn/importer.h"

#include <errno.h>
#include <string.h>

#include "lib/base/crc32c.h"
#include "lib/base/io.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/store/annotations.h"
#include "lib/store/folder_identity.h"

#define PENDING_MAX 200
#define PENDING_BYTES_MAX (UINT64_C(64) << 20)
#define ANNOTATIONS_MAX 1000 /* what imap.metadata_max_entries and _total allow at most */
#define ANNOTATIONS_BYTES_MAX (16u << 20)
#define CONTENT_MAX ((size_t)1 << 33)
#define NAMES_MAX ((size_t)50 << 20) /* as many as a folder may have messages */

/* ---- folders ---- */

static int
fail(struct importer *im, struct slice what)
{
    return store_job_fail(im->out, "%.*s: %s", (int)what.len, what.ptr,
                          errno == EDQUOT ? "over quota; --no-quota takes it all the same"
                                          : strerror(errno));
}

static int
make(struct importer *im, const struct manifest_folder *f)
{
    if (store_create(im->store, f->name, f->use) < 0 && errno != EEXIST)
        return -1;
    if (f->subscribed && store_subscribe(im->store, f->name, true) < 0)
        return -1;
    return f->uidvalidity == 0 || folder_identity_set(im->store, f->name, f->uidvalidity) >= 0 ? 0
                                                                                               : -1;
}

/* Those of one folder, or of the server, from `first` on; how many there are, or -1. */
static ssize_t
annotate(struct importer *im, size_t first)
{
    static const struct annotation_limits limits = {ANNOTATIONS_MAX, ANNOTATIONS_BYTES_MAX};
    const struct manifest *m = im->manifest;
    const struct manifest_annotation *a = &m->annotations[first];
    struct annotation_place place = {.own = im->store};
    struct annotation_change *changes;
    size_t count = 1;
    int rc;

    if (a->folder != MANIFEST_SERVER) {
        place.store = im->store;
        place.folder = m->folders[a->folder].name;
    }
    while (first + count < m->annotation_count && a[count].folder == a->folder)
        count++;
    changes = xreallocarray(NULL, count, sizeof(*changes));
    for (size_t i = 0; i < count; i++)
        changes[i] = (struct annotation_change){a[i].name, a[i].value};
    rc = annotations_change(&place, changes, count, &limits, NULL, NULL);
    xfree(&changes);
    return rc < 0 ? -1 : (ssize_t)count;
}

int
importer_make_folders(struct importer *im)
{
    const struct manifest *m = im->manifest;
    ssize_t taken;

    for (size_t i = 0; m != NULL && i < m->folder_count; i++)
        if (make(im, &m->folders[i]) < 0)
            return fail(im, m->folders[i].name);
    for (size_t i = 0; m != NULL && i < m->annotation_count; i += (size_t)taken) {
        taken = annotate(im, i);
        if (taken < 0)
            return store_job_fail(im->out, "annotations: %s",
                                  errno == EOVERFLOW || errno == EDQUOT ? "there are too many"
                                                                        : strerror(errno));
    }
    return 0;
}

static void
tell(struct importer *im)
{
    struct strbuf count = strbuf_new(24);

    (void)strbuf_u64(&count, im->messages);
    store_job_row(im->out,
                  (struct object_field[]){{SLICE("folder"), slice_of(im->folder)},
                                          {SLICE("messages"), strbuf_slice(&count)}},
                  2);
    strbuf_free(&count);
}

static int
commit(struct importer *im)
{
    struct mailbox_uids uids;
    int rc;

    if (im->append == NULL)
        return 0;
    rc = mailbox_append_commit(&im->append, &uids);
    im->pending = 0;
    im->pending_bytes = 0;
    if (rc < 0)
        return fail(im, slice_of(im->folder));
    free(uids.uids);
    return 0;
}

int
importer_end(struct importer *im)
{
    int rc = commit(im);

    if (rc == 0 && im->folder != NULL && im->fresh && im->uidnext != 0 &&
        folder_identity_uidnext(im->store, slice_of(im->folder), im->uidnext) < 0)
        rc = fail(im, slice_of(im->folder));
    if (rc == 0 && im->folder != NULL)
        tell(im);
    xfree(&im->folder);
    map_free(&im->names, NULL);
    im->messages = 0;
    return rc;
}

static const struct manifest_folder *
listed_folder(const struct importer *im, struct slice name)
{
    for (size_t i = 0; im->manifest != NULL && i < im->manifest->folder_count; i++)
        if (slice_eq(im->manifest->folders[i].name, name))
            return &im->manifest->folders[i];
    return NULL;
}

int
importer_folder(struct importer *im, struct slice name, uint32_t uidvalidity, uint32_t uidnext)
{
    const struct manifest_folder f = {.name = name, .uidvalidity = uidvalidity};
    const struct manifest_folder *listed = listed_folder(im, name);
    struct mailbox_info info;

    if (im->folder != NULL && slice_eq(name, slice_of(im->folder)))
        return 0;
    if (importer_end(im) < 0)
        return -1;
    if (make(im, &f) < 0 || mailbox_status(im->store, name, &info) < 0)
        return fail(im, name);
    im->folder = xslicedup(name);
    im->names = map_new(NAMES_MAX);
    im->uidnext = listed != NULL ? listed->uidnext : uidnext;
    im->fresh = info.uidnext <= 1;
    return 0;
}

/* ---- messages ---- */

/* The message as the store has it: CRLF. */
static void
with_crlf(struct slice content, struct strbuf *out)
{
    for (size_t i = 0; i < content.len; i++) {
        if (content.ptr[i] == '\n' && (i == 0 || content.ptr[i - 1] != '\r'))
            (void)strbuf_char(out, '\r');
        (void)strbuf_char(out, content.ptr[i]); /* overflow is remembered */
    }
}

static bool
is_it(struct slice content, const struct manifest_message *line)
{
    return content.len == line->size && crc32c(0, content) == line->crc;
}

/* A mbox had to end the last line, a Maildir may have odd line ends: what the manifest names is
 * what counts. */
static struct slice
choose(struct slice raw, struct slice crlf, const struct manifest_message *line)
{
    if (line == NULL || is_it(crlf, line))
        return crlf;
    if (is_it(raw, line))
        return raw;
    if (crlf.len == line->size + 2 && is_it(slice_sub(crlf, 0, line->size), line))
        return slice_sub(crlf, 0, line->size);
    if (raw.len == line->size + 1 && is_it(slice_sub(raw, 0, line->size), line))
        return slice_sub(raw, 0, line->size);
    return crlf;
}

/* A name that no other message of the folder can have. */
static struct slice
take_name(struct importer *im, struct slice name)
{
    void **at = im->fresh && name.len > 0 ? map_at(im->names, name) : NULL;

    if (at == NULL || *at != NULL)
        return SLICE("");
    *at = im;
    return name;
}

static int
append(struct importer *im, struct slice content, uint32_t flags, const struct slice *keywords,
       uint32_t count, int64_t internal_ms)
{
    int fd;

    if (im->append == NULL) {
        im->append = mailbox_append_begin(im->store, slice_of(im->folder));
        if (im->append == NULL)
            return -1;
        mailbox_append_bulk(im->append);
    }
    fd = mailbox_append_fd(im->append);
    if (fd < 0 || write_all(fd, content) < 0)
        return -1;
    return mailbox_append_message(im->append, flags, keywords, count, internal_ms);
}

static int
append_as_listed(struct importer *im, struct slice content, const struct manifest_message *line)
{
    struct slice keywords[MAILBOX_KEYWORDS_MAX], rest = line->keywords;
    uint32_t count = 0;

    while (rest.len > 0 && count < MAILBOX_KEYWORDS_MAX)
        keywords[count++] = slice_split(&rest, ' ');
    if (append(im, content, line->flags, keywords, count, line->internal_ms) < 0)
        return -1;
    mailbox_append_keep(im->append, line->uid, is_it(content, line) ? line->email_id : SLICE(""),
                        take_name(im, line->unique_name));
    return 0;
}

int
importer_message(struct importer *im, const struct import_message *m)
{
    const struct manifest_message *line =
        im->manifest == NULL ? NULL : manifest_find(im->manifest, m->path, m->nth);
    struct strbuf crlf = strbuf_new(CONTENT_MAX);
    struct slice content;
    int rc = -1;

    with_crlf(m->content, &crlf);
    content = choose(m->content, strbuf_slice(&crlf), line);
    errno = EFBIG;
    if (!crlf.overflow && line != NULL) {
        rc = append_as_listed(im, content, line);
    } else if (!crlf.overflow) {
        rc = append(im, content, m->flags, m->keywords, m->keyword_count, m->internal_ms);
        if (rc == 0)
            mailbox_append_keep(im->append, m->uid, SLICE(""), take_name(im, m->unique_name));
    }
    im->messages += rc == 0;
    im->pending_bytes += content.len;
    strbuf_free(&crlf);
    if (rc < 0)
        return fail(im, m->path);
    return ++im->pending >= PENDING_MAX || im->pending_bytes >= PENDING_BYTES_MAX ? commit(im) : 0;
}
