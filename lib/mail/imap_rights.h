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
/* What changes messages or makes some, and takes a directory that can be written. */
#define RIGHTS_ON_MESSAGES                                                                         \
    ((unsigned)(RIGHT_SEEN | RIGHT_WRITE | RIGHT_INSERT | RIGHT_DELETE_MESSAGE | RIGHT_EXPUNGE))
/* The others need no directory of the folder: they are about its name, its list or its address. */
#define RIGHTS_IN_DIRECTORY (RIGHTS_ON_MESSAGES | RIGHT_READ)
/* One of them tells that the folder is there (RFC 4314 section 4, "Any"). */
#define RIGHTS_THAT_SHOW                                                                           \
    ((unsigned)(RIGHT_LOOKUP | RIGHT_READ | RIGHT_INSERT | RIGHT_CREATE | RIGHT_DELETE_FOLDER |    \
                RIGHT_ADMIN))

/* Appends the letters in the order above. */
void imap_rights_write(uint32_t rights, struct strbuf *out);
/* For ACL and MYRIGHTS responses, with the "c" and "d" that older clients look for (2.1.1). */
void imap_rights_write_answer(uint32_t rights, struct strbuf *out);
/* For LISTRIGHTS: each right by itself with a space in front, "c" and "d" behind (2.1.1). */
void imap_rights_write_grantable(uint32_t rights, struct strbuf *out);
/* Letters to bits. The old "c" is "kx" and the old "d" is "te" (section 2.1.1). -1: another
 * letter. */
int imap_rights_parse(struct slice letters, uint32_t *rights);

/* mod-rights (section 7): letters in the place of what is there, or behind "+" or "-" more or less
 * than that. -1: another letter. */
enum rights_change { RIGHTS_SET, RIGHTS_ADD, RIGHTS_REMOVE };
int imap_rights_parse_change(struct slice text, enum rights_change *change, uint32_t *rights);

#endif
