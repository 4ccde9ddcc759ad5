/*
 * lib/smtp/socks.c - connections through a SOCKS server.
 *
 * Input: the server's replies, untrusted. They are read piece by piece, each as long as the one
 * before says, at most 257 bytes; not one byte of what comes behind them is touched.
 * SOCKS 4 has no RFC: a request is version, command, port, address, user and a NUL; the reply has
 * eight bytes, of which the second one tells, 90 being yes.
 */
#include "lib/smtp/socks.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "lib/base/connect.h"
#include "lib/base/mem.h"

enum { CONNECT = 1, NO_LOGIN = 0, LOGIN = 2, REFUSED = 0xff, V4_YES = 90 };
enum { ATYP_V4 = 1, ATYP_NAME = 3, ATYP_V6 = 4 };
enum { STATE_METHOD, STATE_LOGIN, STATE_REPLY, STATE_REST, STATE_V4 };
enum { METHOD_LEN = 2, LOGIN_LEN = 2, REPLY_LEN = 5, V4_LEN = 8, PORT_LEN = 2 };

static enum socks_step
no(struct socks *s, const char *why)
{
    s->why = why;
    return SOCKS_NO;
}

static enum socks_step
say(struct socks *s, int state, size_t wants)
{
    s->state = state;
    s->wants = wants;
    return SOCKS_SAY;
}

static void
put(struct strbuf *out, const void *bytes, size_t len)
{
    (void)strbuf_append(out, slice_make(bytes, len)); /* SOCKS_WRITE_MAX is more than all of it */
}

static void
put_short_text(struct strbuf *out, const char *text)
{
    (void)strbuf_char(out, (char)strlen(text)); /* at most SOCKS_LOGIN_MAX: checked before */
    (void)strbuf_str(out, text);
}

/* ---- requests ---- */

/* RFC 1928 section 4. */
static enum socks_step
request(struct socks *s, struct strbuf *out)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)s->target;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)s->target;

    if (s->target == NULL)
        return SOCKS_OPEN;
    put(out, (const uint8_t[]){SOCKS_5, CONNECT, 0}, 3);
    if (s->target->ss_family == AF_INET) {
        (void)strbuf_char(out, ATYP_V4);
        put(out, &v4->sin_addr, sizeof(v4->sin_addr));
        put(out, &v4->sin_port, PORT_LEN);
    } else {
        (void)strbuf_char(out, ATYP_V6);
        put(out, &v6->sin6_addr, sizeof(v6->sin6_addr));
        put(out, &v6->sin6_port, PORT_LEN);
    }
    return say(s, STATE_REPLY, REPLY_LEN);
}

static enum socks_step
request_v4(struct socks *s, struct strbuf *out)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)s->target;

    if (s->target == NULL)
        return SOCKS_OPEN;
    if (s->target->ss_family != AF_INET)
        return no(s, "SOCKS 4 leads to IPv4 addresses alone");
    put(out, (const uint8_t[]){SOCKS_4, CONNECT}, 2);
    put(out, &v4->sin_port, PORT_LEN);
    put(out, &v4->sin_addr, sizeof(v4->sin_addr));
    put(out, s->proxy->user, strlen(s->proxy->user) + 1);
    return say(s, STATE_V4, V4_LEN);
}

/* RFC 1929 section 2. */
static enum socks_step
log_in(struct socks *s, struct strbuf *out)
{
    (void)strbuf_char(out, 1);
    put_short_text(out, s->proxy->user);
    put_short_text(out, s->proxy->password);
    return say(s, STATE_LOGIN, LOGIN_LEN);
}

enum socks_step
socks_begin(struct socks *s, const struct socks_proxy *proxy, const struct sockaddr_storage *target,
            struct strbuf *out)
{
    bool has_login = proxy->user[0] != '\0' && proxy->password[0] != '\0';

    *s = (struct socks){.proxy = proxy, .target = target};
    if (strlen(proxy->user) > SOCKS_LOGIN_MAX || strlen(proxy->password) > SOCKS_LOGIN_MAX)
        return no(s, "user name or password has more than 255 bytes");
    if (proxy->version == SOCKS_4)
        return request_v4(s, out);
    if (has_login) /* RFC 1928 section 3: what we can, in any order */
        put(out, (const uint8_t[]){SOCKS_5, 2, NO_LOGIN, LOGIN}, 4);
    else
        put(out, (const uint8_t[]){SOCKS_5, 1, NO_LOGIN}, 3);
    return say(s, STATE_METHOD, METHOD_LEN);
}

/* ---- replies ---- */

static enum socks_step
take_method(struct socks *s, const uint8_t *reply, struct strbuf *out)
{
    bool has_login = s->proxy->user[0] != '\0' && s->proxy->password[0] != '\0';

    if (reply[0] != SOCKS_5)
        return no(s, "the proxy does not speak SOCKS 5");
    if (reply[1] == NO_LOGIN)
        return request(s, out);
    if (reply[1] == LOGIN && has_login)
        return log_in(s, out);
    if (reply[1] != REFUSED)
        return no(s, "the proxy chose a way of login that was not offered");
    return no(s, has_login ? "the proxy takes no login by user name and password"
                           : "the proxy wants a login");
}

/* RFC 1928 section 6. */
static const char *
refusal(uint8_t code)
{
    static const char *const words[] = {
        NULL,
        "the proxy failed",
        "the proxy's rules do not allow it",
        "the proxy says: network unreachable",
        "the proxy says: host unreachable",
        "the proxy says: connection refused",
        "the proxy says: time to live expired",
        "the proxy does not know the command",
        "the proxy does not know this kind of address",
    };

    return code < ARRAY_LEN(words) ? words[code] : "the proxy refused for an unknown reason";
}

static enum socks_step
take_reply(struct socks *s, const uint8_t *reply)
{
    if (reply[0] != SOCKS_5)
        return no(s, "the proxy does not speak SOCKS 5");
    if (reply[1] != 0)
        return no(s, refusal(reply[1]));
    s->state = STATE_REST;
    switch (reply[3]) { /* one byte of the address is here already */
    case ATYP_V4:
        s->wants = 4 - 1 + PORT_LEN;
        return SOCKS_READ;
    case ATYP_V6:
        s->wants = 16 - 1 + PORT_LEN;
        return SOCKS_READ;
    case ATYP_NAME:
        s->wants = (size_t)reply[4] + PORT_LEN;
        return SOCKS_READ;
    default:
        return no(s, "the proxy's reply has an address of an unknown kind");
    }
}

static enum socks_step
take_v4(struct socks *s, const uint8_t *reply)
{
    if (reply[0] != 0)
        return no(s, "the proxy does not speak SOCKS 4");
    switch (reply[1]) {
    case V4_YES:
        return SOCKS_OPEN;
    case 92:
    case 93:
        return no(s, "the proxy could not make sure who the user is (identd)");
    default:
        return no(s, "the proxy refused, or could not connect");
    }
}

enum socks_step
socks_take(struct socks *s, const uint8_t *reply, struct strbuf *out)
{
    switch (s->state) {
    case STATE_METHOD:
        return take_method(s, reply, out);
    case STATE_LOGIN:
        if (reply[1] != 0) /* whatever version stands before it: some servers write 5 */
            return no(s, "the proxy refused user name and password");
        return request(s, out);
    case STATE_REPLY:
        return take_reply(s, reply);
    case STATE_V4:
        return take_v4(s, reply);
    default:
        return SOCKS_OPEN;
    }
}

/* ---- with I/O ---- */

int
socks_open(int fd, const struct socks_proxy *proxy, const struct sockaddr_storage *target,
           int64_t deadline, const char **why)
{
    struct strbuf out = strbuf_new(SOCKS_WRITE_MAX);
    uint8_t reply[SOCKS_READ_MAX];
    struct socks s;
    enum socks_step step = socks_begin(&s, proxy, target, &out);

    while (step == SOCKS_SAY || step == SOCKS_READ) {
        if ((step == SOCKS_SAY && write_until(fd, strbuf_slice(&out), deadline) < 0) ||
            read_until(fd, reply, s.wants, deadline) < 0) {
            step = no(&s, errno == EPIPE ? "the proxy closed the connection" : strerror(errno));
            break;
        }
        if (out.ptr != NULL)
            mem_wipe(out.ptr, out.cap); /* the password */
        strbuf_clear(&out);
        step = socks_take(&s, reply, &out);
    }
    if (out.ptr != NULL)
        mem_wipe(out.ptr, out.cap);
    strbuf_free(&out);
    *why = s.why;
    return step == SOCKS_OPEN ? 0 : -1;
}
