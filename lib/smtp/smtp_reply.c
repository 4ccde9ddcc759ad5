/*
 * lib/smtp/smtp_reply.c - parses replies of a remote SMTP server (RFC 5321 section 4.2).
 *
 * Untrusted: the server may be anybody's. Only the code decides (section 4.2); the text is cut,
 * cleaned and handed on for people to read. No I/O.
 */
#include "lib/smtp/smtp_reply.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/parse.h"

struct smtp_reply
smtp_reply_new(void)
{
    return (struct smtp_reply){.text = strbuf_new(SMTP_REPLY_TEXT_MAX)};
}

void
smtp_reply_free(struct smtp_reply *reply)
{
    strbuf_free(&reply->text);
}

void
smtp_reply_clear(struct smtp_reply *reply)
{
    strbuf_clear(&reply->text);
    reply->code = reply->lines = 0;
}

enum smtp_reply_status
smtp_reply_line(struct smtp_reply *reply, struct slice line)
{
    uint64_t code;
    char mark;

    line = slice_sub(line, 0, slice_index(line, '\n'));
    if (line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    if (line.len < 3 || parse_u64(slice_sub(line, 0, 3), 599, &code) < 0 || code < 200)
        return SMTP_REPLY_BAD;
    mark = line.len > 3 ? line.ptr[3] : ' ';
    if ((mark != ' ' && mark != '-') || ++reply->lines > SMTP_REPLY_LINES_MAX)
        return SMTP_REPLY_BAD;
    reply->code = (unsigned)code;
    if (reply->text.len > 0)
        (void)strbuf_char(&reply->text, '\n'); /* what does not fit is left out */
    (void)strbuf_append(&reply->text, slice_sub(line, 4, line.len));
    return mark == '-' ? SMTP_REPLY_MORE : SMTP_REPLY_DONE;
}

/* status-code = class "." subject "." detail; subject and detail have one to three digits. Its
 * length at the start of `text`, 0 for none. */
static size_t
dsn_len(struct slice text, char class)
{
    size_t at = 1;

    if (text.len < 5 || text.ptr[0] != class)
        return 0;
    for (int part = 0; part < 2; part++) {
        size_t digits = 0;

        if (at >= text.len || text.ptr[at] != '.')
            return 0;
        at++;
        while (at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9')
            at++, digits++;
        if (digits == 0 || digits > 3)
            return 0;
    }
    return at == text.len || text.ptr[at] == ' ' || text.ptr[at] == '\n' ? at : 0;
}

void
smtp_reply_dsn(const struct smtp_reply *reply, char out[SMTP_DSN_MAX])
{
    struct slice text = strbuf_slice(&reply->text);
    char class = (char)('0' + reply->code / 100 % 10);
    size_t len = dsn_len(text, class);

    if (len > 0)
        (void)snprintf(out, SMTP_DSN_MAX, "%.*s", (int)len, text.ptr);
    else
        (void)snprintf(out, SMTP_DSN_MAX, "%c.0.0", class);
}

void
smtp_reply_text(const struct smtp_reply *reply, char *out, size_t room)
{
    int head = snprintf(out, room, "%u ", reply->code);
    size_t at = (size_t)head;

    for (size_t i = 0; i < reply->text.len && at + 1 < room; i++) {
        char c = reply->text.ptr[i];

        if (c == '\n' || c == '\t')
            out[at++] = ' ';
        else
            out[at++] = c >= 0x20 && c < 0x7f ? c : '?';
    }
    out[at] = '\0';
}

bool
smtp_reply_keyword(const struct smtp_reply *reply, const char *keyword, struct slice *value)
{
    struct slice rest = strbuf_slice(&reply->text);

    (void)slice_split(&rest, '\n'); /* the first line names the server */
    while (rest.len > 0) {
        struct slice line = slice_split(&rest, '\n');
        struct slice word = slice_split(&line, ' ');

        if (!slice_eq_nocase(word, slice_of(keyword)))
            continue;
        *value = slice_trim(line);
        return true;
    }
    return false;
}
