/*
 * imapd/urlauth.c - GENURLAUTH and RESETKEY (RFC 4467 section 7): URLs by which others may read a
 * message of this user's, or a part of it.
 *
 * The keys are in the user's own store, which this session has anyway. What a URL opens is judged
 * elsewhere, when somebody uses it (imapd/urlfetch.c). Folders of others have no keys here: their
 * owner's table is the owner's.
 *
 * Input:  URLs from the client. Untrusted.
 */
#include <errno.h>
#include <string.h>

#include "imapd/command.h"
#include "imapd/places.h"
#include "imapd/updates.h"
#include "imapd/url_news.h"
#include "lib/base/mem.h"
#include "lib/mail/imap_string.h"
#include "lib/mail/imap_url.h"
#include "lib/mail/imap_url_token.h"
#include "lib/mail/section_text.h"
#include "lib/store/url_keys.h"

#define MECHANISM ":internal:" /* between rump and token */

enum { URLS_MAX = 100 /* of one command */ };

/* The id of one of the user's own folders. 0, or -1 with errno; EXDEV: it is somebody else's. */
static int
own_mailbox_id(struct session *s, struct slice name, char out[MAILBOX_ID_SIZE])
{
    struct mailbox_info info;
    struct mailbox *mb;
    struct target target;

    if (place_find(s, name, RIGHT_READ, &target) < 0)
        return -1;
    if (target.place != NULL) {
        errno = EXDEV;
        return -1;
    }
    mb = mailbox_open(target.store, target.name, true, false);
    if (mb == NULL)
        return -1;
    mailbox_get_info(mb, &info);
    memcpy(out, info.mailbox_id, MAILBOX_ID_SIZE);
    mailbox_close(&mb);
    return 0;
}

static struct reply
reply_not_own(void)
{
    if (errno == EXDEV)
        return reply_no("CANNOT", "Only URLs of one's own mailboxes can be authorized");
    return reply_errno();
}

/* A user's name may be written without the domain: which one it is then, authd says at the use. */
static bool
is_user(const struct session *s, struct slice name)
{
    struct slice user = slice_of(s->user);

    return slice_eq_nocase(name, user) ||
           slice_eq_nocase(name, slice_sub(user, 0, slice_index(user, '@')));
}

/* The checks of section 7, BASE.6.3.GENURLAUTH. NULL: it passes. */
static const char *
check(const struct session *s, const struct imap_url *url)
{
    struct section_text section;

    if (url->user.len == 0)
        return "Missing owner user name in supplied URL";
    if (url->rump.len + sizeof(MECHANISM) - 1 + IMAP_URL_TOKEN_SIZE - 1 > IMAP_URL_MAX)
        return "URL is too long";
    if (url->access == IMAP_URL_ACCESS_NONE)
        return "Missing access identifier in supplied URL";
    if (url->token.len > 0)
        return "URL has a token already";
    if (!is_user(s, url->user))
        return "URL is not the user's own";
    if (section_text_parse(url->section, &section) < 0)
        return "Wrong section in supplied URL";
    return NULL;
}

/* SP url-full */
static void
put_url(struct session *s, const struct imap_url *url, const uint8_t key[URL_KEY_SIZE])
{
    struct strbuf full = strbuf_new(IMAP_URL_MAX);
    char token[IMAP_URL_TOKEN_SIZE];

    imap_url_sign(key, url->rump, token);
    (void)strbuf_append(&full, url->rump); /* fits: check() */
    (void)strbuf_printf(&full, MECHANISM "%s", token);
    (void)strbuf_char(&s->out, ' ');
    imap_astring(strbuf_slice(&full), &s->out);
    strbuf_free(&full);
}

static struct reply
authorize(struct session *s, const struct imap_url *url)
{
    char mailbox_id[MAILBOX_ID_SIZE];
    uint8_t key[URL_KEY_SIZE];
    const char *error = check(s, url);

    if (error != NULL)
        return reply_bad(error);
    if (own_mailbox_id(s, url->mailbox, mailbox_id) < 0)
        return errno == ENOENT ? reply_bad("No such mailbox") : reply_not_own();
    if (url_keys_make(session_store(s), mailbox_id, key) < 0)
        return reply_errno();
    put_url(s, url, key);
    mem_wipe(key, sizeof(key));
    return reply_ok("Genurlauth completed");
}

/* SP url-rump SP mechanism. REPLY_BAD with p->error set: the syntax is wrong. */
static struct reply
generate_one(struct session *s, struct parser *p)
{
    struct slice text, mechanism;
    struct imap_url url;
    struct reply reply;

    if (!parser_space(p) || !parser_astring(p, &text) || !parser_space(p) ||
        !parser_atom(p, &mechanism))
        return reply_bad(p->error);
    if (!slice_eq_nocase(mechanism, SLICE("INTERNAL")))
        return reply_no("CANNOT", "The only mechanism is INTERNAL");
    reply =
        imap_url_parse(text, &url) < 0 ? reply_bad("Not the URL of a message") : authorize(s, &url);
    imap_url_free(&url);
    return reply;
}

/* "GENURLAUTH" 1*(SP url-rump SP mechanism) */
struct reply
urlauth_genurlauth(struct session *s, struct parser *p, unsigned flags)
{
    struct reply reply;
    unsigned count = 0;

    (void)flags;
    (void)strbuf_str(&s->out, "* GENURLAUTH");
    do {
        reply = ++count > URLS_MAX ? reply_no("LIMIT", "Too many URLs") : generate_one(s, p);
    } while (reply.kind == REPLY_OK && parser_peek(p) == ' ');
    if (reply.kind == REPLY_OK && !parser_end(p))
        reply = reply_bad(p->error);
    if (reply.kind != REPLY_OK) {
        strbuf_clear(&s->out);
        return reply;
    }
    (void)strbuf_str(&s->out, "\r\n");
    updates_put_out(s);
    return reply;
}

/* *(SP mechanism) */
static bool
parse_mechanisms(struct parser *p, bool *internal_alone)
{
    struct slice mechanism;

    *internal_alone = true;
    while (parser_peek(p) == ' ') {
        if (!parser_space(p) || !parser_atom(p, &mechanism))
            return false;
        *internal_alone = *internal_alone && slice_eq_nocase(mechanism, SLICE("INTERNAL"));
    }
    return parser_end(p);
}

/* "RESETKEY" [SP mailbox *(SP mechanism)] */
struct reply
urlauth_resetkey(struct session *s, struct parser *p, unsigned flags)
{
    char mailbox_id[MAILBOX_ID_SIZE];
    bool internal_alone;
    struct slice name;

    (void)flags;
    if (parser_peek(p) == '\0') {
        const struct store *store = session_store(s);

        return store == NULL || url_keys_clear(store) < 0 ? reply_errno()
                                                          : reply_ok("All keys removed");
    }
    if (!parser_space(p) || !parser_mailbox(p, &name) || !parse_mechanisms(p, &internal_alone))
        return reply_bad(p->error);
    if (!internal_alone)
        return reply_no("CANNOT", "The only mechanism is INTERNAL");
    if (own_mailbox_id(s, name, mailbox_id) < 0)
        return reply_not_own();
    if (url_keys_renew(session_store(s), mailbox_id) < 0)
        return reply_errno();
    if (s->mailbox != NULL && strcmp(s->url_keys.mailbox_id, mailbox_id) == 0)
        url_news_begin(s); /* the tagged response says it (BASE.7.1.URLMECH) */
    return (struct reply){REPLY_OK, "URLMECH INTERNAL", "Resetkey completed"};
}
