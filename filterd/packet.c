/*
 * filterd/packet.c - writes what we say to a milter, reads what it answers. No I/O.
 *
 * Input: bytes from a milter, which may be faulty or taken over. Every string is checked for its
 * end, every reply for its code; what is not of the protocol makes the packet bad.
 */
#include "filterd/packet.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/parse.h"

enum { LENGTH_BYTES = 4, REPLY_LINES_MAX = 32 };

static uint32_t
get_u32(const char *at)
{
    uint32_t value = 0;

    for (size_t i = 0; i < LENGTH_BYTES; i++)
        value = value << 8 | (unsigned char)at[i];
    return value;
}

/* ---- writing ---- */

void
packet_u32(struct strbuf *out, uint32_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        (void)strbuf_char(out, (char)(value >> shift)); /* overflow is remembered */
}

size_t
packet_begin(struct strbuf *out, enum packet_command command)
{
    size_t begin = out->len;

    packet_u32(out, 0);
    (void)strbuf_char(out, (char)command);
    return begin;
}

void
packet_string(struct strbuf *out, struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        (void)strbuf_char(out, (char)(text.ptr[i] == '\0' ? '?' : text.ptr[i]));
    (void)strbuf_char(out, '\0');
}

void
packet_header_value(struct strbuf *out, struct slice body)
{
    for (size_t i = 0; i < body.len; i++) {
        if (body.ptr[i] == '\r' && i + 1 < body.len && body.ptr[i + 1] == '\n')
            continue;
        (void)strbuf_char(out, (char)(body.ptr[i] == '\0' ? '?' : body.ptr[i]));
    }
    (void)strbuf_char(out, '\0');
}

void
packet_end(struct strbuf *out, size_t begin)
{
    size_t length = out->len - begin - LENGTH_BYTES;

    if (out->overflow || out->len < begin + LENGTH_BYTES)
        return;
    for (size_t i = 0; i < LENGTH_BYTES; i++)
        out->ptr[begin + i] = (char)(length >> (8 * (LENGTH_BYTES - 1 - i)));
}

/* ---- reading ---- */

enum packet_status
packet_take(struct slice *input, struct packet *out)
{
    uint32_t length;

    if (input->len < LENGTH_BYTES)
        return PACKET_PARTIAL;
    length = get_u32(input->ptr);
    if (length == 0 || length > 1 + PACKET_DATA_MAX)
        return PACKET_BAD;
    if (input->len < LENGTH_BYTES + (size_t)length)
        return PACKET_PARTIAL;
    out->command = input->ptr[LENGTH_BYTES];
    out->data = slice_sub(*input, LENGTH_BYTES + 1, LENGTH_BYTES + (size_t)length);
    *input = slice_sub(*input, LENGTH_BYTES + (size_t)length, input->len);
    return PACKET_WHOLE;
}

/* Takes a string and its NUL off *data. */
static int
take_string(struct slice *data, struct slice *out)
{
    size_t end = slice_index(*data, '\0');

    if (end == data->len)
        return -1;
    *out = slice_sub(*data, 0, end);
    *data = slice_sub(*data, end + 1, data->len);
    return 0;
}

static int
take_u32(struct slice *data, uint32_t *out)
{
    if (data->len < LENGTH_BYTES)
        return -1;
    *out = get_u32(data->ptr);
    *data = slice_sub(*data, LENGTH_BYTES, data->len);
    return 0;
}

/* Behind the three numbers: stage and names, again and again (ACTION_MACRO_LISTS). */
static int
take_macro_lists(struct slice data, struct packet_options *out)
{
    while (data.len > 0) {
        struct slice names;
        uint32_t stage;

        if (take_u32(&data, &stage) < 0 || take_string(&data, &names) < 0)
            return -1;
        if (stage < MACRO_STAGES)
            out->macros[stage] = names;
    }
    return 0;
}

int
packet_options_parse(struct slice data, struct packet_options *out)
{
    *out = (struct packet_options){0};
    if (take_u32(&data, &out->version) < 0 || take_u32(&data, &out->actions) < 0 ||
        take_u32(&data, &out->steps) < 0)
        return -1;
    if (out->version < 2 || out->version > PACKET_VERSION)
        return -1;
    if ((out->actions & ~(uint32_t)ACTIONS_ALL) != 0 || (out->steps & ~(uint32_t)STEPS_ALL) != 0)
        return -1;
    return take_macro_lists(data, out);
}

bool
packet_answer_is_change(enum packet_answer what)
{
    return what == ANSWER_PROGRESS || packet_answer_needs(what) != 0;
}

uint32_t
packet_answer_needs(enum packet_answer what)
{
    switch (what) {
    case ANSWER_ADD_HEADER:
    case ANSWER_INSERT_HEADER:
        return ACTION_ADD_HEADERS;
    case ANSWER_CHANGE_HEADER:
        return ACTION_CHANGE_HEADERS;
    case ANSWER_REPLACE_BODY:
        return ACTION_CHANGE_BODY;
    case ANSWER_ADD_RCPT:
        return ACTION_ADD_RCPT;
    case ANSWER_ADD_RCPT_PARAMS:
        return ACTION_ADD_RCPT_PARAMS;
    case ANSWER_DELETE_RCPT:
        return ACTION_DELETE_RCPT;
    case ANSWER_CHANGE_SENDER:
        return ACTION_CHANGE_SENDER;
    case ANSWER_QUARANTINE:
        return ACTION_QUARANTINE;
    default:
        return 0;
    }
}

/* RFC 5322 section 2.2: printable ASCII but the colon. */
static bool
is_field_name(struct slice name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] <= 0x20 || name.ptr[i] >= 0x7f || name.ptr[i] == ':')
            return false;
    return name.len > 0;
}

static int
parse_field(struct slice data, bool indexed, struct answer *out)
{
    if (indexed && take_u32(&data, &out->index) < 0)
        return -1;
    if (take_string(&data, &out->name) < 0 || take_string(&data, &out->value) < 0)
        return -1;
    return data.len == 0 && is_field_name(out->name) ? 0 : -1;
}

/* One string, and ESMTP parameters where the command has them. */
static int
parse_address(struct slice data, bool params, struct answer *out)
{
    if (take_string(&data, &out->name) < 0)
        return -1;
    if (params && data.len > 0 && take_string(&data, &out->value) < 0)
        return -1;
    return data.len == 0 ? 0 : -1;
}

static int
parse_string(struct slice data, struct slice *out)
{
    return take_string(&data, out) == 0 && data.len == 0 ? 0 : -1;
}

int
packet_answer_parse(const struct packet *packet, struct answer *out)
{
    struct slice text;

    *out = (struct answer){.what = (enum packet_answer)packet->command};
    switch (packet->command) {
    case ANSWER_ACCEPT:
    case ANSWER_CONTINUE:
    case ANSWER_DISCARD:
    case ANSWER_REJECT:
    case ANSWER_TEMPFAIL:
    case ANSWER_PROGRESS:
    case ANSWER_SKIP:
    case ANSWER_SHUTDOWN:
    case ANSWER_CONNECTION_FAILURE:
        return packet->data.len == 0 ? 0 : -1;
    case ANSWER_REPLY:
        return parse_string(packet->data, &text) < 0 ? -1 : packet_reply_parse(text, out);
    case ANSWER_QUARANTINE:
        return parse_string(packet->data, &out->value);
    case ANSWER_REPLACE_BODY:
        out->value = packet->data;
        return 0;
    case ANSWER_ADD_HEADER:
        return parse_field(packet->data, false, out);
    case ANSWER_INSERT_HEADER:
    case ANSWER_CHANGE_HEADER:
        return parse_field(packet->data, true, out);
    case ANSWER_ADD_RCPT:
    case ANSWER_DELETE_RCPT:
        return parse_address(packet->data, false, out);
    case ANSWER_ADD_RCPT_PARAMS:
    case ANSWER_CHANGE_SENDER:
        return parse_address(packet->data, true, out);
    default:
        return -1;
    }
}

/* ---- replies ---- */

/* "5.7.1" of the given class (RFC 3463 section 2), taken off the front with the space behind it. */
static bool
take_dsn(struct slice *line, char class, char dsn[PACKET_DSN_MAX])
{
    struct slice rest = *line, word = slice_split(&rest, ' ');
    unsigned dots = 0, digits = 0;

    if (word.len < 5 || word.len > 9 || word.ptr[0] != class)
        return false;
    for (size_t i = 0; i < word.len; i++) {
        if (word.ptr[i] == '.' && digits > 0 && digits <= 3) {
            dots++;
            digits = 0;
        } else if (word.ptr[i] >= '0' && word.ptr[i] <= '9') {
            digits++;
        } else {
            return false;
        }
    }
    if (dots != 2 || digits == 0 || digits > 3)
        return false;
    memcpy(dsn, word.ptr, word.len);
    dsn[word.len] = '\0';
    *line = rest;
    return true;
}

/* What is too long is cut; what is no printable ASCII becomes '?'. */
static void
append_text(char text[PACKET_TEXT_MAX], struct slice line)
{
    size_t len = strlen(text);

    if (len > 0 && line.len > 0 && len < PACKET_TEXT_MAX - 1)
        text[len++] = ' ';
    for (size_t i = 0; i < line.len && len < PACKET_TEXT_MAX - 1; i++) {
        char c = line.ptr[i];

        text[len++] = (char)(c >= 0x20 && c < 0x7f ? c : '?');
        if (c == '%' && i + 1 < line.len && line.ptr[i + 1] == '%')
            i++;
    }
    text[len] = '\0';
}

static int
parse_reply_line(struct slice line, bool first, struct answer *out)
{
    char dsn[PACKET_DSN_MAX];
    uint64_t code;

    if (parse_u64(slice_sub(line, 0, 3), 599, &code) < 0 || line.len < 3 || code < 400)
        return -1;
    if (line.len > 3 && line.ptr[3] != ' ' && line.ptr[3] != '-')
        return -1;
    if (!first && code != out->code)
        return -1;
    out->code = (unsigned)code;
    line = slice_sub(line, 4, line.len);
    if (take_dsn(&line, (char)('0' + code / 100), dsn) && first)
        memcpy(out->dsn, dsn, sizeof(out->dsn));
    append_text(out->text, line);
    return 0;
}

int
packet_reply_parse(struct slice text, struct answer *out)
{
    out->code = 0;
    out->dsn[0] = out->text[0] = '\0';
    for (unsigned i = 0; i == 0 || text.len > 0; i++) {
        struct slice line = slice_split(&text, '\n');

        if (i == REPLY_LINES_MAX)
            return -1;
        if (slice_ends(line, SLICE("\r")))
            line = slice_sub(line, 0, line.len - 1);
        if (parse_reply_line(line, i == 0, out) < 0)
            return -1;
    }
    if (out->dsn[0] == '\0')
        (void)snprintf(out->dsn, sizeof(out->dsn), "%u.7.1", out->code / 100);
    if (out->text[0] == '\0')
        (void)snprintf(out->text, sizeof(out->text), "refused by a filter");
    return 0;
}
