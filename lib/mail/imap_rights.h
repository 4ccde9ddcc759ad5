/*
 * lib/mail/imap_rights.h - rights on a folder: the letters of RFC 4314 section 2.1 as bits.
 */
#ifndef POSTHORN_LIB_MAIL_IMAP_RIGHTS_H
#define POSTHORN_LIB_MAIL_IMAP_RIGHTS_H

#include <stdint.h>

#include "lib/base/strbuf.h"

enum imap_right {
    RIGHT_LOOKUP = 1 << 0,         /* l: LIST shows it, it may be subscribed */
    RIGHT_READ = 1 << 1,           /* r: SELECT, FETCH, SEARCH, COPY from it */
    RIGHT_SEEN = 1 << 2,           /* s: \Seen may be set and is kept */
    RIGHT_WRITE = 1 << 3,          /* w: flags other than \Seen and \Deleted */
    RIGHT_INSERT = 1 << 4,         /* i: APPEND and COPY into it */
    RIGHT_POST = 1 << 5,           /* p: mail to its address */
    RIGHT_CREATE = 1 << 6,         /* k: folders below it */
    RIGHT_DELETE_FOLDER = 1 << 7,  /* x: DELETE and RENAME of it */
    RIGHT_DELETE_MESSAGE = 1 << 8, /* t: \Deleted */
    RIGHT_EXPUNGE = 1 << 9,        /* e: EXPUNGE, MOVE out of it */
    RIGHT_ADMIN = 1 << 10,         /* a: its list of rights */
};
#define RIGHTS_ALL 0x7ffu
#define RIGHTS_READ_ONLY ((unsigned)(RIGHT_LOOKUP | RIGHT_READ))
/* One of these makes the folder's directory writable for the user's sessions. */
#define RIGHTS_THAT_WRITE (RIGHTS_ALL & ~(RIGHTS_READ_ONLY | RIGHT_POST))

/* Appends the letters in the order above. */
void imap_rights_write(uint32_t rights, struct strbuf *out);
/* For ACL and MYRIGHTS responses, with the "c" and "d" that older clients look for (2.1.1). */
void imap_rights_write_answer(uint32_t rights, struct strbuf *out);
/* Letters to bits. The old "c" is "kx" and the old "d" is "te" (section 2.1.1). -1: another
 * letter. */
int imap_rights_parse(struct slice letters, uint32_t *rights);

#endif
