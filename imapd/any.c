/*
 * imapd/any.c - CAPABILITY, NOOP, CHECK, LOGOUT, ID, ENABLE.
 */
#include "imapd/capability.h"
#include "imapd/command.h"
#include "imapd/condstore.h"
#include "imapd/metadata_news.h"
#include "imapd/updates.h"
#include "lib/log/log.h"

enum {
    ID_PAIRS_MAX = 30, /* RFC 2971 section 3.3 */
    ID_LOG_MAX = 100   /* bytes of a value that go into the log */
};

struct reply
any_capability(struct session *s, struct parser *p, unsigned flags)
{
    (void)flags;
    if (!parser_end(p))
        return reply_bad(p->error);
    (void)strbuf_str(&s->out, "* ");
    capability_write(s, &s->out);
    (void)strbuf_str(&s->out, "\r\n");
    updates_put_out(s);
    return reply_ok("Capability completed");
}

struct reply
any_noop(struct session *s, struct parser *p, unsigned flags)
{
    (void)s;
    (void)flags;
    return parser_end(p) ? reply_ok("Completed") : reply_bad(p->error);
}

/* RFC 3501 section 6.4.1: flag changes are on disk when it is done. */
struct reply
any_check(struct session *s, struct parser *p, unsigned flags)
{
    (void)flags;
    if (!parser_end(p))
        return reply_bad(p->error);
    return mailbox_flush(s->mailbox) < 0 ? reply_errno() : reply_ok("Check completed");
}

struct reply
any_logout(struct session *s, struct parser *p, unsigned flags)
{
    (void)flags;
    if (!parser_end(p))
        return reply_bad(p->error);
    session_deselect(s);
    session_bye(s, "Logging out");
    return reply_ok("Logout completed");
}

/* "(" field value ... ")" or NIL; name and version are logged. */
static bool
parse_id(struct parser *p, struct slice *name, struct slice *version)
{
    if (parser_word(p, "NIL"))
        return true;
    if (!parser_char(p, '('))
        return false;
    if (parser_optional(p, ')'))
        return true;
    for (int i = 0; i < ID_PAIRS_MAX; i++) {
        struct slice field, value;

        if (!parser_string(p, &field) || !parser_space(p) || !parser_nstring(p, &value))
            return false;
        if (slice_eq_nocase(field, SLICE("name")))
            *name = slice_sub(value, 0, ID_LOG_MAX);
        if (slice_eq_nocase(field, SLICE("version")))
            *version = slice_sub(value, 0, ID_LOG_MAX);
        if (parser_optional(p, ')'))
            return true;
        if (!parser_space(p))
            return false;
    }
    return parser_fail(p, "Too many fields");
}

struct reply
any_id(struct session *s, struct parser *p, unsigned flags)
{
    struct slice name = {NULL, 0}, version = {NULL, 0};

    (void)flags;
    if (!parser_space(p) || !parse_id(p, &name, &version) || !parser_end(p))
        return reply_bad(p->error);
    if (!s->id_logged) /* once: anybody may send it, as often as they like */
        log_event(LOG_INFO, "client_id", KV_SLICE("name", name), KV_SLICE("version", version));
    s->id_logged = true;
    (void)stream_write(s->stream, s->server->settings.is_anonymous
                                      ? SLICE("* ID NIL\r\n")
                                      : SLICE("* ID (\"name\" \"Posthorn\")\r\n")); /* sticks */
    return reply_ok("ID completed");
}

/* Names that ENABLE knows, and what each of them switches on. */
static const struct {
    const char *name;
    unsigned bits;
} enableable[] = {
    {"UIDONLY", ENABLED_UIDONLY},                     /* RFC 9586 */
    {"IMAP4rev2", ENABLED_REV2},                      /* RFC 9051 */
    {"CONDSTORE", ENABLED_CONDSTORE},                 /* RFC 7162 */
    {"QRESYNC", ENABLED_QRESYNC | ENABLED_CONDSTORE}, /* RFC 7162 */
    {"UTF8=ACCEPT", ENABLED_UTF8},                    /* RFC 6855 */
    {"METADATA", ENABLED_METADATA},                   /* RFC 5464 section 4.1 */
};

static bool
may_enable(const struct session *s, unsigned bits)
{
    return bits != ENABLED_UTF8 || s->server->settings.utf8_accept;
}

/* RFC 5161 section 3.1: other names are ignored, and only what is new is answered. */
struct reply
any_enable(struct session *s, struct parser *p, unsigned flags)
{
    bool asked[ARRAY_LEN(enableable)] = {false};
    struct slice name;

    (void)flags;
    do {
        if (!parser_space(p) || !parser_atom(p, &name))
            return reply_bad(p->error);
        for (size_t i = 0; i < ARRAY_LEN(enableable); i++)
            asked[i] |= slice_eq_nocase(name, slice_of(enableable[i].name)) &&
                        may_enable(s, enableable[i].bits);
    } while (parser_peek(p) == ' ');
    if (!parser_end(p))
        return reply_bad(p->error);
    (void)strbuf_str(&s->out, "* ENABLED");
    for (size_t i = 0; i < ARRAY_LEN(enableable); i++)
        if (asked[i] && (enableable[i].bits & ~s->enabled) != 0)
            (void)strbuf_printf(&s->out, " %s", enableable[i].name);
    (void)strbuf_str(&s->out, "\r\n");
    updates_put_out(s);
    for (size_t i = 0; i < ARRAY_LEN(enableable); i++) {
        if (asked[i] && (enableable[i].bits & ENABLED_CONDSTORE) != 0)
            condstore_enable(s);
        if (asked[i] && (enableable[i].bits & ENABLED_METADATA) != 0)
            metadata_news_begin(s);
        s->enabled |= asked[i] ? enableable[i].bits : 0;
    }
    return reply_ok("Enabled");
}
