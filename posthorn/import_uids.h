/*
 * posthorn/import_uids.h - the UIDs and the names of POP3 that another server gave to the messages
 * of a Maildir.
 *
 * Dovecot: dovecot-uidlist, in its first form ("1 VALIDITY NEXT", then "UID FILE") and its third
 * ("3 V1234 N17 ...", then "UID P... :FILE", where P says the name of POP3; an empty one is the
 * file's). Courier: courierimapuiddb ("1 VALIDITY NEXT", then "UID FILE") and courierpop3dsizelist
 * ("/3 NEXT VALIDITY", then "FILE SIZE N:VALIDITY"). What Dovecot's says comes first: it was
 * converted from Courier's if both are there.
 */
#ifndef POSTHORN_POSTHORN_IMPORT_UIDS_H
#define POSTHORN_POSTHORN_IMPORT_UIDS_H

#include "lib/base/strbuf.h"

/* Dovecot's pop3_uidl_format as shipped. */
#define IMPORT_UIDL_DOVECOT "%08Xu%08Xv"

struct import_uid {
    struct slice file; /* without what follows ":2," */
    struct slice pop3; /* UIDL, or "N:VALIDITY" of Courier; empty: as the format says */
    uint32_t uid;      /* 0: not known */
    bool own, courier; /* `pop3` is there; it is Courier's */
};
struct import_uids {
    struct strbuf text, pop3_text;
    uint32_t uidvalidity, uidnext; /* 0: not known */
    struct import_uid *list;       /* sorted by file; for each file a line, or two of Courier's */
    size_t count, cap;
    const char *format; /* of UIDLs that no file says; NULL: none */
};

/* What lies in `dir`. `uidl_format` (may be NULL) is what the server was set to give in POP3; it
 * outlives *u. */
void import_uids_read(struct import_uids *u, int root, const char *dir, const char *uidl_format);
void import_uids_free(struct import_uids *u);
uint32_t import_uids_of(const struct import_uids *u, struct slice file); /* 0: not known */
/* Appends the UIDL that POP3 gave for the file; nothing if that is not known. */
void import_uids_pop3(const struct import_uids *u, struct slice file, struct strbuf *out);

/* A format has %u (UID), %v (UIDVALIDITY), %f (file name), each with 0, a width up to 20 and X
 * (hexadecimal) between; and one of %u and %f, or no two names would differ. */
bool import_uidl_format_valid(const char *format);

#endif
