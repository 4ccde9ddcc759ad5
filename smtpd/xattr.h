/*
 * smtpd/xattr.h - the attributes of XCLIENT and XFORWARD, Postfix's commands by which a peer that
 * we trust says for whom it speaks (Postfix's XCLIENT_README and XFORWARD_README). Pure parser.
 */
#ifndef POSTHORN_SMTPD_XATTR_H
#define POSTHORN_SMTPD_XATTR_H

#include <netinet/in.h>

#include "smtpd/params.h"

#define XATTR_VALUE_MAX 255 /* characters (XFORWARD_README, note 1) */

enum xattr_name {
    XATTR_NAME,
    XATTR_ADDR,
    XATTR_PORT,
    XATTR_PROTO,
    XATTR_HELO,
    XATTR_LOGIN,
    XATTR_DESTADDR,
    XATTR_DESTPORT,
    XATTR_IDENT,
    XATTR_SOURCE,
    XATTR_COUNT
};

#define XATTR_BIT(name) (1u << (name))
#define XATTR_OF_XCLIENT (XATTR_BIT(XATTR_DESTPORT + 1) - 1)
#define XATTR_OF_XFORWARD                                                                          \
    (XATTR_BIT(XATTR_NAME) | XATTR_BIT(XATTR_ADDR) | XATTR_BIT(XATTR_PORT) |                       \
     XATTR_BIT(XATTR_PROTO) | XATTR_BIT(XATTR_HELO) | XATTR_BIT(XATTR_IDENT) |                     \
     XATTR_BIT(XATTR_SOURCE))

/* Decoded and checked: addresses without their prefix, ports in decimal. "" where the value is not
 * available. */
struct xattrs {
    unsigned given; /* XATTR_BIT of each that was named */
    char values[XATTR_COUNT][XATTR_VALUE_MAX + 1];
};

/* Adds what `args` says to *attrs, of which `allowed` may be named. 0, or -1 with *why: *attrs is
 * as before. */
int xattrs_parse(struct slice args, unsigned allowed, struct xattrs *attrs, struct refusal *why);
/* "NAME ADDR ...": those of `which`, for EHLO. */
void xattrs_list(unsigned which, struct strbuf *out);

#endif
