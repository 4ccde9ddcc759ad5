/*
 * imapd/capability.c - what this session may announce.
 */
#include "imapd/capability.h"

#include <string.h>

#include "lib/ipc/authd.h"

static const char extensions[] = "IMAP4rev1 SASL-IR LITERAL+ ID ENABLE IDLE NAMESPACE UIDPLUS MOVE "
                                 "UNSELECT CHILDREN SPECIAL-USE "
                                 "CREATE-SPECIAL-USE LIST-EXTENDED LIST-STATUS";

static bool
is_loopback(const char *ip)
{
    return strncmp(ip, "127.", 4) == 0 || strcmp(ip, "::1") == 0;
}

static bool
plain_allowed(const struct session *s)
{
    return s->server->settings.plain_on_loopback && is_loopback(s->pool->client_ip);
}

bool
capability_login_allowed(const struct session *s)
{
    return mechanisms_login_allowed(s->server->settings.mechanisms, s->tls_started,
                                    plain_allowed(s));
}

const char *
capability_mechanisms(const struct session *s)
{
    unsigned char binding[32];
    bool bound = s->tls_started && tls_channel_binding(stream_tls(s->stream), binding) == 0;

    return mechanisms_offered(s->server->settings.mechanisms, s->tls_started, bound,
                              plain_allowed(s));
}

void
capability_write(const struct session *s, struct strbuf *out)
{
    struct slice mechanisms;

    (void)strbuf_printf(out, "CAPABILITY %s", extensions);
    if (s->state != STATE_NOT_AUTHENTICATED)
        return;
    if (!s->tls_started && s->server->tls != NULL)
        (void)strbuf_str(out, " STARTTLS");
    if (!capability_login_allowed(s))
        (void)strbuf_str(out, " LOGINDISABLED");
    mechanisms = slice_of(capability_mechanisms(s));
    while (mechanisms.len > 0) {
        struct slice name = slice_split(&mechanisms, ' ');

        (void)strbuf_str(out, " AUTH=");
        (void)strbuf_append(out, name);
    }
}
