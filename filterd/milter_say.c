/*
 * filterd/milter_say.c - what comes next for a milter, and its packets.
 *
 * Addresses, names and content are from the client; strings are cut off from each other by NUL,
 * which none of them can hold.
 */
#include <errno.h>
#include <string.h>

#include "filterd/macros.h"
#include "filterd/milter_private.h"
#include "lib/base/mem.h"

#define SAY_MAX ((size_t)2 * PACKET_DATA_MAX) /* macros and a packet */

static const struct {
    enum packet_command command;
    enum packet_macro_stage macros;
    bool has_macros;
    uint32_t unwanted, mute; /* enum packet_step */
} table[SAY_NOTHING] = {
    [SAY_CONNECT] = {PACKET_CONNECT, MACROS_CONNECT, true, STEP_NO_CONNECT, STEP_MUTE_CONNECT},
    [SAY_HELO] = {PACKET_HELO, MACROS_HELO, true, STEP_NO_HELO, STEP_MUTE_HELO},
    [SAY_UNKNOWN] = {PACKET_UNKNOWN, MACROS_HELO, false, STEP_NO_UNKNOWN, STEP_MUTE_UNKNOWN},
    [SAY_MAIL] = {PACKET_MAIL, MACROS_MAIL, true, STEP_NO_MAIL, STEP_MUTE_MAIL},
    [SAY_RCPT] = {PACKET_RCPT, MACROS_RCPT, true, STEP_NO_RCPT, STEP_MUTE_RCPT},
    [SAY_DATA] = {PACKET_DATA, MACROS_DATA, true, STEP_NO_DATA, STEP_MUTE_DATA},
    [SAY_HEADER] = {PACKET_HEADER, MACROS_END, false, STEP_NO_HEADERS, STEP_MUTE_HEADERS},
    [SAY_HEADERS_END] = {PACKET_HEADERS_END, MACROS_HEADERS_END, true, STEP_NO_HEADERS_END,
                         STEP_MUTE_HEADERS_END},
    [SAY_BODY] = {PACKET_BODY, MACROS_END, false, STEP_NO_BODY, STEP_MUTE_BODY},
    [SAY_END] = {PACKET_BODY_END, MACROS_END, true, 0, 0},
};

/* ---- which ---- */

static bool
is_due(const struct milter *m, enum step step)
{
    bool wanted = (m->steps & table[step].unwanted) == 0;

    switch (step) {
    case SAY_HEADER:
        return wanted && m->next_field < header_list_count(message_headers(m->message));
    case SAY_BODY:
        return wanted && !m->said[SAY_BODY] && m->next_body < message_body_size(m->message);
    default:
        return wanted && !m->said[step];
    }
}

/* The steps that a stage needs, in order; those that were said before are not due. */
static bool
belongs(enum step step, enum stage stage)
{
    switch (step) {
    case SAY_CONNECT:
        return true;
    case SAY_HELO:
        return stage >= STAGE_HELO;
    case SAY_UNKNOWN:
        return stage == STAGE_UNKNOWN;
    case SAY_MAIL:
        return stage >= STAGE_MAIL;
    case SAY_RCPT:
        return stage == STAGE_RCPT;
    case SAY_DATA:
        return stage >= STAGE_DATA;
    default:
        return stage == STAGE_CONTENT;
    }
}

enum step
milter_next_step(const struct milter *m)
{
    for (enum step step = SAY_CONNECT; step < SAY_NOTHING; step++) {
        if (step == SAY_HELO && m->facts->helo.name.len == 0)
            continue;
        if (belongs(step, m->stage) && is_due(m, step))
            return step;
    }
    return SAY_NOTHING;
}

bool
milter_is_mute(const struct milter *m, enum step step)
{
    return (m->steps & table[step].mute) != 0;
}

/* ---- how ---- */

/* Host name, family, port, address. */
static void
put_connect(struct strbuf *out, const struct facts *f)
{
    struct slice ip = f->connect.client_ip;
    bool six = slice_index(ip, ':') < ip.len;

    if (slice_eq(f->client_name, SLICE("unknown"))) { /* as Sendmail says it */
        struct strbuf name = strbuf_new(FILTERD_WORD_MAX + 8);

        (void)strbuf_printf(&name, "[%.*s]", (int)ip.len, ip.ptr);
        packet_string(out, strbuf_slice(&name));
        strbuf_free(&name);
    } else {
        packet_string(out, f->client_name);
    }
    (void)strbuf_char(out, six ? '6' : '4');
    (void)strbuf_char(out, (char)(f->connect.client_port >> 8));
    (void)strbuf_char(out, (char)(f->connect.client_port & 0xff));
    packet_string(out, ip);
}

/* "<address>", then each ESMTP parameter. */
static void
put_path(struct strbuf *out, struct slice address, struct slice params)
{
    (void)strbuf_char(out, '<');
    (void)strbuf_append(out, address);
    packet_string(out, SLICE(">"));
    while (params.len > 0) {
        struct slice param = slice_split(&params, ' ');

        if (param.len > 0)
            packet_string(out, param);
    }
}

/* The value without the one space behind the colon, unless the milter wants that, too. A field
 * that no packet can hold is cut; 0: it was deleted by another milter. */
static bool
put_header(struct strbuf *out, const struct milter *m)
{
    struct slice name, body;

    if (!header_list_get(message_headers(m->message), m->next_field, &name, &body))
        return false;
    if ((m->steps & STEP_LEADING_SPACE) == 0 && slice_starts(body, SLICE(" ")))
        body = slice_sub(body, 1, body.len);
    name = slice_sub(name, 0, PACKET_DATA_MAX / 2);
    packet_string(out, name);
    packet_header_value(out, slice_sub(body, 0, PACKET_DATA_MAX - name.len - 2));
    return true;
}

/* -1 with errno. */
static int
put_body(struct strbuf *out, struct milter *m)
{
    char *room = strbuf_room(out, PACKET_DATA_MAX);
    ssize_t n;

    assert_always(room != NULL); /* nothing but the packet's head is there */
    n = message_read_body(m->message, m->next_body, room, PACKET_DATA_MAX);
    if (n < 0)
        return -1;
    strbuf_grew(out, (size_t)n);
    m->next_body += (uint64_t)n;
    return 0;
}

static int
put(struct strbuf *out, struct milter *m, enum step step)
{
    const struct facts *f = m->facts;

    switch (step) {
    case SAY_CONNECT:
        put_connect(out, f);
        break;
    case SAY_HELO:
        packet_string(out, f->helo.name);
        break;
    case SAY_UNKNOWN:
        packet_string(out, f->unknown);
        break;
    case SAY_MAIL:
        put_path(out, f->mail.sender, f->mail.params);
        break;
    case SAY_RCPT:
        put_path(out, f->rcpt.address, f->rcpt.params);
        break;
    case SAY_HEADER:
        (void)put_header(out, m); /* none of them is deleted between two milters */
        m->next_field++;
        break;
    case SAY_BODY:
        return put_body(out, m);
    case SAY_DATA:
    case SAY_HEADERS_END:
    case SAY_END:
    case SAY_NOTHING:
        break;
    }
    return 0;
}

int
milter_say(struct milter *m, enum step step, const char **why)
{
    struct strbuf out = strbuf_new(SAY_MAX);
    int rc = -1;
    size_t begin;

    if (table[step].has_macros) {
        const char *names = m->macros[table[step].macros];

        macros_append(&out, table[step].command, table[step].macros, slice_of(names), m->facts);
    }
    begin = packet_begin(&out, table[step].command);
    *why = "the message cannot be read";
    if (put(&out, m, step) == 0) {
        packet_end(&out, begin);
        *why = "what it should be told is too long";
        rc = link_send(m->link, &out) ? 0 : -1;
    }
    if (step != SAY_HEADER && step != SAY_BODY)
        m->said[step] = true;
    strbuf_free(&out);
    return rc;
}

int
milter_say_options(struct milter *m)
{
    struct strbuf out = strbuf_new(SAY_MAX);
    size_t begin = packet_begin(&out, PACKET_OPTIONS);
    int rc;

    packet_u32(&out, PACKET_VERSION);
    packet_u32(&out, ACTIONS_ALL);
    packet_u32(&out, STEPS_ALL);
    packet_end(&out, begin);
    rc = link_send(m->link, &out) ? 0 : -1;
    strbuf_free(&out);
    return rc;
}

void
milter_say_bare(struct milter *m, enum packet_command command)
{
    struct strbuf out = strbuf_new(SAY_MAX);

    packet_end(&out, packet_begin(&out, command));
    (void)link_send(m->link, &out); /* if there is no room for it, the link's end says as much */
    strbuf_free(&out);
}
