/*
 * lib/auth/external.h - the methods by which somebody else says whether a password is right.
 *
 *     pam:SERVICE
 *     imap://HOST[:PORT][/NAME]    pop3://...    smtp://...      STARTTLS before the password
 *     imaps://HOST[:PORT][/NAME]   pop3s://...   smtps://...     TLS from the first byte
 *     ldap://HOST[:PORT]/NAME      ldaps://...                   bind with that name
 *     ldap://HOST[:PORT]/BASE?ATTRIBUTE[=NAME]                   search below BASE, then bind
 *
 * In NAME, %u is the user's address, %n the part before the '@', %d the domain, %% a percent sign;
 * without a NAME it is %u. A NAME of ldap that holds a '=' is a distinguished name, and the values
 * are escaped in it (RFC 4514 section 2.4); any other is taken as it is (Active Directory binds
 * with user@domain). There is no way to send a password in clear text.
 */
#ifndef POSTHORN_LIB_AUTH_EXTERNAL_H
#define POSTHORN_LIB_AUTH_EXTERNAL_H

#include <stdint.h>

#include "lib/base/strbuf.h"

#define EXTERNAL_METHOD_MAX 900 /* bytes of a method as text */
#define EXTERNAL_NAME_MAX 2048  /* bytes of a name that came of one */

enum external_kind { EXTERNAL_PAM, EXTERNAL_LDAP, EXTERNAL_IMAP, EXTERNAL_POP3, EXTERNAL_SMTP };

struct external_method {
    enum external_kind kind;
    bool tls_at_once;
    uint16_t port;
    struct slice host;      /* borrowed from the text, like the others; PAM: the service */
    struct slice name;      /* with its %; of the entry that ATTRIBUTE has, too */
    struct slice base;      /* LDAP, search */
    struct slice attribute; /* LDAP, search; "": bind with `name` */
};
/* NULL, or what was expected, in words. */
const char *external_parse(struct slice text, struct external_method *out);
/* The name of `user` (local@domain) there. 0, or -1: it is too long. */
int external_name(const struct external_method *method, struct slice user, struct strbuf *out);

#endif
