/*
 * lib/account/canonical.h - the one form of an address by which accounts are found and compared.
 *
 * Domain: ASCII lower case, internationalised names as A-labels (IDNA2008, nontransitional).
 * Local part: without quotes; ASCII letters in lower case, and with other letters mapped by PRECIS
 * (lib/account/precis.h): width, case of every script, normalisation form C. A part of ASCII alone,
 * nearly every one, costs no table.
 */
#ifndef POSTHORN_LIB_ACCOUNT_CANONICAL_H
#define POSTHORN_LIB_ACCOUNT_CANONICAL_H

#include "lib/base/strbuf.h"

#define CANONICAL_DOMAIN_MAX 253
#define CANONICAL_LOCAL_MAX 64 /* octets, RFC 5321 section 4.5.3.1.1 */
#define CANONICAL_ADDRESS_MAX (CANONICAL_LOCAL_MAX + 1 + CANONICAL_DOMAIN_MAX)

/* Appends the canonical form. 0, or -1: not a domain name / not a local part (too long, bad UTF-8,
 * control characters); `out` is then as before. */
int canonical_domain(struct slice domain, struct strbuf *out);
int canonical_local(struct slice local, struct strbuf *out);
/* The forms of releases that did not map the case of letters beyond ASCII, for names that are still
 * there (lib/account/old_names.h). */
int canonical_local_old(struct slice local, struct strbuf *out);
/* A mailbox as SMTP writes it (lib/mail/address.h): bare names and address literals are refused. */
int canonical_address(struct slice address, struct strbuf *out);
int canonical_address_old(struct slice address, struct strbuf *out);
/* May a new mailbox, alias or group have this (canonical) local part? Dot-string of RFC 5321
 * section 4.1.2 with the UTF-8 of RFC 6531 section 3.3: one that needs no quotes. */
bool canonical_local_usable(struct slice local);

#endif
