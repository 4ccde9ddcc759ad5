/*
 * accountd/recorder_worker.c - the recorder's side.
 *
 * Input: packets of accountd, decoded as if it were hostile. Touches what lies below db/recent, and
 * may wait for the disk as long as it likes.
 */
#include "accountd/recorder_worker.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "accountd/recorder_message.h"
#include "lib/account/store_path.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/ipc/object.h"
#include "lib/log/log.h"

enum {
    FLUSH_MS = 5000,
    COMPLAIN_MS = 60000,
    LOOKED_AT_MAX = 1000, /* books for one page of sums */
    USERS_OF_DIR_MAX = 100000,
    OBJECT_MAX = 2048 /* bytes of one with sums */
};

struct desk {
    const struct recorder_place *place;
    struct books *books;
    int fd;
    int64_t flush_at_ms;   /* 0: nothing is to be flushed */
    int64_t complained_ms; /* 0: never */
    struct strbuf data, cursor, answer;
};

/* ---- values ---- */

static const char *const figure_names[BOOK_FIGURES] = {
    [BOOK_SENT_LOCAL_MESSAGES] = "sent_local_messages",
    [BOOK_SENT_LOCAL_RCPTS] = "sent_local_recipients",
    [BOOK_SENT_LOCAL_BYTES] = "sent_local_bytes",
    [BOOK_SENT_REMOTE_MESSAGES] = "sent_remote_messages",
    [BOOK_SENT_REMOTE_RCPTS] = "sent_remote_recipients",
    [BOOK_SENT_REMOTE_BYTES] = "sent_remote_bytes",
    [BOOK_RECEIVED_LOCAL_MESSAGES] = "received_local_messages",
    [BOOK_RECEIVED_LOCAL_BYTES] = "received_local_bytes",
    [BOOK_RECEIVED_REMOTE_MESSAGES] = "received_remote_messages",
    [BOOK_RECEIVED_REMOTE_BYTES] = "received_remote_bytes",
    [BOOK_SMTP_LOGINS] = "smtp_logins",
};

/* The texts of one object; freed together. */
struct texts {
    struct strbuf all[BOOK_FIGURES + 1];
    size_t count;
};

static struct slice
number(struct texts *texts, uint64_t value)
{
    struct strbuf *text = &texts->all[texts->count++];

    *text = strbuf_new(24);
    (void)strbuf_u64(text, value); /* it fits */
    return strbuf_slice(text);
}

static struct slice
time_text(struct texts *texts, int64_t time_ms)
{
    struct strbuf *text = &texts->all[texts->count++];

    *text = strbuf_new(40);
    (void)clock_rfc3339(time_ms, text); /* it fits */
    return strbuf_slice(text);
}

static void
texts_free(struct texts *texts)
{
    for (size_t i = 0; i < texts->count; i++)
        strbuf_free(&texts->all[i]);
}

static void
add_sums(struct strbuf *data, struct slice address, const uint64_t figures[BOOK_FIGURES])
{
    struct object_field fields[BOOK_FIGURES + 1];
    struct texts texts = {.count = 0};
    uint32_t count = 0;

    if (address.len > 0)
        fields[count++] = (struct object_field){SLICE("address"), address};
    for (size_t i = 0; i < BOOK_FIGURES; i++)
        fields[count++] =
            (struct object_field){slice_of(figure_names[i]), number(&texts, figures[i])};
    object_add(data, fields, count);
    texts_free(&texts);
}

/* ---- a user's lists ---- */

struct line {
    enum book_kind kind;
    struct book_entry entry;
    char *client, *what, *result; /* its texts, owned */
};

struct lines {
    enum book_kind kind;
    struct line list[BOOK_KINDS * BOOK_ENTRIES];
    size_t count;
};

static void
take_line(void *arg, const struct book_entry *entry)
{
    struct lines *lines = arg;
    struct line *line = &lines->list[lines->count++];

    *line = (struct line){lines->kind, *entry, xslicedup(entry->client), xslicedup(entry->what),
                          xslicedup(entry->result)};
}

static int
newest_first(const void *a, const void *b)
{
    int64_t x = ((const struct line *)a)->entry.time_ms,
            y = ((const struct line *)b)->entry.time_ms;

    return (x < y) - (x > y);
}

/* "imap ok": service and what came of it. */
static struct slice
result_word(const struct line *line, struct slice *rest)
{
    *rest = slice_of(line->result);
    return slice_split(rest, ' ');
}

static void
add_line(struct strbuf *data, const struct line *line)
{
    const struct book_entry *e = &line->entry;
    struct slice client = slice_of(line->client), what = slice_of(line->what), rest;
    struct slice word = result_word(line, &rest);
    struct texts texts = {.count = 0};
    const struct object_field time = {SLICE("time"), time_text(&texts, e->time_ms)};
    const struct object_field bytes = {SLICE("bytes"), number(&texts, e->bytes)};
    const struct object_field local = {SLICE("local"), number(&texts, e->local)};
    const struct object_field remote = {SLICE("remote"), number(&texts, e->remote)};

    switch (line->kind) {
    case BOOK_SENT:
        object_add(data,
                   (const struct object_field[]){time,
                                                 {SLICE("client"), client},
                                                 {SLICE("recipients"), what},
                                                 local,
                                                 remote,
                                                 bytes,
                                                 {SLICE("result"), slice_of(line->result)}},
                   7);
        break;
    case BOOK_RECEIVED:
        object_add(data,
                   (const struct object_field[]){
                       time,
                       {SLICE("sender"), what},
                       {SLICE("from"), e->local > 0 ? SLICE("local") : SLICE("remote")},
                       bytes,
                       {SLICE("queue_id"), slice_of(line->result)}},
                   5);
        break;
    case BOOK_DELETED:
        object_add(data,
                   (const struct object_field[]){time,
                                                 {SLICE("service"), word},
                                                 {SLICE("client"), client},
                                                 {SLICE("folder"), what},
                                                 {SLICE("messages"), local.value},
                                                 bytes},
                   6);
        break;
    default:
        object_add(data,
                   (const struct object_field[]){time,
                                                 {SLICE("service"), word},
                                                 {SLICE("client"), client},
                                                 {SLICE("location"), what},
                                                 {SLICE("result"), rest}},
                   5);
        break;
    }
    texts_free(&texts);
}

static int
answer_list(struct desk *desk, const struct recorder_question *q)
{
    uint32_t today = book_day_of(clock_real_ms());
    const struct book_period period = {.first_day = today, .last_day = today};
    struct lines *lines = xcalloc(1, sizeof(*lines));
    uint64_t figures[BOOK_FIGURES];
    int rc = books_sums(desk->books, q->path, &period, figures);

    add_sums(&desk->data, SLICE(""), figures);
    for (unsigned kind = 0; kind < BOOK_KINDS && rc == 0; kind++) {
        lines->kind = (enum book_kind)kind;
        if ((q->kinds & 1u << kind) != 0)
            rc = books_list(desk->books, q->path, lines->kind, take_line, lines);
    }
    qsort(lines->list, lines->count, sizeof(lines->list[0]), newest_first);
    for (size_t i = 0; i < lines->count; i++) {
        add_line(&desk->data, &lines->list[i]);
        free(lines->list[i].client);
        free(lines->list[i].what);
        free(lines->list[i].result);
    }
    free(lines);
    return rc;
}

/* ---- the sums of a domain's users ---- */

struct walk {
    struct desk *desk;
    const struct recorder_question *question;
    unsigned looked_at, found;
    char path[RECORDER_PATH_MAX + 1];
};

static bool
page_is_full(const struct walk *walk)
{
    return walk->looked_at >= LOOKED_AT_MAX || walk->found >= RECORDER_PAGE ||
           walk->desk->data.len + OBJECT_MAX > walk->desk->data.max;
}

static int
look_at(struct walk *walk)
{
    struct strbuf address = strbuf_new(ACCOUNT_PATH_MAX);
    uint64_t figures[BOOK_FIGURES], any = 0;
    int rc = books_sums(walk->desk->books, walk->path, &walk->question->period, figures);

    walk->looked_at++;
    for (size_t i = 0; i < BOOK_FIGURES && rc == 0; i++)
        any |= figures[i];
    if (any != 0 && account_path_address(slice_of(walk->path), &address) == 0) {
        walk->found++;
        add_sums(&walk->desk->data, strbuf_slice(&address), figures);
    }
    strbuf_free(&address);
    return rc;
}

static int
compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in a directory, sorted; -1 with errno. */
static int
read_names(int dirfd, const char *path, char ***names, size_t *count)
{
    int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;

    *names = NULL;
    *count = 0;
    if (dir == NULL)
        return errno == ENOENT ? 0 : -1;
    while (*count < USERS_OF_DIR_MAX && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        if ((*count & (*count - 1)) == 0) /* a power of two is full */
            *names = xreallocarray(*names, *count == 0 ? 1 : *count * 2, sizeof(**names));
        (*names)[(*count)++] = xstrdup(entry->d_name);
    }
    (void)closedir(dir);
    if (*count > 1)
        qsort(*names, *count, sizeof(**names), compare_names);
    return 0;
}

/* One of the 256 directories of a domain, from behind `after` on. 1: the page is full. */
static int
walk_directory(struct walk *walk, unsigned xx, struct slice after)
{
    char directory[RECORDER_PATH_MAX + 16];
    size_t count, i = 0;
    char **names;
    int rc, len;

    (void)snprintf(directory, sizeof(directory), "%s/%02x", walk->question->path, xx & 0xff);
    rc = read_names(walk->desk->place->dirfd, directory, &names, &count);
    while (i < count && slice_cmp(slice_of(names[i]), after) <= 0)
        i++;
    for (; i < count && rc == 0; i++) {
        len = snprintf(walk->path, sizeof(walk->path), "%s/%s", directory, names[i]);
        if (len < 0 || (size_t)len >= sizeof(walk->path))
            continue; /* no book of ours */
        rc = look_at(walk);
        if (rc == 0 && page_is_full(walk)) {
            strbuf_clear(&walk->desk->cursor);
            (void)strbuf_printf(&walk->desk->cursor, "%02x/%s", xx, names[i]); /* it fits */
            rc = 1;
        }
    }
    for (i = 0; i < count; i++)
        free(names[i]);
    free(names);
    return rc;
}

static int
answer_sums(struct desk *desk, const struct recorder_question *q)
{
    struct walk walk = {.desk = desk, .question = q};
    struct slice after = q->cursor, first = slice_split(&after, '/');
    char text[3] = {0};
    unsigned xx;
    int rc = 0;

    if (first.len == 2)
        memcpy(text, first.ptr, 2);
    for (xx = (unsigned)strtoul(text, NULL, 16); xx < 256 && rc == 0; xx++) {
        rc = walk_directory(&walk, xx, after);
        after = SLICE("");
    }
    return rc < 0 ? -1 : 0;
}

/* ---- packets ---- */

static void
complain(struct desk *desk, const char *path)
{
    int64_t now_ms = clock_mono_ms();

    if (desk->complained_ms != 0 && now_ms - desk->complained_ms < COMPLAIN_MS)
        return;
    desk->complained_ms = now_ms;
    log_event(LOG_ERROR, "record_not_written", KV_STR("path", path), KV_ERRNO());
}

static int
on_note(struct desk *desk, struct slice payload)
{
    char path[RECORDER_PATH_MAX + 1];
    uint64_t figures[BOOK_FIGURES];
    struct recorder_note note;

    if (recorder_note_decode(payload, &note, path, figures) < 0)
        return -1;
    if (books_note(desk->books, path, note.kind, &note.entry, note.listed, note.figures) < 0)
        complain(desk, path);
    if (desk->flush_at_ms == 0)
        desk->flush_at_ms = clock_mono_ms() + FLUSH_MS;
    return 0;
}

static int
on_moved(struct desk *desk, struct slice payload)
{
    char path[RECORDER_PATH_MAX + 1], new_path[RECORDER_PATH_MAX + 1];

    if (recorder_moved_decode(payload, path, new_path) < 0)
        return -1;
    if ((new_path[0] == '\0' ? books_remove(desk->books, path)
                             : books_move(desk->books, path, new_path)) < 0)
        complain(desk, path);
    return 0;
}

static int
on_question(struct desk *desk, const struct frame_header *header, struct slice payload)
{
    struct recorder_question q;
    int rc = 0;

    strbuf_clear(&desk->data);
    strbuf_clear(&desk->cursor);
    strbuf_clear(&desk->answer);
    if (recorder_question_decode(payload, &q) < 0)
        log_event(LOG_ERROR, "bad_question", KV_U64("type", header->type)); /* nothing is known */
    else
        rc = header->type == RECORDER_LIST ? answer_list(desk, &q) : answer_sums(desk, &q);
    if (rc < 0)
        complain(desk, q.path); /* what was found is the answer */
    if (recorder_answer_encode(&desk->answer, header->request_id, strbuf_slice(&desk->data),
                               strbuf_slice(&desk->cursor)) < 0)
        return -1;
    return send(desk->fd, desk->answer.ptr, desk->answer.len, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

static int
on_packet(struct desk *desk, struct slice packet)
{
    int rc = 0;

    while (packet.len > 0 && rc == 0) {
        struct frame_header header;
        struct slice payload;

        if (packet.len < FRAME_HEADER ||
            frame_header_decode(packet.ptr, RECORDER_PACKET_MAX, &header) < 0 ||
            header.length > packet.len - FRAME_HEADER)
            return -1;
        payload = slice_sub(packet, FRAME_HEADER, FRAME_HEADER + header.length);
        packet = slice_sub(packet, FRAME_HEADER + header.length, packet.len);
        if (header.type == RECORDER_NOTE)
            rc = on_note(desk, payload);
        else if (header.type == RECORDER_MOVED)
            rc = on_moved(desk, payload);
        else if (header.type == RECORDER_LIST || header.type == RECORDER_SUMS)
            rc = on_question(desk, &header, payload);
        else
            rc = -1;
    }
    return rc;
}

/* How long to wait for the next packet: for ever, or until what there is has to be flushed. */
static int
patience_ms(struct desk *desk)
{
    int64_t left_ms = desk->flush_at_ms - clock_mono_ms();

    if (desk->flush_at_ms == 0)
        return -1;
    if (left_ms > 0)
        return (int)left_ms;
    if (books_flush(desk->books) < 0)
        complain(desk, "");
    desk->flush_at_ms = 0;
    return -1;
}

void
recorder_work(void *arg, int fd)
{
    static char packet[RECORDER_PACKET_MAX];
    struct desk desk = {.place = arg,
                        .fd = fd,
                        .data = strbuf_new(RECORDER_DATA_MAX),
                        .cursor = strbuf_new(RECORDER_PATH_MAX),
                        .answer = strbuf_new(RECORDER_ANSWER_MAX)};
    struct pollfd wait = {.fd = fd, .events = POLLIN};

    while (flock(desk.place->lockfd, LOCK_EX) < 0 && errno == EINTR)
        continue; /* any other failure: then nobody else is there to be kept apart from */
    desk.books = books_new(desk.place->dirfd);
    for (;;) {
        ssize_t len;

        if (poll(&wait, 1, patience_ms(&desk)) <= 0)
            continue;
        len = recv(fd, packet, sizeof(packet), 0);
        if (len < 0 && errno == EINTR)
            continue;
        if (len <= 0 || on_packet(&desk, slice_make(packet, (size_t)len)) < 0) {
            books_free(&desk.books);
            _exit(len == 0 ? EX_OK : EX_PROTOCOL);
        }
        log_flush();
    }
}
