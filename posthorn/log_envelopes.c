/*
 * posthorn/log_envelopes.c - reads envelopes out of the logs.
 *
 * What clients said stands quoted in the lines; a line is taken apart before anything in it counts,
 * and an envelope is looked at as one from the command line is.
 */
#include "posthorn/log_envelopes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/log/line.h"
#include "posthorn/log_reader.h"

enum { KEY_MAX = 8192 };

/* The pairs of a line that are looked at. */
enum field { FROM, TO, CLIENT, IP, USER, SERVICE, PROTOCOL, SIZE, BEFORE, EVENT, FIELDS };
static const char *const names[FIELDS] = {
    [FROM] = "from",      [TO] = "to",           [CLIENT] = "client",  [IP] = "ip",
    [USER] = "auth_user", [SERVICE] = "service", [PROTOCOL] = "proto", [SIZE] = "size",
    [BEFORE] = "before",  [EVENT] = "event",
};

struct scan {
    const struct log_envelope_limits *limits;
    struct slice since;
    struct log_envelopes *out;
    struct map *seen; /* by what makes it different: struct log_envelope's place + 1 */
    struct strbuf values[FIELDS];
};

/* ---- an envelope ---- */

static unsigned
rank(uint64_t number, const uint64_t *limits, size_t count)
{
    unsigned above = 0;

    for (size_t i = 0; i < count; i++)
        above += limits[i] > 0 && number > limits[i];
    return above;
}

static void
make_key(const struct scan *r, const struct explained *mail, struct strbuf *key)
{
    const struct log_envelope_limits *l = r->limits;
    const struct slice texts[] = {mail->from, mail->to, mail->client_ip, mail->user};

    (void)strbuf_printf(key, "%d %u %u", (int)mail->port,
                        rank(mail->size, l->sizes, ARRAY_LEN(l->sizes)),
                        rank(mail->before + 1, l->recipients, ARRAY_LEN(l->recipients)));
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        (void)strbuf_char(key, '\0'); /* in no address */
        (void)strbuf_append(key, texts[i]);
    }
}

static struct log_envelope *
append(struct log_envelopes *out, const struct explained *mail)
{
    struct log_envelope *e;

    if (out->count == out->allocated) {
        out->allocated = out->allocated == 0 ? 256 : out->allocated * 2;
        out->items = xreallocarray(out->items, out->allocated, sizeof(out->items[0]));
    }
    e = &out->items[out->count++];
    *e = (struct log_envelope){.mail = *mail};
    e->mail.from = arena_copy(&out->texts, mail->from);
    e->mail.to = arena_copy(&out->texts, mail->to);
    e->mail.client_ip = arena_copy(&out->texts, mail->client_ip);
    e->mail.user = arena_copy(&out->texts, mail->user);
    return e;
}

static void
take(struct scan *r, const struct explained *mail)
{
    struct log_envelopes *out = r->out;
    struct strbuf key = strbuf_new(KEY_MAX);
    void **at;

    out->total++;
    make_key(r, mail, &key);
    if (explained_check(mail, false) != NULL || key.overflow) {
        out->unreadable++;
    } else if ((at = map_at(r->seen, strbuf_slice(&key))) == NULL) {
        out->left_out++;
    } else {
        if (*at == NULL) {
            (void)append(out, mail);
            *at = (void *)(uintptr_t)out->count; /* its place + 1: the array moves */
        }
        out->items[(uintptr_t)*at - 1].count++;
    }
    strbuf_free(&key);
}

/* ---- a line ---- */

/* Up to the next comma that is not in a quoted local part (RFC 5321 section 4.1.2). */
static struct slice
next_address(struct slice *list)
{
    struct slice whole = *list;
    bool quoted = false;
    size_t end = 0;

    for (; end < whole.len && (quoted || whole.ptr[end] != ','); end++) {
        if (whole.ptr[end] == '"')
            quoted = !quoted;
        else if (quoted && whole.ptr[end] == '\\' && end + 1 < whole.len)
            end++;
    }
    *list = slice_sub(whole, end + 1, whole.len);
    return slice_sub(whole, 0, end);
}

static uint64_t
number_of(const struct scan *r, enum field field)
{
    uint64_t number = 0;

    (void)parse_u64(strbuf_slice(&r->values[field]), INT64_MAX, &number); /* or none */
    return number;
}

static enum smtp_port
port_of(const struct scan *r, bool has_user)
{
    int port = smtp_port_find(strbuf_slice(&r->values[SERVICE]));

    if (port >= 0)
        return (enum smtp_port)port;
    if (slice_starts(strbuf_slice(&r->values[PROTOCOL]), SLICE("LMTP")))
        return SMTP_PORT_LMTP;
    return has_user ? SMTP_PORT_SUBMISSION : SMTP_PORT_SMTP; /* a line from before it was logged */
}

static void
take_line(struct scan *r)
{
    struct slice to = strbuf_slice(&r->values[TO]);
    struct explained mail = {.from = strbuf_slice(&r->values[FROM]),
                             .client_ip = strbuf_slice(&r->values[IP]),
                             .user = strbuf_slice(&r->values[USER]),
                             .size = number_of(r, SIZE),
                             .before = number_of(r, BEFORE)};

    if (mail.client_ip.len == 0)
        mail.client_ip = strbuf_slice(&r->values[CLIENT]);
    mail.port = port_of(r, mail.user.len > 0);
    do {
        mail.to = next_address(&to);
        take(r, &mail);
        mail.before++;
    } while (to.len > 0);
}

static bool
is_envelope(struct slice event)
{
    return slice_eq(event, SLICE("received")) || slice_eq(event, SLICE("recipients")) ||
           slice_eq(event, SLICE("rejected"));
}

/* Is it of smtpd, and late enough? Most lines are told apart here. */
static bool
is_meant(const struct scan *r, struct slice line)
{
    struct slice time = slice_split(&line, ' '), program = slice_split(&line, ' ');

    return slice_starts(program, SLICE("smtpd[")) &&
           slice_cmp(slice_sub(time, 0, r->since.len), r->since) >= 0;
}

static void
look_at(void *arg, struct slice line)
{
    struct scan *r = arg;
    struct slice rest = log_line_pairs(line), key, value;

    if (!is_meant(r, line) || !is_envelope(log_line_value(line, names[EVENT])))
        return;
    for (int i = 0; i < FIELDS; i++)
        strbuf_clear(&r->values[i]);
    while (log_next_pair(&rest, &key, &value))
        for (int i = 0; i < FIELDS; i++)
            if (slice_eq(key, slice_of(names[i])))
                log_value_text(value, &r->values[i]);
    if (r->values[FROM].len + r->values[TO].len > 0 || r->values[SIZE].len > 0)
        take_line(r); /* else a refusal of something else, as of BURL */
}

/* ---- files ---- */

static void
look_into(void *arg, const char *path, const char *service)
{
    struct scan *r = arg;

    (void)service; /* smtpd may serve under any name */
    if (log_file_is_older(path, r->since))
        return;
    if (log_file_lines(path, look_at, r) < 0 && errno != ENOENT) /* removed by its age meanwhile */
        r->out->error = errno;
}

void
log_envelopes_read(const char *dir, struct slice since, const struct log_envelope_limits *limits,
                   struct log_envelopes *out)
{
    struct scan r = {
        .limits = limits, .since = since, .out = out, .seen = map_new(LOG_ENVELOPES_MAX)};

    *out = (struct log_envelopes){.items = NULL};
    for (int i = 0; i < FIELDS; i++)
        r.values[i] = strbuf_new(LOG_LINE_MAX);
    if (log_files_each(dir, true, look_into, &r) < 0)
        out->error = errno;
    for (int i = 0; i < FIELDS; i++)
        strbuf_free(&r.values[i]);
    map_free(&r.seen, NULL);
}

void
log_envelopes_clear(struct log_envelopes *envelopes)
{
    xfree(&envelopes->items);
    arena_free(&envelopes->texts);
    *envelopes = (struct log_envelopes){.items = NULL};
}
