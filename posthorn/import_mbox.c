/*
 * posthorn/import_mbox.c - the messages of one mbox file (mboxrd, or what is close to it).
 *
 * Input: any file. A message begins with a line "From " at the front or behind an empty line; the
 * empty line before the next one is not part of it. One '>' is taken off lines of '>' and "From ".
 * Flags come from Status, X-Status and X-Keywords, which are taken out.
 */
#include <string.h>

#include "lib/base/mem.h"
#include "lib/mail/date.h"
#include "posthorn/export_format.h"
#include "posthorn/importer.h"

#define MESSAGE_MAX ((size_t)1 << 32)
#define KEYWORDS_TEXT 8192

struct mbox_message {
    struct strbuf content, keywords;
    uint32_t flags;
    int64_t internal_ms;
    bool in_header, marked; /* the top of the header is ours, up to MBOX_MARK */
};

static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

static int
two_digits(struct slice text, size_t at)
{
    int tens = text.ptr[at] == ' ' ? 0 : text.ptr[at] - '0', ones = text.ptr[at + 1] - '0';

    return tens < 0 || tens > 9 || ones < 0 || ones > 9 ? -1 : tens * 10 + ones;
}

/* "Thu Nov 26 20:02:40 2026" at the line's end, UTC. 0: it is not there. */
static int64_t
from_date(struct slice line)
{
    struct slice text = slice_trim(line);
    int day, hour, minute, second, month = 0, year;

    if (text.len < 24)
        return 0;
    text = slice_sub(text, text.len - 24, text.len);
    while (month < 12 && memcmp(text.ptr + 4, months[month], 3) != 0)
        month++;
    day = two_digits(text, 8);
    hour = two_digits(text, 11);
    minute = two_digits(text, 14);
    second = two_digits(text, 17);
    year = two_digits(text, 20) * 100 + two_digits(text, 22);
    if (month == 12 || day < 1 || day > 31 || hour < 0 || minute < 0 || second < 0 || year < 1900)
        return 0;
    return ((date_days(year, month + 1, day) * 24 + hour) * 60 + minute) * 60000 +
           (int64_t)second * 1000;
}

/* Takes what a header line says of the message's state. True: it is no part of the message. */
static bool
take_state(struct mbox_message *m, struct slice line)
{
    static const struct {
        const char *name, *letters;
        uint32_t flags[4];
    } fields[] = {
        {"Status:", "R", {MESSAGE_SEEN}},
        {"X-Status:", "AFDT", {MESSAGE_ANSWERED, MESSAGE_FLAGGED, MESSAGE_DELETED, MESSAGE_DRAFT}},
    };

    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        if (!slice_starts_nocase(line, slice_of(fields[i].name)))
            continue;
        line = slice_sub(line, strlen(fields[i].name), line.len);
        for (size_t k = 0; fields[i].letters[k] != '\0'; k++)
            if (slice_index(line, fields[i].letters[k]) < line.len)
                m->flags |= fields[i].flags[k];
        return true;
    }
    if (slice_starts_nocase(line, SLICE("X-Keywords:"))) {
        (void)strbuf_append(&m->keywords, slice_trim(slice_sub(line, 11, line.len)));
        (void)strbuf_char(&m->keywords, ' ');
        return true;
    }
    return slice_starts_nocase(line, SLICE("X-UID:")) ||
           slice_starts_nocase(line, SLICE("X-IMAPbase:")) ||
           slice_starts_nocase(line, SLICE("X-IMAP:"));
}

static void
take_line(struct mbox_message *m, struct slice line)
{
    struct slice bare = line;

    if (m->in_header && slice_trim(line).len == 0)
        m->in_header = false;
    if (m->in_header && slice_eq(line, SLICE(MBOX_MARK)) && m->content.len == 0) {
        m->marked = true;
        return;
    }
    if (m->in_header && !m->marked && take_state(m, line))
        return;
    while (bare.len > 0 && bare.ptr[0] == '>')
        bare = slice_sub(bare, 1, bare.len);
    if (slice_starts(bare, SLICE("From ")) && bare.len < line.len)
        line = slice_sub(line, 1, line.len);
    (void)strbuf_append(&m->content, line); /* overflow is tested at the end */
}

static int
finish(struct importer *im, struct mbox_message *m, struct slice path, size_t nth)
{
    struct slice keywords[MAILBOX_KEYWORDS_MAX], rest = strbuf_slice(&m->keywords);
    struct import_message x = {
        .path = path, .nth = nth, .flags = m->flags, .internal_ms = m->internal_ms};

    /* the empty line before the next "From " */
    if (strbuf_ends_with(&m->content, "\r\n\r\n"))
        strbuf_truncate(&m->content, m->content.len - 2);
    else if (strbuf_ends_with(&m->content, "\n\n"))
        strbuf_truncate(&m->content, m->content.len - 1);
    while (rest.len > 0 && x.keyword_count < MAILBOX_KEYWORDS_MAX) {
        struct slice word = slice_split(&rest, ' ');

        if (word.len > 0)
            keywords[x.keyword_count++] = word;
    }
    x.keywords = keywords;
    x.content = strbuf_slice(&m->content);
    return m->content.overflow
               ? store_job_fail(im->out, "%.*s: a message is too large", (int)path.len, path.ptr)
               : importer_message(im, &x);
}

static void
begin(struct mbox_message *m, struct slice from_line)
{
    strbuf_clear(&m->content);
    strbuf_clear(&m->keywords);
    m->flags = 0;
    m->internal_ms = from_date(from_line);
    m->in_header = true;
    m->marked = false;
}

int
import_mbox_read(struct importer *im, const char *path, struct slice text)
{
    struct mbox_message m = {.content = strbuf_new(MESSAGE_MAX),
                             .keywords = strbuf_new(KEYWORDS_TEXT)};
    bool open = false, after_empty = true;
    size_t nth = 0;
    int rc = 0;

    while (text.len > 0 && rc == 0) {
        struct slice line = slice_cut_after(&text, '\n');

        if (after_empty && slice_starts(line, SLICE("From "))) {
            if (open)
                rc = finish(im, &m, slice_of(path), nth++);
            begin(&m, line);
            open = true;
        } else if (open) {
            take_line(&m, line);
        }
        after_empty = slice_trim(line).len == 0;
    }
    if (open && rc == 0)
        rc = finish(im, &m, slice_of(path), nth);
    strbuf_free(&m.content);
    strbuf_free(&m.keywords);
    return rc;
}
