/*
 * posthorn/manifest.c - posthorn.manifest: written by an export, read by an import as any other
 * text from outside.
 */
#include "posthorn/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/encode.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/store/annotation_set.h"
#include "lib/store/beneath.h"

#define FILE_MAX (INT64_C(4) << 30)
#define HEAD "posthorn-export"
#define ANNOTATION_MAX (1u << 20) /* bytes of a value; imap.metadata_max_size ends there */

static const struct {
    uint32_t flag;
    char letter;
} letters[] = {{MESSAGE_DRAFT, 'D'},
               {MESSAGE_FLAGGED, 'F'},
               {MESSAGE_ANSWERED, 'R'},
               {MESSAGE_SEEN, 'S'},
               {MESSAGE_DELETED, 'T'}};

static const char *const uses[] = {
    [STORE_USE_NONE] = "-",      [STORE_USE_SENT] = "sent", [STORE_USE_DRAFTS] = "drafts",
    [STORE_USE_TRASH] = "trash", [STORE_USE_JUNK] = "junk", [STORE_USE_ARCHIVE] = "archive"};

void
manifest_flags_write(uint32_t flags, char out[MANIFEST_FLAGS_SIZE])
{
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(letters); i++)
        if ((flags & letters[i].flag) != 0)
            out[n++] = letters[i].letter;
    out[n] = '\0';
}

uint32_t
manifest_flags_read(struct slice text)
{
    uint32_t flags = 0;

    for (size_t i = 0; i < ARRAY_LEN(letters); i++)
        if (slice_index(text, letters[i].letter) < text.len)
            flags |= letters[i].flag;
    return flags;
}

/* ---- writing ---- */

void
manifest_put_format(struct strbuf *out, const char *format)
{
    (void)strbuf_printf(out, HEAD "\t1\t%s\n", format); /* overflow is remembered */
}

void
manifest_put_folder(struct strbuf *out, const struct manifest_folder *f)
{
    (void)strbuf_printf(out, "folder\t%u\t%s\t%s\t%.*s\n", f->uidvalidity, uses[f->use],
                        f->subscribed ? "subscribed" : "-", (int)f->name.len, f->name.ptr);
    if (f->uidnext != 0)
        (void)strbuf_printf(out, "uidnext\t%u\n", f->uidnext);
}

void
manifest_put_annotation(struct strbuf *out, struct slice name, struct slice value)
{
    (void)strbuf_printf(out, "annotation\t%.*s\t", (int)name.len, name.ptr);
    (void)base64_encode(value, out);
    (void)strbuf_char(out, '\n');
}

void
manifest_put_message(struct strbuf *out, const struct manifest_message *m)
{
    char flags[MANIFEST_FLAGS_SIZE];

    manifest_flags_write(m->flags, flags);
    (void)strbuf_printf(out, "message\t%.*s\t%u\t%llu\t%u\t%lld\t%s\t%.*s\t%.*s%s%.*s\n",
                        (int)m->path.len, m->path.ptr, m->uid, (unsigned long long)m->size, m->crc,
                        (long long)m->internal_ms, flags, (int)m->email_id.len, m->email_id.ptr,
                        (int)m->keywords.len, m->keywords.ptr, m->unique_name.len > 0 ? "\t" : "",
                        (int)m->unique_name.len, m->unique_name.ptr);
}

/* ---- reading ---- */

static int
take_u64(struct slice *line, uint64_t max, uint64_t *value)
{
    return parse_u64(slice_split(line, '\t'), max, value);
}

static int
take_ms(struct slice *line, int64_t *value)
{
    struct slice text = slice_split(line, '\t');
    bool negative = text.len > 0 && text.ptr[0] == '-';
    uint64_t number;

    if (parse_u64(slice_sub(text, negative ? 1 : 0, text.len), INT64_MAX, &number) < 0)
        return -1;
    *value = negative ? -(int64_t)number : (int64_t)number;
    return 0;
}

static int
read_folder(struct manifest *m, struct slice line)
{
    struct manifest_folder f = {0};
    uint64_t uidvalidity;
    struct slice use;

    if (take_u64(&line, UINT32_MAX, &uidvalidity) < 0)
        return -1;
    f.uidvalidity = (uint32_t)uidvalidity;
    use = slice_split(&line, '\t');
    for (size_t i = 0; i < ARRAY_LEN(uses); i++)
        if (slice_eq(use, slice_of(uses[i])))
            f.use = (enum store_use)i;
    f.subscribed = slice_eq(slice_split(&line, '\t'), SLICE("subscribed"));
    f.name = line;
    if (!store_name_valid(line))
        return -1;
    if (m->folder_count == m->folder_cap) {
        m->folder_cap = m->folder_cap == 0 ? 16 : m->folder_cap * 2;
        m->folders = xreallocarray(m->folders, m->folder_cap, sizeof(*m->folders));
    }
    m->folders[m->folder_count++] = f;
    return 0;
}

static int
read_message(struct manifest *m, struct slice line)
{
    struct manifest_message x = {.path = slice_split(&line, '\t'), .begin = line.ptr};
    uint64_t uid, crc;

    if (m->folder_count == 0 || take_u64(&line, UINT32_MAX, &uid) < 0 ||
        take_u64(&line, INT64_MAX, &x.size) < 0 || take_u64(&line, UINT32_MAX, &crc) < 0 ||
        take_ms(&line, &x.internal_ms) < 0)
        return -1;
    x.uid = (uint32_t)uid;
    x.crc = (uint32_t)crc;
    x.flags = manifest_flags_read(slice_split(&line, '\t'));
    x.email_id = slice_split(&line, '\t');
    x.keywords = slice_split(&line, '\t');
    x.unique_name = line;
    x.folder = m->folder_count - 1;
    if (m->message_count == m->message_cap) {
        m->message_cap = m->message_cap == 0 ? 256 : m->message_cap * 2;
        m->messages = xreallocarray(m->messages, m->message_cap, sizeof(*m->messages));
    }
    m->messages[m->message_count++] = x;
    return 0;
}

/* The name of an entry as imapd takes it, or one that it never finds. */
static bool
is_annotation_name(struct slice name)
{
    return name.len <= ANNOTATION_NAME_MAX && parse_is_ascii_print(name) &&
           (slice_starts_nocase(name, SLICE("/private/")) ||
            slice_starts_nocase(name, SLICE("/shared/")));
}

static int
read_annotation(struct manifest *m, struct slice line)
{
    struct manifest_annotation a = {.name = slice_split(&line, '\t'),
                                    .folder = m->folder_count == 0 ? MANIFEST_SERVER
                                                                   : m->folder_count - 1};
    struct strbuf value = strbuf_new(ANNOTATION_MAX);
    int rc = is_annotation_name(a.name) ? base64_decode(line, &value) : -1;

    a.value = arena_copy(&m->arena, strbuf_slice(&value));
    strbuf_free(&value);
    if (rc < 0)
        return -1;
    if (m->annotation_count == m->annotation_cap) {
        m->annotation_cap = m->annotation_cap == 0 ? 16 : m->annotation_cap * 2;
        m->annotations = xreallocarray(m->annotations, m->annotation_cap, sizeof(*m->annotations));
    }
    m->annotations[m->annotation_count++] = a;
    return 0;
}

static int
read_uidnext(struct manifest *m, struct slice line)
{
    uint64_t uidnext;

    if (m->folder_count == 0 || parse_u64(line, UINT32_MAX, &uidnext) < 0)
        return -1;
    m->folders[m->folder_count - 1].uidnext = (uint32_t)uidnext;
    return 0;
}

static int
by_path(const void *a, const void *b)
{
    const struct manifest_message *x = a, *y = b;
    int order = slice_cmp(x->path, y->path);

    return order != 0 ? order : (x->begin < y->begin ? -1 : x->begin > y->begin);
}

static int
read_line(struct manifest *m, struct slice line)
{
    struct slice kind = slice_split(&line, '\t');

    if (slice_eq(kind, SLICE("folder")))
        return read_folder(m, line);
    if (slice_eq(kind, SLICE("uidnext")))
        return read_uidnext(m, line);
    if (slice_eq(kind, SLICE("message")))
        return read_message(m, line);
    return slice_eq(kind, SLICE("annotation")) ? read_annotation(m, line) : -1;
}

static int
read_lines(struct manifest *m, struct slice text)
{
    struct slice line = slice_split(&text, '\n');

    if (!slice_eq(slice_split(&line, '\t'), SLICE(HEAD)) ||
        !slice_eq(slice_split(&line, '\t'), SLICE("1")))
        return -1;
    m->format = line;
    while (text.len > 0)
        if (read_line(m, slice_split(&text, '\n')) < 0)
            return -1;
    if (m->message_count > 1)
        qsort(m->messages, m->message_count, sizeof(*m->messages), by_path);
    return 0;
}

int
manifest_read(int dirfd, struct manifest *m)
{
    int fd = beneath_open(dirfd, MANIFEST_NAME, O_RDONLY | O_NONBLOCK, 0);
    struct stat st;
    int rc = -1;

    *m = (struct manifest){0};
    if (fd < 0)
        return errno == ENOENT ? 1 : -1;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= FILE_MAX) {
        m->text = xmalloc((size_t)st.st_size + 1);
        rc = pread_exact(fd, m->text, (size_t)st.st_size, 0);
        if (rc == 0 && read_lines(m, slice_make(m->text, (size_t)st.st_size)) < 0) {
            errno = EBADMSG;
            rc = -1;
        }
    }
    close_keep_errno(fd);
    if (rc < 0)
        manifest_free(m);
    return rc;
}

void
manifest_free(struct manifest *m)
{
    xfree(&m->text);
    xfree(&m->folders);
    xfree(&m->messages);
    xfree(&m->annotations);
    arena_free(&m->arena);
    m->folder_count = m->message_count = m->annotation_count = 0;
}

const struct manifest_message *
manifest_find(const struct manifest *m, struct slice path, size_t n)
{
    size_t low = 0, high = m->message_count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (slice_cmp(m->messages[mid].path, path) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    low += n;
    return low < m->message_count && slice_eq(m->messages[low].path, path) ? &m->messages[low]
                                                                           : NULL;
}
