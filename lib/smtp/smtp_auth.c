/*
 * lib/smtp/smtp_auth.c - logs in at a relay host: PLAIN (RFC 4616) and LOGIN.
 *
 * The server is untrusted, but it is the one that shall have the password. Secrets are wiped here
 * and stand in no verdict.
 */
#include "lib/smtp/smtp_auth.h"

#include <stdio.h>

#include "lib/base/encode.h"
#include "lib/base/mem.h"
#include "lib/tls/stream.h"

enum {
    SECRET_MAX = 2 * SMTP_LOGIN_MAX + 2,
    ENCODED_MAX = 4 * (SECRET_MAX + 2) / 3,
    INITIAL_MAX = 498, /* a command line has 512 octets (RFC 4954 section 4): what they leave */
};

static void
wipe(struct strbuf *secret)
{
    if (secret->ptr != NULL)
        mem_wipe(secret->ptr, secret->cap);
    strbuf_free(secret);
}

/* A buffer that never moves, so that no copy of the secret stays behind. */
static struct strbuf
secret_new(size_t max)
{
    struct strbuf secret = strbuf_new(max);

    (void)strbuf_room(&secret, max); /* within the ceiling */
    return secret;
}

static int
read_reply(struct smtp_client *client, unsigned wanted, struct smtp_verdict *why)
{
    if (smtp_client_reply(client, "AUTH", smtp_client_timeouts(client)->command, why) < 0)
        return -1;
    return why->code == wanted ? 0 : -1;
}

/* `command` and the encoded secret on one line, or the secret alone. */
static void
write_secret(struct smtp_client *client, const char *command, struct slice secret)
{
    struct stream *s = smtp_client_stream(client);
    struct strbuf encoded = secret_new(ENCODED_MAX);

    assert_always(base64_encode(secret, &encoded)); /* SMTP_LOGIN_MAX bounds it */
    (void)stream_write(s, slice_of(command));       /* an error sticks and shows at the reply */
    (void)stream_write(s, strbuf_slice(&encoded));
    (void)stream_write(s, SLICE("\r\n"));
    wipe(&encoded);
}

static int
auth_plain(struct smtp_client *client, const struct smtp_login *login, struct smtp_verdict *why)
{
    struct strbuf secret = secret_new(SECRET_MAX);
    int rc = 0;

    (void)strbuf_char(&secret, '\0'); /* no authorization identity; all of it fits */
    (void)strbuf_str(&secret, login->user);
    (void)strbuf_char(&secret, '\0');
    (void)strbuf_str(&secret, login->password);
    assert_always(!secret.overflow);
    if (4 * ((secret.len + 2) / 3) <= INITIAL_MAX) {
        write_secret(client, "AUTH PLAIN ", strbuf_slice(&secret));
    } else {
        (void)stream_write(smtp_client_stream(client), SLICE("AUTH PLAIN\r\n"));
        rc = read_reply(client, 334, why);
        if (rc == 0)
            write_secret(client, "", strbuf_slice(&secret));
    }
    wipe(&secret);
    return rc < 0 ? -1 : read_reply(client, 235, why);
}

static int
auth_login(struct smtp_client *client, const struct smtp_login *login, struct smtp_verdict *why)
{
    (void)stream_write(smtp_client_stream(client), SLICE("AUTH LOGIN\r\n"));
    if (read_reply(client, 334, why) < 0)
        return -1;
    write_secret(client, "", slice_of(login->user));
    if (read_reply(client, 334, why) < 0)
        return -1;
    write_secret(client, "", slice_of(login->password));
    return read_reply(client, 235, why);
}

int
smtp_auth(struct smtp_client *client, const struct smtp_login *login, struct smtp_verdict *why)
{
    const struct smtp_peer *peer = smtp_client_peer(client);

    if (smtp_client_can(client, SMTP_CAN_AUTH_PLAIN))
        return auth_plain(client, login, why);
    if (smtp_client_can(client, SMTP_CAN_AUTH_LOGIN))
        return auth_login(client, login, why);
    why->code = 0;
    (void)snprintf(why->dsn, sizeof(why->dsn), "4.7.0");
    (void)snprintf(why->text, sizeof(why->text), "%s[%s]: offers neither AUTH PLAIN nor AUTH LOGIN",
                   peer->host, peer->ip);
    return -1;
}
