/*
 * lib/mail/imap_url.c - URLs of messages and of their parts, and who may use one.
 *
 * Input:  URLs from clients and, later, from messages and other servers. Untrusted.
 */
#include "lib/mail/imap_url.h"

#include "lib/base/encode.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/mail/timestamp.h"

/* What is left of the text, and where decoded text goes: all of it together is not longer. */
struct scan {
    struct slice rest;
    char *next;
};

static bool
take(struct scan *s, struct slice word)
{
    if (!slice_starts_nocase(s->rest, word))
        return false;
    s->rest = slice_sub(s->rest, word.len, s->rest.len);
    return true;
}

static struct slice
take_bytes(struct scan *s, size_t len)
{
    struct slice taken = slice_sub(s->rest, 0, len);

    s->rest = slice_sub(s->rest, len, s->rest.len);
    return taken;
}

/* Takes the percent-encoding off (RFC 3986 section 2.1). False: wrong, or a control character. */
static bool
decode(struct scan *s, struct slice text, struct slice *out)
{
    char *begin = s->next;

    for (size_t i = 0; i < text.len; i++) {
        int c = (unsigned char)text.ptr[i];

        if (c == '%') {
            if (text.len - i < 3 || hex_value(text.ptr[i + 1]) < 0 ||
                hex_value(text.ptr[i + 2]) < 0)
                return false;
            c = hex_value(text.ptr[i + 1]) << 4 | hex_value(text.ptr[i + 2]);
            i += 2;
        }
        if (c < 0x20 || c == 0x7f)
            return false;
        *s->next++ = (char)c;
    }
    *out = slice_make(begin, (size_t)(s->next - begin));
    return true;
}

static size_t
digits(struct slice text)
{
    size_t len = 0;

    while (len < text.len && text.ptr[len] >= '0' && text.ptr[len] <= '9')
        len++;
    return len;
}

static bool
take_number64(struct scan *s, uint64_t min, uint64_t max, uint64_t *out)
{
    struct slice number = take_bytes(s, digits(s->rest));

    return parse_u64(number, max, out) == 0 && *out >= min;
}

static bool
take_nz_number(struct scan *s, uint32_t *out)
{
    uint64_t value;

    if (!take_number64(s, 1, UINT32_MAX, &value))
        return false;
    *out = (uint32_t)value;
    return true;
}

/* ---- server ---- */

/* "imap://" enc-user [iauth] "@" hostport (RFC 4467 section 9), with the user optional (RFC 5092
 * section 4). What a client should log in with does not matter here. */
static bool
take_server(struct scan *s, struct imap_url *url)
{
    struct slice server = take_bytes(s, slice_index(s->rest, '/')), user;
    size_t at = slice_index(server, '@');

    if (at < server.len) {
        user = slice_sub(server, 0, at);
        user = slice_sub(user, 0, slice_index(user, ';'));
        server = slice_sub(server, at + 1, server.len);
        if (user.len == 0 || slice_index(user, ':') < user.len || !decode(s, user, &url->user))
            return false;
    }
    return server.len > 0 && slice_index(server, '@') == server.len &&
           slice_index(server, ';') == server.len && decode(s, server, &url->host);
}

/* ---- message ---- */

/* enc-mailbox [uidvalidity] "/;UID=" nz-number */
static bool
take_message(struct scan *s, struct imap_url *url)
{
    struct slice written = take_bytes(s, slice_index(s->rest, ';'));

    if (slice_index(written, '?') < written.len)
        return false;
    if (take(s, SLICE(";UIDVALIDITY="))) {
        if (!take_nz_number(s, &url->uidvalidity) || !take(s, SLICE("/")))
            return false;
    } else if (slice_ends(written, SLICE("/"))) {
        written.len--;
    } else {
        return false;
    }
    return take(s, SLICE(";UID=")) && take_nz_number(s, &url->uid) && written.len > 0 &&
           decode(s, written, &url->mailbox);
}

/* ["/;SECTION=" enc-section] ["/;PARTIAL=" partial-range] */
static bool
take_part(struct scan *s, struct imap_url *url)
{
    if (take(s, SLICE("/;SECTION="))) {
        size_t len = slice_index(s->rest, ';'); /* no section has one */

        if (len < s->rest.len && len > 0 && s->rest.ptr[len - 1] == '/')
            len--;
        if (len == 0 || !decode(s, take_bytes(s, len), &url->section))
            return false;
    }
    if (!take(s, SLICE("/;PARTIAL=")))
        return true;
    url->partial = true;
    url->length = INT64_MAX;
    return take_number64(s, 0, INT64_MAX, &url->offset) &&
           (!take(s, SLICE(".")) || take_number64(s, 1, INT64_MAX, &url->length));
}

/* ---- authorization ---- */

/* A fraction is cut off: the second that has begun is over. */
static bool
take_time(struct scan *s, int64_t *ms)
{
    if (timestamp_parse(take_bytes(s, slice_index(s->rest, ';')), ms) < 0)
        return false;
    *ms -= (*ms % 1000 + 1000) % 1000; /* down, also before 1970 */
    return true;
}

/* "submit+" enc-user / "user+" enc-user / "authuser" / "anonymous" */
static bool
take_access(struct scan *s, struct imap_url *url)
{
    struct scan access = {take_bytes(s, slice_index(s->rest, ':')), s->next};

    if (take(&access, SLICE("submit+"))) {
        url->access = IMAP_URL_ACCESS_SUBMIT;
    } else if (take(&access, SLICE("user+"))) {
        url->access = IMAP_URL_ACCESS_USER;
    } else {
        url->access =
            take(&access, SLICE("authuser")) ? IMAP_URL_ACCESS_AUTHUSER : IMAP_URL_ACCESS_ANONYMOUS;
        return (url->access == IMAP_URL_ACCESS_AUTHUSER || take(&access, SLICE("anonymous"))) &&
               access.rest.len == 0;
    }
    return access.rest.len > 0 && slice_index(access.rest, ';') == access.rest.len &&
           slice_index(access.rest, '/') == access.rest.len &&
           decode(s, access.rest, &url->access_user);
}

/* ":" mechanism ":" 32*HEXDIG */
static bool
take_token(struct scan *s, struct imap_url *url)
{
    if (s->rest.len == 0)
        return true; /* the rump alone */
    if (!take(s, SLICE(":")))
        return false;
    url->mechanism = take_bytes(s, slice_index(s->rest, ':'));
    if (url->mechanism.len == 0 || !take(s, SLICE(":")))
        return false;
    url->token = take_bytes(s, s->rest.len);
    for (size_t i = 0; i < url->token.len; i++)
        if (hex_value(url->token.ptr[i]) < 0)
            return false;
    return url->token.len >= 32;
}

/* [expire] ";URLAUTH=" access [token], up to the end */
static bool
take_authorization(struct scan *s, struct slice text, struct imap_url *url)
{
    if (take(s, SLICE(";EXPIRE="))) {
        url->expires = true;
        if (!take_time(s, &url->expire_ms))
            return false;
    }
    if (!take(s, SLICE(";URLAUTH=")))
        return s->rest.len == 0 && !url->expires;
    if (!take_access(s, url))
        return false;
    url->rump = slice_sub(text, 0, text.len - s->rest.len);
    return take_token(s, url);
}

int
imap_url_parse(struct slice text, struct imap_url *out)
{
    struct scan s = {.rest = text};

    *out = (struct imap_url){.uid = 0};
    if (text.len == 0 || text.len > IMAP_URL_MAX)
        return -1;
    out->memory = xmalloc(text.len);
    s.next = out->memory;
    if (take(&s, SLICE("imap://")) && !take_server(&s, out))
        return -1;
    if (!take(&s, SLICE("/")) || slice_starts(s.rest, SLICE("/")) || !take_message(&s, out) ||
        !take_part(&s, out) || !take_authorization(&s, text, out))
        return -1;
    return 0;
}

void
imap_url_free(struct imap_url *url)
{
    xfree(&url->memory);
}

bool
imap_url_is_authorized(const struct imap_url *url)
{
    return url->user.len > 0 && url->access != IMAP_URL_ACCESS_NONE && url->token.len > 0 &&
           slice_eq_nocase(url->mechanism, SLICE("INTERNAL"));
}

bool
imap_url_is_expired(const struct imap_url *url, int64_t now_ms)
{
    return url->expires && now_ms > url->expire_ms;
}
