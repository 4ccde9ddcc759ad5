/*
 * filterd/message.c - holds a message's header section and changes, and gives the result back.
 *
 * Content and changes are untrusted; everything has a limit. Touches no path: it reads the
 * descriptor that smtpd sent, and writes files in memory.
 */
#include "filterd/message.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/mail/address.h"
#include "lib/mail/header.h"

enum { HEAD_STEP = 65536, CHANGES_BYTES_MAX = 2 << 20, COPY_STEP = 65536, HOLD_MAX = 400 };

struct message {
    int fd, body_fd; /* body_fd: fd, or a file in memory */
    struct header_list *headers;
    uint64_t body_start, body_size;
    bool headers_changed, body_replaced, sender_changed;
    struct arena texts;
    struct slice hold, sender;
    struct filterd_change *rcpts;
    uint32_t rcpt_count;
    struct body_memory *memory;
};

/* ---- what one milter wants ---- */

void
changes_begin(struct changes *changes, struct body_memory *memory)
{
    *changes = (struct changes){.memory = memory, .body_fd = -1};
}

void
changes_clear(struct changes *changes)
{
    arena_free(&changes->texts);
    xfree(&changes->list);
    if (changes->body_fd >= 0)
        changes->memory->used -= changes->body_size;
    close_keep_errno(changes->body_fd);
    changes_begin(changes, changes->memory);
}

/* "<a@b>" or "a@b" */
static struct slice
without_brackets(struct slice address)
{
    if (slice_starts(address, SLICE("<")) && slice_ends(address, SLICE(">")))
        return slice_sub(address, 1, address.len - 1);
    return address;
}

static bool
is_address(struct slice text, bool may_be_null)
{
    struct address parsed;

    if (text.len == 0)
        return may_be_null;
    return address_parse(text, ADDRESS_UTF8, &parsed) == ADDRESS_OK;
}

/* Many milters write LF where mail has CRLF: a line end of theirs is one of ours. */
static void
append_lines(struct changes *changes, struct slice chunk, struct strbuf *out)
{
    for (size_t i = 0; i < chunk.len; i++) {
        if (chunk.ptr[i] == '\n' && !changes->after_cr)
            (void)strbuf_char(out, '\r'); /* `out` has room for twice the chunk */
        (void)strbuf_char(out, chunk.ptr[i]);
        changes->after_cr = chunk.ptr[i] == '\r';
    }
}

static int
add_body(struct changes *changes, struct slice chunk, const char **why)
{
    struct strbuf lines = strbuf_new(2 * chunk.len + 1);
    int rc = -1;

    append_lines(changes, chunk, &lines);
    if (changes->body_fd < 0)
        changes->body_fd = memfd_create("body", MFD_CLOEXEC);
    *why = "replaced bodies need more than filter.body_memory";
    if (changes->memory->max - changes->memory->used >= lines.len) {
        *why = "no memory for the new body";
        if (changes->body_fd >= 0)
            rc = write_all(changes->body_fd, strbuf_slice(&lines));
    }
    if (rc == 0) {
        changes->memory->used += lines.len;
        changes->body_size += lines.len;
    }
    strbuf_free(&lines);
    return rc;
}

static int
check_address(struct answer *answer, const char **why)
{
    answer->name = without_brackets(answer->name);
    if (answer->what == ANSWER_DELETE_RCPT ||
        is_address(answer->name, answer->what == ANSWER_CHANGE_SENDER))
        return 0;
    *why = "gave what is no address";
    return -1;
}

static bool
has_address(enum packet_answer what)
{
    return what == ANSWER_ADD_RCPT || what == ANSWER_ADD_RCPT_PARAMS ||
           what == ANSWER_DELETE_RCPT || what == ANSWER_CHANGE_SENDER;
}

int
changes_add(struct changes *changes, const struct answer *answer, const char **why)
{
    struct answer copy = *answer;

    if (answer->what == ANSWER_REPLACE_BODY)
        return add_body(changes, answer->value, why);
    if (has_address(answer->what) && check_address(&copy, why) < 0)
        return -1;
    changes->bytes += copy.name.len + copy.value.len;
    if (changes->count == FILTERD_CHANGES_MAX || changes->bytes > CHANGES_BYTES_MAX) {
        *why = "changes too much";
        return -1;
    }
    if (changes->count == changes->room) {
        changes->room = changes->room == 0 ? 16 : 2 * changes->room;
        changes->list = xreallocarray(changes->list, changes->room, sizeof(*changes->list));
    }
    copy.name = arena_copy(&changes->texts, copy.name);
    copy.value = arena_copy(&changes->texts, copy.value);
    changes->list[changes->count++] = copy;
    return 0;
}

/* ---- the message ---- */

/* The first bytes of the content, until they hold the header section. */
static int
read_head(int fd, const struct filterd_content *content, size_t header_max, struct strbuf *head)
{
    size_t searched = 0;

    while (head->len < content->size && header_section_len(strbuf_slice(head), searched) == 0) {
        uint64_t left = content->size - head->len;
        size_t step = left < HEAD_STEP ? (size_t)left : HEAD_STEP;
        char *room;

        searched = head->len;
        if (head->len > header_max) {
            errno = EFBIG;
            return -1;
        }
        room = strbuf_room(head, step);
        assert_always(room != NULL); /* the ceiling has room for one step more */
        if (pread_exact(fd, room, step, (off_t)(content->start + head->len)) < 0)
            return -1;
        strbuf_grew(head, step);
    }
    return 0;
}

struct message *
message_open(int fd, const struct filterd_content *content, size_t header_max,
             struct body_memory *memory)
{
    struct strbuf head = strbuf_new(header_max + 2 * (size_t)HEAD_STEP);
    struct message *m = NULL;
    struct header_list *headers = NULL;
    size_t body_at = 0;

    if (read_head(fd, content, header_max, &head) == 0) {
        headers = header_list_new(strbuf_slice(&head), &body_at);
        if (headers == NULL)
            errno = EFBIG;
    }
    strbuf_free(&head);
    if (headers == NULL) {
        close_keep_errno(fd);
        return NULL;
    }
    m = xcalloc(1, sizeof(*m));
    m->fd = m->body_fd = fd;
    m->headers = headers;
    m->body_start = content->start + body_at;
    m->body_size = content->size - body_at;
    m->memory = memory;
    return m;
}

static void
drop_body(struct message *m)
{
    if (m->body_fd == m->fd)
        return;
    m->memory->used -= m->body_size;
    close_keep_errno(m->body_fd);
}

void
message_free(struct message **mp)
{
    struct message *m = *mp;

    if (m == NULL)
        return;
    drop_body(m);
    close_keep_errno(m->fd);
    header_list_free(&m->headers);
    arena_free(&m->texts);
    free(m->rcpts);
    xfree(mp);
}

const struct header_list *
message_headers(const struct message *m)
{
    return m->headers;
}

uint64_t
message_body_size(const struct message *m)
{
    return m->body_size;
}

ssize_t
message_read_body(const struct message *m, uint64_t at, char *buf, size_t room)
{
    uint64_t left = at < m->body_size ? m->body_size - at : 0;
    size_t step = left < room ? (size_t)left : room;

    if (pread_exact(m->body_fd, buf, step, (off_t)(m->body_start + at)) < 0)
        return -1;
    return (ssize_t)step;
}

/* ---- changes ---- */

static void
change_rcpt(struct message *m, struct slice address, bool added)
{
    if (m->rcpt_count == FILTERD_CHANGES_MAX)
        return; /* message_verdict says so */
    m->rcpts = xreallocarray(m->rcpts, m->rcpt_count + 1u, sizeof(*m->rcpts));
    m->rcpts[m->rcpt_count++] =
        (struct filterd_change){.added = added, .address = arena_copy(&m->texts, address)};
}

void
message_add_rcpt(struct message *m, struct slice address)
{
    change_rcpt(m, without_brackets(address), true);
}

void
message_delete_rcpt(struct message *m, struct slice address)
{
    change_rcpt(m, without_brackets(address), false);
}

void
message_hold(struct message *m, struct slice reason)
{
    if (m->hold.len == 0)
        m->hold = arena_copy(&m->texts, reason.len > 0 ? slice_sub(reason, 0, HOLD_MAX)
                                                       : SLICE("held by a filter"));
}

void
message_prepend(struct message *m, struct slice name, struct slice value)
{
    header_list_insert(m->headers, 0, name, value, false);
    m->headers_changed = true;
}

static void
apply_one(struct message *m, const struct answer *change, bool spaced)
{
    switch (change->what) {
    case ANSWER_ADD_HEADER:
        header_list_insert(m->headers, SIZE_MAX, change->name, change->value, spaced);
        m->headers_changed = true;
        break;
    case ANSWER_INSERT_HEADER:
        header_list_insert(m->headers, change->index, change->name, change->value, spaced);
        m->headers_changed = true;
        break;
    case ANSWER_CHANGE_HEADER:
        header_list_change(m->headers, change->index, change->name, change->value, spaced);
        m->headers_changed = true;
        break;
    case ANSWER_ADD_RCPT:
    case ANSWER_ADD_RCPT_PARAMS:
        message_add_rcpt(m, change->name);
        break;
    case ANSWER_DELETE_RCPT:
        message_delete_rcpt(m, change->name);
        break;
    case ANSWER_CHANGE_SENDER:
        m->sender = arena_copy(&m->texts, change->name);
        m->sender_changed = true;
        break;
    case ANSWER_QUARANTINE:
        message_hold(m, change->value);
        break;
    default:
        break; /* changes_add takes no others */
    }
}

void
message_apply(struct message *m, struct changes *changes, bool spaced)
{
    for (size_t i = 0; i < changes->count; i++)
        apply_one(m, &changes->list[i], spaced);
    header_list_settle(m->headers);
    if (changes->body_fd >= 0) {
        drop_body(m);
        m->body_fd = changes->body_fd;
        m->body_start = 0;
        m->body_size = changes->body_size;
        m->body_replaced = true;
        changes->body_fd = -1; /* and its memory is counted here now */
    }
    changes_clear(changes);
}

/* ---- the result ---- */

static int
write_body(const struct message *m, int fd)
{
    char *buf = xmalloc(COPY_STEP);
    uint64_t at = 0;
    int rc = 0;

    while (rc == 0 && at < m->body_size) {
        ssize_t n = message_read_body(m, at, buf, COPY_STEP);

        if (n < 0 || write_all(fd, slice_make(buf, (size_t)n)) < 0)
            rc = -1;
        else
            at += (uint64_t)n;
    }
    xfree(&buf);
    return rc;
}

/* The header section, and the body if it is not the old one, in a file of memory. */
static int
write_content(const struct message *m, struct filterd_verdict *verdict)
{
    struct strbuf section = strbuf_new(header_list_size(m->headers) + 2);
    int fd = memfd_create("message", MFD_CLOEXEC);
    bool fits = header_list_write(m->headers, &section);

    assert_always(fits);
    verdict->header_size = section.len;
    if (fd >= 0 && (write_all(fd, strbuf_slice(&section)) < 0 ||
                    (m->body_replaced && write_body(m, fd) < 0))) {
        close_keep_errno(fd);
        fd = -1;
    }
    strbuf_free(&section);
    return fd;
}

int
message_verdict(struct message *m, struct filterd_verdict *verdict, int *fd)
{
    *fd = -1;
    if (m->rcpt_count == FILTERD_CHANGES_MAX) {
        errno = E2BIG;
        return -1;
    }
    verdict->hold = m->hold;
    verdict->sender_changed = m->sender_changed;
    verdict->sender = m->sender;
    verdict->changes = m->rcpts;
    verdict->change_count = m->rcpt_count;
    verdict->content_changed = m->headers_changed || m->body_replaced;
    verdict->body_replaced = m->body_replaced;
    verdict->body_start = m->body_replaced ? 0 : m->body_start;
    if (!verdict->content_changed)
        return 0;
    *fd = write_content(m, verdict);
    return *fd < 0 ? -1 : 0;
}
