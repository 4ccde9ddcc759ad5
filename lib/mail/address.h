/*
 * lib/mail/address.h - mail addresses as SMTP writes them: RFC 5321 section 4.1.2 and, for
 * internationalized ones, RFC 6531 section 3.3.
 *
 * The grammar is accepted whole and without kind repairs. All results borrow from the input.
 */
#ifndef POSTHORN_LIB_MAIL_ADDRESS_H
#define POSTHORN_LIB_MAIL_ADDRESS_H

#include <stdint.h>

#include "lib/base/strbuf.h"

#define ADDRESS_LOCAL_MAX 64   /* octets (RFC 5321 section 4.5.3.1.1) */
#define ADDRESS_DOMAIN_MAX 255 /* octets (section 4.5.3.1.2) */
#define ADDRESS_LABEL_MAX 63   /* octets of one ASCII label (RFC 1035 section 2.3.4) */
#define ADDRESS_MAX 254        /* octets of a mailbox: a path of 256 less its brackets */

enum address_flag {
    ADDRESS_UTF8 = 1 << 0,       /* SMTPUTF8 is in force: UTF-8 is allowed (RFC 6531) */
    ADDRESS_NULL = 1 << 1,       /* the null path "<>" is allowed */
    ADDRESS_POSTMASTER = 1 << 2, /* "<Postmaster>" without a domain is allowed */
};

enum address_status {
    ADDRESS_OK,
    ADDRESS_SYNTAX,
    ADDRESS_TOO_LONG,  /* right syntax, but a part is over its limit */
    ADDRESS_NON_ASCII, /* would be right with ADDRESS_UTF8 */
};

struct address {
    struct slice text;   /* the mailbox as written, without brackets or source route */
    struct slice local;  /* as written: with the quotes of a quoted string */
    struct slice domain; /* domain or "[literal]"; empty for the null path and bare Postmaster */
    bool is_quoted, is_literal;
    bool is_utf8; /* holds a byte above 0x7f */
};

/* All of `text` as a Mailbox (local@domain). Flags: ADDRESS_UTF8, ADDRESS_POSTMASTER. *out is
 * meaningful with ADDRESS_OK only. */
enum address_status address_parse(struct slice text, unsigned flags, struct address *out);

/* Takes one Path ("<...>") off the front of *input; a source route is accepted and dropped. After
 * a failure *input is as before. */
enum address_status address_parse_path(struct slice *input, unsigned flags, struct address *out);

/* True for Domain (RFC 5321 section 4.1.2): dot-separated letters, digits and inner hyphens; with
 * `utf8` also U-labels. Checks the lengths too. */
bool address_is_domain(struct slice text, bool utf8);
/* True for address-literal, "[192.0.2.1]" or "[IPv6:2001:db8::1]" or another registered tag. */
bool address_is_literal(struct slice text);

struct address_ip {
    unsigned len; /* 4 or 16 */
    uint8_t bytes[16];
};
/* "[192.0.2.1]" or "[IPv6:...]" to binary. 0, or -1: no literal of these two kinds. */
int address_literal_ip(struct slice literal, struct address_ip *ip);
/* The same without brackets and tag: "192.0.2.1", "2001:db8::1". 0, or -1. */
int address_ip_parse(struct slice text, struct address_ip *ip);

/* True for a local part that the Sender Rewriting Scheme (lib/mail/srs.h) begins, "SRS0=" and the
 * like: it holds a whole address, and may therefore be longer than ADDRESS_LOCAL_MAX. */
bool address_is_rewritten(struct slice local);

/* The local part with quotes and backslashes taken off: what two spellings have in common. */
bool address_local_plain(const struct address *address, struct strbuf *out);
/* The form to send and to compare: least quoting (RFC 5321 section 4.1.2), domain in lower case,
 * the local part's case untouched. False if `out` overflowed. */
bool address_normalize(const struct address *address, struct strbuf *out);

#endif
