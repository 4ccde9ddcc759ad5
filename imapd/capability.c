/*
 * imapd/capability.c - what this session may announce.
 */
#include "imapd/capability.h"

#include <string.h>

#include "imapd/message_limit.h"
#include "lib/base/mem.h"
#include "lib/ipc/authd.h"

/* One row for each extension, complete ones only: clients read this list as a promise, many of them
 * only once, before the login. */
static const char *const extensions[] = {
    "IMAP4rev1",             /* RFC 3501 */
    "IMAP4rev2",             /* RFC 9051 */
    "SASL-IR",               /* RFC 4959 */
    "ID",                    /* RFC 2971 */
    "ENABLE",                /* RFC 5161 */
    "ESEARCH",               /* RFC 4731 */
    "SEARCHRES",             /* RFC 5182 */
    "WITHIN",                /* RFC 5032 */
    "SORT",                  /* RFC 5256 */
    "SORT=DISPLAY",          /* RFC 5957 */
    "CONTEXT=SEARCH",        /* RFC 5267 */
    "SEARCH=FUZZY",          /* RFC 6203 */
    "MULTISEARCH",           /* RFC 7377 */
    "CONTEXT=SORT",          /* RFC 5267 */
    "ESORT",                 /* RFC 5267 */
    "THREAD=ORDEREDSUBJECT", /* RFC 5256 */
    "THREAD=REFERENCES",
    "THREAD=REFS",        /* draft-ietf-morg-inthread */
    "IDLE",               /* RFC 2177 */
    "NOTIFY",             /* RFC 5465 */
    "NAMESPACE",          /* RFC 2342 */
    "UIDPLUS",            /* RFC 4315 */
    "MOVE",               /* RFC 6851 */
    "UNSELECT",           /* RFC 3691 */
    "CHILDREN",           /* RFC 3348 */
    "SPECIAL-USE",        /* RFC 6154 */
    "CREATE-SPECIAL-USE", /* RFC 6154 */
    "LIST-EXTENDED",      /* RFC 5258 */
    "LIST-STATUS",        /* RFC 5819 */
    "INPROGRESS",         /* RFC 9585 */
    "PARTIAL",            /* RFC 9394 */
    "UIDONLY",            /* RFC 9586 */
    "UIDBATCHES",         /* RFC 10022 */
    "ACL",                /* RFC 4314 */
    "RIGHTS=kxte",        /* RFC 4314 section 2.2 */
    "LIST-MYRIGHTS",      /* RFC 8440 */
    "METADATA",           /* RFC 5464 */
    "LIST-METADATA",      /* RFC 9590 */
    "FILTERS",            /* RFC 5466 */
    "COMPRESS=DEFLATE",   /* RFC 4978 */
    "CONDSTORE",          /* RFC 7162 */
    "QRESYNC",            /* RFC 7162 */
    "OBJECTID",           /* RFC 8474 */
    "SAVEDATE",           /* RFC 8514 */
    "STATUS=SIZE",        /* RFC 8438 */
    "QUOTA",              /* RFC 9208 */
    "QUOTASET",           /* RFC 9208 section 4.1.3 */
    "QUOTA=RES-STORAGE",  /* RFC 9208 section 5.1 */
    "QUOTA=RES-MESSAGE",  /* RFC 9208 section 5.2 */
    "BINARY",             /* RFC 3516 */
    "MULTIAPPEND",        /* RFC 3502 */
    "CATENATE",           /* RFC 4469 */
    "URLAUTH",            /* RFC 4467 */
    "REPLACE",            /* RFC 8508 */
    "LANGUAGE",           /* RFC 5255 */
    "I18NLEVEL=1",        /* RFC 5255 section 4.3, RFC 5051 */
    "PREVIEW",            /* RFC 8970 */
};

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
    bool bound = session_channel_binding(s, binding);

    return mechanisms_offered(s->server->settings.mechanisms, s->tls_started, bound,
                              plain_allowed(s));
}

/* A number of 32 bits is all that the grammar has. */
static unsigned
append_limit(const struct session *s)
{
    uint64_t max = s->server->settings.append_max;

    return max < UINT32_MAX ? (unsigned)max : UINT32_MAX;
}

void
capability_write(const struct session *s, struct strbuf *out)
{
    struct slice mechanisms;

    (void)strbuf_str(out, "CAPABILITY");
    for (size_t i = 0; i < ARRAY_LEN(extensions); i++)
        (void)strbuf_printf(out, " %s", extensions[i]);
    (void)strbuf_str(out, s->server->settings.literal_minus ? " LITERAL-" : " LITERAL+");
    (void)strbuf_printf(out, " APPENDLIMIT=%u", append_limit(s)); /* RFC 7889 */
    message_limit_capability(s, out);                             /* RFC 9738 */
    if (s->server->settings.utf8_accept)
        (void)strbuf_str(out, " UTF8=ACCEPT"); /* RFC 6855 */
    if (s->server->settings.unauthenticate)
        (void)strbuf_str(out, " UNAUTHENTICATE"); /* RFC 8437 */
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
