/*
 * lib/mail/imap_url.h - URLs of messages and of their parts (RFC 5092), and who may use one (RFC
 * 4467).
 *
 *   imap://joe@example.com/INBOX;UIDVALIDITY=9/;UID=20/;SECTION=1.2/;PARTIAL=0.1024
 *       ;EXPIRE=2026-11-27T00:00:00Z;URLAUTH=submit+fred:internal:91354a473744909de610943775f92038
 *
 * URLs of a server, of a mailbox as a whole or of a search are none here: nothing takes them.
 */
#ifndef POSTHORN_LIB_MAIL_IMAP_URL_H
#define POSTHORN_LIB_MAIL_IMAP_URL_H

#include <stdint.h>

#include "lib/base/slice.h"

#define IMAP_URL_MAX 4096 /* bytes of one URL */

enum imap_url_access {
    IMAP_URL_ACCESS_NONE, /* no ";URLAUTH=" */
    IMAP_URL_ACCESS_SUBMIT,
    IMAP_URL_ACCESS_USER,
    IMAP_URL_ACCESS_AUTHUSER,
    IMAP_URL_ACCESS_ANONYMOUS
};

/* Percent-encoding is taken off where "decoded" stands; what is absent is empty. */
struct imap_url {
    struct slice user, host; /* decoded, with the port; empty: "/mailbox..." (section 7.2) */
    struct slice mailbox;    /* decoded: UTF-8 */
    uint32_t uidvalidity;    /* 0: not said */
    uint32_t uid;
    struct slice section; /* decoded: "1.2.MIME"; empty: all of the message */
    bool partial;
    uint64_t offset, length; /* below 2^63 */

    bool expires;
    int64_t expire_ms;             /* since 1970 UTC; valid until then */
    enum imap_url_access access;   /* who may use it */
    struct slice access_user;      /* decoded: of "submit+" and "user+" */
    struct slice rump;             /* what the token says yes to: up to the access identifier */
    struct slice mechanism, token; /* as written; empty: there is no token yet */
    char *memory;                  /* of what is decoded */
};

/* The parts borrow from `text` and from the URL itself. 0, or -1: it is none, or longer than
 * IMAP_URL_MAX. imap_url_free in any case. */
int imap_url_parse(struct slice text, struct imap_url *out);
void imap_url_free(struct imap_url *url);

/* Does it name an owner, say who may use it, and carry a token of the mechanism INTERNAL? The token
 * is not looked at (lib/mail/imap_url_token.h). */
bool imap_url_is_authorized(const struct imap_url *url);
bool imap_url_is_expired(const struct imap_url *url, int64_t now_ms);

#endif
