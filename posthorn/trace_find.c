/*
 * posthorn/trace_find.c - finds messages in the logs.
 *
 * What clients sent stands quoted in the lines (lib/log/line), so a line is taken apart before
 * anything in it counts. Reads log files only.
 */
#include "posthorn/trace_find.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/log/line.h"

enum { TIME_LEN = 24, KEY_MAX = 128 };
#define AGE_MAX_MS ((uint64_t)100 * 366 * 86400 * 1000)

/* One bit for each thing that may be asked for. */
enum want {
    WANT_QUEUE_ID = 1,
    WANT_MESSAGE_ID = 2,
    WANT_FROM = 4,
    WANT_TO = 8,
    WANT_HOST = 16,
    WANT_TIME = 32,
};

/* What is known of a story while the logs are read. */
struct note {
    unsigned met;         /* bits of enum want */
    char first[TIME_LEN]; /* time of the first line that met one */
    struct trace_story *story;
    struct note *next;
};

struct finder {
    const struct trace_wanted *wanted;
    unsigned all; /* bits that a story has to meet */
    bool telling; /* the second time */
    bool full;
    struct map *notes;
    const char *service; /* of the file being read */
    struct note *all_notes;
    size_t lines; /* kept so far */
    struct strbuf value;
    struct trace_result *out;
};

/* What a line says about its story. */
struct said {
    struct slice time;
    struct slice queue_id, session, client, event;
    unsigned met;
};

/* ---- what is asked for ---- */

int
trace_time(struct slice text, int64_t now_ms, char out[32])
{
    static const char form[] = "0000-00-00T00:00:00.000";
    struct strbuf time = strbuf_new(32);
    uint64_t age_ms;

    if (parse_duration_ms(text, AGE_MAX_MS, &age_ms) == 0 && slice_index(text, '-') == text.len &&
        text.ptr[text.len - 1] > '9') {
        (void)clock_rfc3339(now_ms - (int64_t)age_ms, &time);
        (void)snprintf(out, 32, "%s", strbuf_cstr(&time));
        strbuf_free(&time);
        return 0;
    }
    strbuf_free(&time);
    if (text.len > 0 && text.ptr[text.len - 1] == 'Z')
        text.len--;
    if (text.len < strlen("2026") || text.len >= sizeof(form))
        return -1;
    for (size_t i = 0; i < text.len; i++) {
        bool digit = text.ptr[i] >= '0' && text.ptr[i] <= '9';

        if (form[i] == '0' ? !digit
                           : text.ptr[i] != form[i] && (form[i] != 'T' || text.ptr[i] != ' '))
            return -1;
        out[i] = form[i] == 'T' ? 'T' : text.ptr[i];
    }
    out[text.len] = '\0';
    return 0;
}

static struct slice
without_brackets(struct slice text)
{
    if (text.len >= 2 && text.ptr[0] == '<' && text.ptr[text.len - 1] == '>')
        return slice_sub(text, 1, text.len - 1);
    return text;
}

const char *
trace_wanted_check(struct trace_wanted *w)
{
    w->message_id = without_brackets(w->message_id);
    if (w->to.len > 0)
        w->to = without_brackets(w->to);
    if (w->from.len > 0 && !slice_eq(w->from, SLICE("<>")))
        w->from = without_brackets(w->from);
    if (w->queue_id.len + w->message_id.len + w->from.len + w->to.len + w->host.len + w->since.len +
            w->until.len ==
        0)
        return "expected a queue id, or what else to look for";
    if (w->since.len > 0 && w->until.len > 0 &&
        slice_cmp(slice_sub(w->since, 0, w->until.len), w->until) > 0)
        return "expected --since before --until";
    return NULL;
}

static unsigned
bits_of(const struct trace_wanted *w)
{
    return (w->queue_id.len > 0 ? WANT_QUEUE_ID : 0u) |
           (w->message_id.len > 0 ? WANT_MESSAGE_ID : 0u) | (w->from.len > 0 ? WANT_FROM : 0u) |
           (w->to.len > 0 ? WANT_TO : 0u) | (w->host.len > 0 ? WANT_HOST : 0u) |
           (w->since.len + w->until.len > 0 ? WANT_TIME : 0u);
}

/* ---- one line ---- */

/* An address, or "@domain" for all in it. "<>" is the null sender. */
static bool
is_address(struct slice address, struct slice wanted)
{
    if (slice_eq(wanted, SLICE("<>")))
        return address.len == 0;
    if (wanted.ptr[0] == '@')
        return slice_ends_nocase(address, wanted);
    return slice_eq_nocase(address, wanted);
}

static bool
has_address(struct slice list, struct slice wanted)
{
    while (list.len > 0)
        if (is_address(slice_split(&list, ','), wanted))
            return true;
    return false;
}

/* A name, an address, or a network. */
static bool
is_host(struct slice host, struct slice wanted)
{
    struct cidr net, one;

    if (slice_eq_nocase(host, wanted))
        return host.len > 0;
    return cidr_parse(wanted, &net) == 0 && cidr_parse(host, &one) == 0 && cidr_has(&net, &one.net);
}

static bool
is_any(struct slice key, const char *const *names)
{
    for (; *names != NULL; names++)
        if (slice_eq(key, slice_of(*names)))
            return true;
    return false;
}

static unsigned
met_by(const struct trace_wanted *w, struct slice key, struct slice value)
{
    static const char *const to[] = {"to", "rcpt", NULL};
    static const char *const host[] = {"client", "ip", "remote", "helo", NULL};

    if (slice_eq(key, SLICE("queue_id")))
        return slice_eq(value, w->queue_id) ? WANT_QUEUE_ID : 0;
    if (slice_eq(key, SLICE("message_id")))
        return slice_eq(value, w->message_id) ? WANT_MESSAGE_ID : 0;
    if (w->from.len > 0 && slice_eq(key, SLICE("from")))
        return is_address(value, w->from) ? WANT_FROM : 0;
    if (w->to.len > 0 && is_any(key, to))
        return has_address(value, w->to) ? WANT_TO : 0;
    if (w->host.len > 0 && is_any(key, host))
        return is_host(value, w->host) ? WANT_HOST : 0;
    return 0;
}

static bool
is_in_time(const struct trace_wanted *w, struct slice time)
{
    return slice_cmp(slice_sub(time, 0, w->since.len), w->since) >= 0 &&
           slice_cmp(slice_sub(time, 0, w->until.len), w->until) <= 0;
}

/* False: no line of ours. */
static bool
take_apart(struct finder *f, struct slice line, struct said *said)
{
    struct slice rest = log_line_pairs(line), key, value;

    *said = (struct said){.time = slice_sub(line, 0, TIME_LEN)};
    if (said->time.len < TIME_LEN || said->time.ptr[TIME_LEN - 1] != 'Z')
        return false;
    said->met = is_in_time(f->wanted, said->time) ? WANT_TIME : 0;
    while (log_next_pair(&rest, &key, &value)) {
        if (slice_eq(key, SLICE("event")))
            said->event = value;
        else if (slice_eq(key, SLICE("queue_id")))
            said->queue_id = value;
        else if (slice_eq(key, SLICE("session")))
            said->session = value;
        else if (slice_eq(key, SLICE("client")))
            said->client = value;
        if (f->telling)
            continue;
        log_value_text(value, &f->value);
        said->met |= met_by(f->wanted, key, strbuf_slice(&f->value));
    }
    if (slice_eq(said->event, SLICE("notice"))) /* to whom it went is another message's story */
        said->met &= ~(unsigned)WANT_TO;
    return true;
}

/* Which story the line belongs to. False: none. */
static bool
key_of(const struct finder *f, const struct said *said, struct strbuf *key)
{
    bool refusal =
        slice_eq(said->event, SLICE("rejected")) || slice_eq(said->event, SLICE("refused"));
    const char *kind = "queue_id";
    struct slice name = said->queue_id;

    if (name.len == 0 || name.ptr[0] == '"') { /* a bare word if it is one of ours */
        bool in_session = said->session.len > 0;

        /* the rest of a session tells how it came to the refusal */
        if (!refusal && !(f->telling && in_session))
            return false;
        kind = in_session ? "session" : "client";
        name = in_session ? said->session : said->client;
    }
    (void)strbuf_printf(key, "%s %.*s", kind, (int)name.len, name.ptr);
    return name.len > 0 && !key->overflow;
}

static void
note_line(struct finder *f, struct slice key, const struct said *said)
{
    void **at;
    struct note *note;

    if ((said->met & f->all) == 0 || f->full)
        return;
    at = map_at(f->notes, key);
    if (at == NULL) {
        f->full = true;
        return;
    }
    if (*at == NULL) {
        note = xcalloc(1, sizeof(*note));
        memcpy(note->first, said->time.ptr, TIME_LEN);
        note->next = f->all_notes;
        f->all_notes = note;
        *at = note;
    }
    note = *at;
    note->met |= said->met;
    if (memcmp(said->time.ptr, note->first, TIME_LEN) < 0)
        memcpy(note->first, said->time.ptr, TIME_LEN);
}

static void
keep_line(struct finder *f, struct slice key, struct slice line, const struct said *said)
{
    const struct note *note = map_get(f->notes, key);
    struct log_entries *lines;

    if (note == NULL || note->story == NULL)
        return;
    if (f->lines == TRACE_LINES_MAX) {
        f->out->cut = true;
        return;
    }
    f->lines++;
    lines = &note->story->lines;
    log_entries_add(lines, line, f->service);
    lines->items[lines->count - 1].rank = log_event_rank(said->event);
}

static void
look_at(void *arg, struct slice line)
{
    struct finder *f = arg;
    struct strbuf key = strbuf_new(KEY_MAX);
    struct said said;

    if (f->wanted->queue_id.len > 0 && slice_find(line, f->wanted->queue_id) == line.len)
        return; /* most lines: no need to take them apart */
    if (take_apart(f, line, &said) && key_of(f, &said, &key)) {
        if (f->telling)
            keep_line(f, strbuf_slice(&key), line, &said);
        else
            note_line(f, strbuf_slice(&key), &said);
    }
    strbuf_free(&key);
}

/* ---- files ---- */

static void
look_into(void *arg, const char *path, const char *service)
{
    struct finder *f = arg;

    if (!f->telling && log_file_is_older(path, f->wanted->since))
        return;
    f->service = service;
    if (log_file_lines(path, look_at, f) < 0 && errno != ENOENT) /* removed by its age meanwhile */
        f->out->error = errno;
}

static void
look_everywhere(struct finder *f, const char *dir)
{
    if (log_files_each(dir, true, look_into, f) < 0)
        f->out->error = errno;
}

/* ---- the choice ---- */

static int
by_time(const void *a, const void *b)
{
    const struct note *const *x = a, *const *y = b;

    return memcmp((*x)->first, (*y)->first, TIME_LEN);
}

static void
choose(struct finder *f, size_t limit)
{
    struct note **order = xcalloc(map_count(f->notes) + 1, sizeof(struct note *));
    struct trace_result *out = f->out;
    size_t count = 0;

    for (struct note *note = f->all_notes; note != NULL; note = note->next)
        if ((note->met & f->all) == f->all)
            order[count++] = note;
    qsort(order, count, sizeof(struct note *), by_time);
    out->left_out = count > limit ? count - limit : 0;
    out->count = count - out->left_out;
    out->stories = xcalloc(out->count + 1, sizeof(*out->stories));
    for (size_t i = 0; i < out->count; i++)
        order[out->left_out + i]->story = &out->stories[i];
    free(order);
}

void
trace_find(const char *dir, const struct trace_wanted *wanted, size_t limit,
           struct trace_result *out)
{
    struct finder f = {.wanted = wanted,
                       .all = bits_of(wanted),
                       .notes = map_new(TRACE_STORIES_MAX),
                       .value = strbuf_new(LOG_LINE_MAX),
                       .out = out};

    *out = (struct trace_result){.stories = NULL};
    look_everywhere(&f, dir);
    out->too_many = f.full;
    if (!f.full)
        choose(&f, limit);
    f.telling = true;
    if (out->count > 0)
        look_everywhere(&f, dir);
    for (size_t i = 0; i < out->count; i++)
        log_entries_sort(&out->stories[i].lines);
    map_free(&f.notes, free);
    strbuf_free(&f.value);
}

void
trace_result_clear(struct trace_result *result)
{
    for (size_t i = 0; i < result->count; i++)
        log_entries_clear(&result->stories[i].lines);
    xfree(&result->stories);
    result->count = 0;
}
